"""Values that a column cannot hold, refused with a sentence.

Left to the database they are an error in the server's log and a riddle for people.
"""

from odoo.exceptions import ValidationError

from ...engine.values.plain import UNSTORABLE

PORTS = (1, 65535)
LARGEST = 2**31 - 1
DEPTH_MAX = 20


def is_whole_number(value, least, most):
    """Return whether an argument is a whole number within a range; True and False are not numbers."""
    return isinstance(value, int) and not isinstance(value, bool) and least <= value <= most


def check_numbers(records, vals_list, ranges):
    """Check numbers that are about to be written against the ranges of their fields.

    :param records: any of the model, for its fields and its language
    :param vals_list: what ``create`` or ``write`` got
    :param ranges: {name of an integer field: (least, most)}
    :raise ValidationError: names the field and its range
    """
    for vals in vals_list:
        for name, (least, most) in ranges.items():
            number = vals.get(name, least)
            if isinstance(number, int) and not least <= number <= most:
                raise ValidationError(
                    records.env._(
                        "“%(field)s” must be between %(least)s and %(most)s, not %(number)s.",
                        field=records._fields[name]._description_string(records.env),
                        least=least,
                        most=most,
                        number=number,
                    )
                )


def check_storable(records, vals):
    """Check texts and numbers that are about to be written against what columns can hold.

    :param records: any of the model, for its fields and its language
    :param vals: what ``create`` or ``write`` got: a dictionary or a list of them; anything else is left to Odoo
    :raise ValidationError: names the field
    """
    for values in vals if isinstance(vals, (list, tuple)) else [vals]:
        for name, value in values.items() if isinstance(values, dict) else ():
            _check_fits_column(records, name, value)
            if has_unstorable_text(value):
                raise ValidationError(
                    records.env._(
                        "“%(field)s” contains NUL or another character that cannot be stored (half of a surrogate pair,"
                        " U+FFFE, U+FFFF). Remove it.",
                        field=_label(records, name),
                    )
                )


def _check_fits_column(records, name, value):
    """Raise ValidationError for a number, or the id of a record, that is too large for its column."""
    field = records._fields.get(name)
    if not isinstance(value, int) or -LARGEST <= value <= LARGEST or not field or not field.column_type:
        return
    if field.column_type[0] == "int4":
        raise ValidationError(
            records.env._(
                "“%(field)s” cannot be %(number)s: enter a number between -%(most)s and %(most)s.",
                field=_label(records, name),
                number=value,
                most=LARGEST,
            )
        )


def _label(records, name):
    field = records._fields.get(name)
    return field._description_string(records.env) if field else name


def has_unstorable_text(value, depth=0):
    """Return whether a value is, or contains, a text that cannot be stored."""
    if isinstance(value, str):
        return UNSTORABLE.search(value) is not None
    if depth > DEPTH_MAX:
        return False
    if isinstance(value, dict):
        return any(has_unstorable_text(item, depth + 1) for pair in value.items() for item in pair)
    if isinstance(value, (list, tuple)):
        return any(has_unstorable_text(item, depth + 1) for item in value)
    return False
