"""Exceptions that end a command."""


class SetupError(Exception):
    """One sentence for the person at the terminal; ends the command with exit status 1."""


class Interrupted(BaseException):
    """A signal asked us to end.

    Derived from BaseException for the same reason as KeyboardInterrupt: no `except Exception` may swallow it.
    """

    def __init__(self, signum: int):
        super().__init__(signum)
        self.signum = signum
