"""Why a jet does not move."""

from odoo.addons.cetmix_tower_server.engine.errors import EngineError
from odoo.exceptions import UserError


class TransitionRefused(EngineError, UserError):
    """A transition cannot begin. ``str(error)`` is for people: those who call ``_bring_to_state`` in an addon see it as it is.

    :param exit_code: of :class:`ExitCode`, for a command that asked
    """

    def __init__(self, exit_code, message):
        super().__init__(message)
        self.exit_code = exit_code
