"""A safety net below all public methods: wrong arguments lead to a sentence, never to an exception of Python or the database.

Methods check their arguments themselves, and say best what is wrong. Whatever they miss becomes a ``UserError`` that names the
method and the argument; the traceback goes to the server's log.

The net wraps every public method when the addon has been imported. A decorator would have to be remembered on each of them,
and could not cover ``create`` and ``write`` of the many wizards that define neither. RPC is not the only caller either
(Python commands call methods directly), so the check cannot live at Odoo's dispatcher.
"""

import functools
import inspect
import logging

from odoo import api, models
from odoo.exceptions import UserError
from psycopg2 import DataError, ProgrammingError

from .storable_values import check_storable, has_unstorable_text

_logger = logging.getLogger(__name__)

# What wrong arguments lead to. Connection and concurrency errors are not among them: Odoo retries those.
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
STORING = ("create", "write")


def guard_public_methods(addon):
    """Wrap all public methods that an addon's models define.

    Called once, after the addon was imported and before Odoo assembles its models.
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
    """Check what a wizard stores. Most wizards define neither ``create`` nor ``write``, so they get both."""

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
                _logger.info("%s.%s: wrong arguments", self._name, method.__name__, exc_info=True)
                raise _refusal(self, method, args, kwargs) from error
            raise  # called by Tower's own code: a bug, not a wrong argument

    return guarded


def _guard_storing(method):
    @functools.wraps(method)
    def guarded(self, *args, **kwargs):
        if not self.env.su:  # what Tower itself stores was checked where it came from
            for vals in (*args, *kwargs.values()):
                check_storable(self, vals)
        return method(self, *args, **kwargs)

    return guarded


def _refusal(records, method, args, kwargs):
    """Return the error that names the arguments which are the likely cause."""
    unknown = _unknown_arguments(method, kwargs)
    if unknown:
        return UserError(
            records.env._(
                "“%(method)s” of %(model)s has no argument %(unknown)s. Its arguments: %(known)s.",
                method=method.__name__,
                model=records._name,
                unknown=", ".join(f"“{name}”" for name in unknown),
                known=", ".join(list(inspect.signature(method).parameters)[1:]) or records.env._("none"),
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
                "“%(method)s” of %(model)s failed with a technical error. See the Odoo server log.",
                **values,
            )
        )
    return UserError(
        env._(
            "“%(method)s” of %(model)s cannot use the given %(names)s. Check the types, and check strings for NUL "
            "and broken characters."
            " If these are right, this is a bug in Tower: see the Odoo server log for the technical error.",
            **values,
        )
    )


def _unknown_arguments(method, kwargs):
    """Return the names among these that are not arguments of the method."""
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
    if has_unstorable_text(value):
        return True
    if default is None or value is None:
        return isinstance(value, (dict, list)) or (isinstance(value, int) and abs(value) > 2**31)
    kinds = (
        (int, float) if isinstance(default, (int, float)) and not isinstance(default, bool) else type(default)
    )
    return not isinstance(value, kinds) or isinstance(value, (int, float)) and not abs(value) < 2**31
