"""Tower's side of a conversation: finds the host's markers in the streams and answers them.

Pure: bytes and times in, bytes out. The markers are described in ``script/conversation.py``.
"""

from __future__ import annotations

import re
from collections import deque

from ...errors import SudoReason
from ...script.conversation import ASK_SUDO, GIVE_UP, GO_ON, Conversation
from .command_result import Stream
from .markers import PROMPT_LEAD, STDERR_MARKER, STDOUT_MARKER, MarkerScanner, PromptRest

#: sudo has this long to ask for a password or to start the privileged shell.
SUDO_START_LIMIT_S = 30.0
#: A direct command whose sudo has not asked by then gets none; its standard input is closed.
PROMPT_LIMIT_S = 15.0
_NOISE_LIMIT = 65536
_TAIL_LIMIT = 4096
# Words of sudo and of sudo-rs.
_REFUSED_STATUS_LINE = re.compile(rb"^sudo: 1 |^sudo-rs: Maximum 1 ", re.MULTILINE)
_PASSWORD_NEEDED = re.compile(
    rb"password is required|terminal is required|no password was|authentication is required", re.I
)
_TERMINAL_NEEDED = re.compile(rb"must have a tty|no tty", re.I)
_REFUSED = re.compile(rb"incorrect (?:password|authentication)|authentication fail", re.I)


