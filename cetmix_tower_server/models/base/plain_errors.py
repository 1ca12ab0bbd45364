"""Public methods answer wrong arguments with a sentence, never with an exception of Python or of the database.

What a method checks itself comes first and says it best. This is the net below: whatever a script passes to a public method
of Tower, it gets a ``UserError`` that names the method and the argument, and the log of the server keeps the traceback.
"""

import functools
import inspect
import logging

from odoo import api, models
from odoo.exceptions import UserError, ValidationError
from psycopg2 import DataError, ProgrammingError

from ...engine.values.plain_values import UNSTORABLE
from .number_ranges import LARGEST

_logger = logging.getLogger(__name__)

# What wrong arguments lead to. Errors of the connection and of concurrency are tried again by Odoo, so they pass.
RAW = (
    ArithmeticError,
    AssertionError,
    AttributeError,
    BufferError,
    DataError,
    LookupError,
    MemoryError,
    ProgrammingError,
    RecursionError,
    TypeError,
    ValueError,
)
DEPTH_MAX = 20
STORING = ("create", "write")


def guard_public_methods(addon):
    """Have all public methods that an addon's models define answer wrong arguments with a sentence.

    Called once, when the addon has been imported and before its models are put together.
    """
    for model in models.MetaModel._module_to_models__.get(addon, ()):
        for name, method in list(vars(model).items()):
            if (
                name.startswith("_")
                or not inspect.isfunction(method)
                or getattr(method, "_api_private", False)
            ):
                continue
            guard = _guard_storing if name in STORING else _guard
            setattr(model, name, guard(method))
        if issubclass(model, models.TransientModel):
            _guard_storing_of_wizard(model)


def _guard_storing_of_wizard(model):
    """Have a wizard look at what it is to store: unlike other models, most define nothing themselves that could."""

    @api.model_create_multi
    def create(self, vals_list):
        return super(model, self).create(vals_list)

    def write(self, vals):
        return super(model, self).write(vals)

    for method in (create, write):
        if method.__name__ not in vars(model):
            setattr(model, method.__name__, _guard_storing(method))


def _guard(method):
    @functools.wraps(method)
    def guarded(self, *args, **kwargs):
        try:
            return method(self, *args, **kwargs)
        except UserError:
            raise
        except RAW as error:
            if isinstance(error, UnicodeError) or not self.env.su:
                _logger.info("%s.%s was called wrongly", self._name, method.__name__, exc_info=True)
                raise _refusal(self, method, args, kwargs) from error
            raise  # Tower's own code called it: that is ours to mend

    return guarded


def _guard_storing(method):
    @functools.wraps(method)
    def guarded(self, *args, **kwargs):
        if not self.env.su:  # what Tower itself stores is looked at where it comes from
            for vals in (*args, *kwargs.values()):
                _check_storable(self, vals)
        return method(self, *args, **kwargs)

    return guarded


def _check_storable(records, vals):
    """Raise ValidationError for texts and numbers in the values of fields that no column can hold."""
    for values in vals if isinstance(vals, (list, tuple)) else [vals]:
        for name, value in values.items() if isinstance(values, dict) else ():
            _check_number(records, name, value)
            if _has_unstorable(value):
                field = records._fields.get(name)
                label = field._description_string(records.env) if field else name
                raise ValidationError(
                    records.env._(
                        "“%(field)s” holds NUL or another character that cannot be stored (half of a surrogate pair, U+FFFE, U+FFFF). Remove it.",
                        field=label,
                    )
                )


def _check_number(records, name, value):
    """Raise ValidationError for a number, or the id of a record, that its column cannot hold."""
    field = records._fields.get(name)
    if not isinstance(value, int) or -LARGEST <= value <= LARGEST or not field or not field.column_type:
        return
    if field.column_type[0] == "int4":
        label = field._description_string(records.env)
        raise ValidationError(
            records.env._(
                "“%(field)s” cannot be %(number)s: no number here goes beyond ±%(most)s.",
                field=label,
                number=value,
                most=LARGEST,
            )
        )


def _has_unstorable(value, depth=0):
    """Return whether there is a text in a value that cannot be stored."""
    if isinstance(value, str):
        return UNSTORABLE.search(value) is not None
    if depth > DEPTH_MAX:
        return False
    if isinstance(value, dict):
        return any(_has_unstorable(item, depth + 1) for pair in value.items() for item in pair)
    if isinstance(value, (list, tuple)):
        return any(_has_unstorable(item, depth + 1) for item in value)
    return False


def _refusal(records, method, args, kwargs):
    """Return the error that says which arguments are the likely reason."""
    unknown = _unknown_arguments(method, kwargs)
    if unknown:
        return UserError(
            records.env._(
                "“%(method)s” of %(model)s has no %(unknown)s. What it takes: %(known)s.",
                method=method.__name__,
                model=records._name,
                unknown=", ".join(f"“{name}”" for name in unknown),
                known=", ".join(list(inspect.signature(method).parameters)[1:]) or records.env._("nothing"),
            )
        )
    named = _named_arguments(method, records, args, kwargs)
    wrong = [name for name, (value, wanted) in named.items() if _is_suspicious(value, wanted)]
    names = ", ".join(f"“{name}”" for name in wrong or named)
    env = records.env
    values = {"model": records._name, "method": method.__name__, "names": names}
    if not names:
        return UserError(
            env._(
                "“%(method)s” of %(model)s failed with a technical error, which stands in the log of the Tower server.",
                **values,
            )
        )
    return UserError(
        env._(
            "“%(method)s” of %(model)s cannot use %(names)s as given. Check the types, and texts for NUL and broken characters."
            " If they are right, the fault is Tower's: the log of its server has the technical error.",
            **values,
        )
    )


def _unknown_arguments(method, kwargs):
    """Return the names among these that are none of the method's arguments."""
    parameters = inspect.signature(method).parameters
    if any(parameter.kind is parameter.VAR_KEYWORD for parameter in parameters.values()):
        return []
    return [name for name in kwargs if name not in parameters]


def _named_arguments(method, records, args, kwargs):
    """Return {name: (value, default or None)} of the arguments of a call."""
    signature = inspect.signature(method)
    try:
        given = signature.bind(records, *args, **kwargs).arguments
    except TypeError:
        return dict.fromkeys(kwargs, (None, None))
    first, *_others = given
    return {
        name: (value, _default(signature.parameters[name])) for name, value in given.items() if name != first
    }


def _default(parameter):
    return None if parameter.default is parameter.empty else parameter.default


def _is_suspicious(value, default):
    if _has_unstorable(value):
        return True
    if default is None or value is None:
        return isinstance(value, (dict, list)) or (isinstance(value, int) and abs(value) > 2**31)
    kinds = (
        (int, float) if isinstance(default, (int, float)) and not isinstance(default, bool) else type(default)
    )
    return not isinstance(value, kinds) or isinstance(value, (int, float)) and not abs(value) < 2**31
