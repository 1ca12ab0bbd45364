"""How the tools end when they cannot go on."""


class SetupError(Exception):
    """The reason, as one sentence for the person at the terminal; ends the tool with exit status 1."""


class Interrupted(BaseException):
    """A signal asked us to end.

    Derived from BaseException for the same reason as KeyboardInterrupt: no `except Exception` may swallow it.
    """

    def __init__(self, signum: int):
        super().__init__(signum)
        self.signum = signum
