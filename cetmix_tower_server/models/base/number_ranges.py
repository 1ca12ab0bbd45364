"""Numbers out of their range, refused with a sentence before the database or a computation sees them."""

from odoo.exceptions import ValidationError

PORTS = (1, 65535)
LARGEST = 2**31 - 1


def is_whole_number(value, least, most):
    """Return whether an argument is a whole number in a range; True and False are none."""
    return isinstance(value, int) and not isinstance(value, bool) and least <= value <= most


def check_numbers(records, vals_list, ranges):
    """Check numbers that are to be written. A database's own refusal is an error in the log and a riddle for people.

    :param records: any of the model, for its fields and its language
    :param vals_list: what ``create`` or ``write`` got
    :param ranges: {name of an integer field: (least, most)}
    :raise ValidationError: names the field and what it takes
    """
    for vals in vals_list:
        for name, (least, most) in ranges.items():
            number = vals.get(name, least)
            if isinstance(number, int) and not least <= number <= most:
                raise ValidationError(
                    records.env._(
                        "“%(field)s” is a number between %(least)s and %(most)s, not %(number)s.",
                        field=records._fields[name]._description_string(records.env),
                        least=least,
                        most=most,
                        number=number,
                    )
                )