class Dialogue:
    """State of one conversation.

    :ivar pid: process id of the login shell once it is ready
    :ivar reads_input: its start-up files waited for input: it became ready when its input was closed
    :ivar failure: (reason or None, sentence part) once sudo failed
    :ivar outgoing: bytes to send, in order
    :ivar close_input: no more will be sent; close once ``outgoing`` is empty
    """

    def __init__(self, conversation: Conversation):
        self._talk = conversation
        token = conversation.token
        self._stdout = MarkerScanner(token, STDOUT_MARKER)
        self._stderr = MarkerScanner(token, STDERR_MARKER, PROMPT_LEAD)
        self._prompt_rest = PromptRest()
        self._stderr.active = bool(conversation.blocks)
        self._begun: set[int] = set() if token else {0}
        self._incomplete: set[int] = set()
        self._withheld = False
        self._noise = b""
        self._stderr_tail = b""
        self._part = 0
        self._part_began: float | None = None
        self._ready: set[int] = set()
        self._prompts: dict[int, int] = {}
        self._released: set[int] = set()
        self.pid: int | None = None
        self.failure: tuple[SudoReason | None, str] | None = None
        self.outgoing: deque[bytes] = deque()
        self.close_input = not token
        self.reads_input = False

    @property
    def ready(self) -> bool:
        """Something of the script has been sent, or may have been (in raw mode with the request)."""
        return self.pid is not None or not self._talk.token

    @property
    def begun(self) -> bool:
        """The first shell has begun to run the script."""
        return 0 in self._begun

    @property
    def is_incomplete(self) -> bool:
        """A shell reported that its script did not arrive completely and is not run."""
        return bool(self._incomplete)

    @property
    def is_unconfirmed(self) -> bool:
        """A script was sent, and its shell reported neither that it starts nor that it is incomplete."""
        return bool(({0} | self._ready) - self._begun - self._incomplete) if self.ready else False

    def withhold(self) -> None:
        """Never send the script to a shell that is not ready yet, and close its input so that what reads it goes on."""
        if not self.ready:
            self._withheld = self.close_input = True

    def receive(self, stream: Stream, data: bytes, now: float) -> bytes:
        """Take bytes that arrived, act on markers, return the output of the script."""
        scanner = self._stdout if stream is Stream.STDOUT else self._stderr
        visible = b""
        for item in scanner.feed(data):
            if isinstance(item, tuple):
                self._act(*item, now)
            elif stream is Stream.STDOUT and not self.begun:
                self._noise = (self._noise + item)[:_NOISE_LIMIT]  # of .bashrc and the like
            else:
                item = self._prompt_rest.feed(item) if stream is Stream.STDERR else item
                visible += item
                if stream is Stream.STDERR and self._stderr.active:
                    self._stderr_tail = (self._stderr_tail + item)[-_TAIL_LIMIT:]
        return visible

    def finish(self) -> tuple[bytes, bytes]:
        """Return what was held back of stdout and stderr; of a shell that never began, all it said."""
        before = b"" if self.begun else self._noise
        return before + self._stdout.flush(), self._prompt_rest.flush() + self._stderr.flush()

    def next_deadline(self) -> float | None:
        """Return when :meth:`tick` has something to do."""
        if self._part_began is None:
            return None
        return self._part_began + (PROMPT_LIMIT_S if self._is_direct else SUDO_START_LIMIT_S)

    def tick(self, now: float) -> None:
        """Act if sudo did not answer in time."""
        deadline = self.next_deadline()
        if deadline is None or now < deadline:
            return
        self._part_began = None
        if self._is_direct:
            self._release()
        else:
            self._fail(None, f"sudo neither asked nor started within {SUDO_START_LIMIT_S:g} s")

    @property
    def _is_direct(self) -> bool:
        return self._part in self._talk.direct and self._part not in self._ready

    def _act(self, letter: str, argument: str, now: float) -> None:
        if (self.ready or letter == "i") and (argument or letter in "mh"):
            getattr(self, f"_on_{letter}")(argument, now)

    def _on_i(self, argument: str, now: float) -> None:
        """Send the script, now that nothing else can read it."""
        if self._withheld:
            self.reads_input = True
        elif self.pid is None:
            self.pid = int(argument)
            self.outgoing.append(self._talk.opening)
            self.close_input = not self._talk.blocks

    def _on_s(self, argument: str, now: float) -> None:
        self._begun.add(int(argument))
        self._noise = b""
        self._stdout.active = bool(self._talk.blocks)

    def _on_x(self, argument: str, now: float) -> None:
        """Send nothing more: later parts get no password."""
        self._incomplete.add(int(argument))
        self.close_input = True

    def _on_h(self, argument: str, now: float) -> None:
        self._fail(None, "the login shell could not be identified")

    def _on_m(self, argument: str, now: float) -> None:
        self._fail(SudoReason.NOT_FOUND, "sudo is not installed on the host")

    def _on_b(self, argument: str, now: float) -> None:
        self._part = int(argument)
        self._part_began = now
        self._stderr_tail = b""

    def _on_r(self, argument: str, now: float) -> None:
        self._part_began = None
        number = int(argument)
        if number not in self._ready and number in self._talk.blocks:
            self._ready.add(number)
            self.outgoing.append(self._talk.blocks[number])

    def _on_p(self, argument: str, now: float) -> None:
        """Answer the first prompt of a part; a second one means that the password was refused."""
        number = int(argument)
        if number in self._ready or self._incomplete:
            return  # sudo is done asking (the script itself prints this), or nothing may follow
        self._prompt_rest.begin()
        self._prompts[number] = self._prompts.get(number, 0) + 1
        if self._prompts[number] > 1 or self._talk.password is None:
            self._fail(SudoReason.REFUSED_PASSWORD, self._refusal)
        elif number not in self._released:
            self._released.add(number)
            self._part_began = None if number in self._talk.direct else now
            self.outgoing.append(self._talk.password.reveal().encode() + b"\n")

    def _on_d(self, argument: str, now: float) -> None:
        self._release()

    def _release(self) -> None:
        """Let the process end that waits for the password of a direct command."""
        self._part_began = None
        if self._part not in self._released:
            self._released.add(self._part)
            self.outgoing.append(b"\n")

    def _on_a(self, argument: str, now: float) -> None:
        """Sudo ended with status 1: say whether that was the command's own status."""
        number = int(argument)
        self._part_began = None
        if self.failure:
            self.outgoing.append(GIVE_UP)
        elif number in self._ready:
            self.outgoing.append(GO_ON)
        elif number not in self._talk.direct or self._was_refused(number):
            self._fail(*self._explain(self._stderr_tail, number))
            self.outgoing.append(GIVE_UP)
        else:
            self.outgoing.append(ASK_SUDO + self._talk.password.reveal().encode() + b"\n")

    def _on_w(self, argument: str, now: float) -> None:
        _number, _, words = argument.partition(":")
        self._fail(*self._explain(words.encode(), 0))

    def _was_refused(self, number: int) -> bool:
        """One attempt and no second prompt: the host allows a single try. "sudo: 1 ..." in any language."""
        asked = self._prompts.get(number, 0)
        return asked > 1 or (asked == 1 and bool(_REFUSED_STATUS_LINE.search(self._stderr_tail)))

    @property
    def _refusal(self) -> str:
        """sudo-rs takes the end of its input for further attempts, with an empty password."""
        return "sudo refused the password" + ("" if self._prompt_rest.is_sudo_rs else "; it was tried once")

    def _explain(self, words: bytes, number: int) -> tuple[SudoReason, str]:
        if _REFUSED.search(words) or (number and self._was_refused(number)):
            return SudoReason.REFUSED_PASSWORD, self._refusal
        if _TERMINAL_NEEDED.search(words):
            return SudoReason.TERMINAL_REQUIRED, "sudo requires a terminal there (requiretty)"
        if _PASSWORD_NEEDED.search(words):
            return SudoReason.PASSWORD_REQUIRED, "sudo asks for a password there"
        return SudoReason.NOT_ALLOWED, "sudo does not allow this user to run the command"

    def _fail(self, reason: SudoReason | None, sentence: str) -> None:
        if self.failure is None:
            self.failure = (reason, sentence)
        if reason is not SudoReason.NOT_ALLOWED:
            self.close_input = True
