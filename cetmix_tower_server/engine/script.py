"""How code, path and sudo become what is sent to a host. Knows nothing of connections.

The exec request carries only a constant bootstrap with a random token: it prints ``TOKEN:i:<pid>``, reads
the script from standard input up to the token and evaluates it in the user's login shell. So neither
the script nor anything in it shows in the host's process list, and no further process is needed.

With sudo the login shell gets a small script of ours that starts one ``sudo`` a part. A privileged shell
prints a ready marker and only then receives its part, and sudo's prompt is a marker too: a password is
sent as an answer to that prompt and nowhere else. Markers (``TOKEN:<letter>:<argument>``, the prompt with
percent signs instead of colons; no marker is contained in what the host's process list shows):

===== ====== =====================================================================================
i pid stdout the login shell runs; its process id is also its session and process group
b n   stdout sudo is about to start for part n
p n   stderr sudo asks for the password for part n
r n   stdout the privileged shell of part n waits for its script
d n   stdout a directly run command ended; releases the process that forwards the password
a n   stderr sudo of part n ended with status 1 and the shell asks how to go on ("go", "ask", else end)
w n   stdout sudo does not allow part n; its words follow
m     stdout there is no sudo
===== ====== =====================================================================================
"""

from __future__ import annotations

import re
import secrets
import shlex
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import Enum

from .results import ScriptError, Secret
from .shell import Part, plain_words, split_commands

#: Up to this many bytes the shell's own ``read`` is quicker than starting ``head``.
READ_LIMIT_BYTES = 4096
#: Exit status of the bootstrap when the script did not arrive completely.
TRUNCATED_STATUS = 125
#: Answers to the marker "a".
GO_ON, ASK_SUDO, GIVE_UP = b"go\n", b"ask\n", b"no\n"
_NAMED_HOME = re.compile(r"(~[A-Za-z0-9_][A-Za-z0-9_.-]*)(/.*)?", re.DOTALL)


class SudoMode(str, Enum):
    """How sudo is used on a host; values as stored (field ``use_sudo`` of a server)."""

    NONE = ""
    NO_PASSWORD = "n"
    PASSWORD = "p"


@dataclass(frozen=True)
class ScriptSpec:
    """What is to be run.

    :param code: shell code; in raw mode whatever the host understands
    :param path: directory to run in; ``~`` and ``~user`` work at its start
    :param sudo_password: only used with :attr:`SudoMode.PASSWORD`
    :param split: with a sudo password: one sudo for each command of ``a && b``
    :param raw: send the code as it is; for hosts without a POSIX shell. No path, no sudo
    :param secrets_used: the code contains secrets, so nothing of it may become an argument of sudo
    """

    code: str = field(repr=False)
    path: str | None = None
    sudo: SudoMode = SudoMode.NONE
    sudo_password: Secret | None = None
    split: bool = True
    raw: bool = False
    secrets_used: bool = False


@dataclass(frozen=True)
class Conversation:
    """What is sent to a host, and when.

    :param command: the exec request
    :param opening: what follows on standard input at once
    :param blocks: part number -> the script of that part's privileged shell
    :param direct: numbers of the parts that sudo may run without a shell
    :param token: start of every marker; empty in raw mode
    """

    command: str = field(repr=False)
    opening: bytes = field(default=b"", repr=False)
    blocks: Mapping[int, bytes] = field(default_factory=dict, repr=False)
    direct: frozenset[int] = frozenset()
    token: str = ""
    sudo: SudoMode = SudoMode.NONE
    password: Secret | None = field(default=None, repr=False)


def compose(spec: ScriptSpec, token: str | None = None) -> Conversation:
    """Return the conversation that runs a script.

    :param token: for tests; a random one by default
    :raise ScriptError: NUL byte, sudo or path in raw mode, a password with a line break, not encodable
    """
    _validate(spec)
    if spec.raw:
        return Conversation(command=spec.code)
    token = token or f"tower-{secrets.token_hex(12)}"
    if SudoMode(spec.sudo) is SudoMode.NONE:
        script, blocks, direct = f"exec </dev/null;{_enter(spec.path)}{spec.code}", {}, frozenset()
    else:
        script, blocks, direct = _with_sudo(spec, token)
    opening = _block(script, token)
    return Conversation(
        command=f'{_mark(token, "i", "%s")} $$;{_reader(opening, token)}eval "unset _t _l _n;$_t"',
        opening=opening,
        blocks=blocks,
        direct=direct,
        token=token,
        sudo=SudoMode(spec.sudo),
        password=spec.sudo_password,
    )


def quote_path(path: str) -> str:
    """Return a path as one shell word; ``~``, ``~/x`` and ``~user/x`` mean the home directory."""
    if path == "-":  # cd takes it for the previous directory, quoted or not
        return "./-"
    if path == "~":
        return '"$HOME"'
    if path.startswith("~/"):
        return '"$HOME"/' + shlex.quote(path[2:]) if path[2:] else '"$HOME"/'
    named = _NAMED_HOME.fullmatch(path)
    if named:
        rest = named[2] or ""
        return named[1] + ("/" + shlex.quote(rest[1:]) if rest[1:] else rest)
    return shlex.quote(path)


def _validate(spec: ScriptSpec) -> None:
    for what, text in (("The code", spec.code), ("The path", spec.path or "")):
        if "\0" in text:
            raise ScriptError(f"{what} contains a NUL character, which no shell can take.")
        try:
            text.encode()
        except UnicodeEncodeError:
            raise ScriptError(f"{what} contains characters that cannot be sent as UTF-8.") from None
    if spec.raw and (spec.path or SudoMode(spec.sudo) is not SudoMode.NONE):
        raise ScriptError(
            "A host in raw mode has no shell to change the directory or to call sudo."
            " Remove path and sudo, or set the server's shell mode to POSIX."
        )
    if spec.sudo_password and re.search(r"[\r\n\0]", spec.sudo_password.reveal()):
        raise ScriptError("The sudo password contains a line break, which sudo cannot read.")


def _enter(path: str | None) -> str:
    """Change the directory or end with the status of cd; CDPATH must not lead elsewhere."""
    return f"CDPATH= cd -- {quote_path(path)}||exit;" if path else ""


def _mark(token: str, letter: str, argument: object = "", end: str = "\\n") -> str:
    """Return shell code that prints a marker without containing it: a list of processes shows our code."""
    head, _, tail = token.partition("-")
    return f"printf '{head}-%s:{letter}:{argument}{end}' {tail}"


def _block(script: str, token: str) -> bytes:
    """Return a script as a reader of :func:`_reader` takes it: with the token as its last line."""
    data = script.encode() + b"\n" + token.encode()
    return data if len(data) > READ_LIMIT_BYTES else data + b"\n"


def _reader(block: bytes, token: str) -> str:
    """Return shell code that reads a block into ``$_t`` and never runs one that arrived incomplete."""
    if len(block) > READ_LIMIT_BYTES:
        return (
            f"_t=$(head -c {len(block)});case $_t in *{token});;*)exit {TRUNCATED_STATUS};;esac;"
            f"_t=${{_t%{token}}};"
        )
    return (
        # A line end without writing one here, or bash would count it: line numbers are the author's.
        "case $IFS in ' \t'?)_n=${IFS#??};;*)_n=$(printf '\\n.');_n=${_n%.};;esac;"
        f'_t=;while :;do IFS= read -r _l||exit {TRUNCATED_STATUS};[ "$_l" = {token} ]&&break;'
        "_t=$_t$_l$_n;done;"
    )


def _with_sudo(spec: ScriptSpec, token: str) -> tuple[str, dict[int, bytes], frozenset[int]]:
    """Return the login shell's script, the privileged shells' blocks and the direct parts' numbers."""
    parts = [Part("", spec.code)]
    if spec.split and SudoMode(spec.sudo) is SudoMode.PASSWORD:
        parts = split_commands(spec.code)
    lines = [
        f"command -v sudo >/dev/null 2>&1||{{ {_mark(token, 'm')};exit 127; }}",
        "_s=0;_c=;_a=${LC_ALL+x$LC_ALL}",
    ]
    if spec.path:  # a directory that only root may enter is entered by the privileged shell
        lines.append(f"{{ CDPATH= cd -- {quote_path(spec.path)}; }} 2>/dev/null||_c=1")
    blocks, direct = {}, set()
    for number, part in enumerate(parts, 1):
        blocks[number] = _block(_privileged_script(spec.path, part.code), token)
        words = None if spec.secrets_used else _direct_words(part.code)
        through_shell = _shell_part(spec, number, blocks[number], token)
        if words:
            direct.add(number)
            code = _direct_part(spec, number, words, token)
            if spec.path:
                code = f'if [ -z "$_c" ];then\n{code}\nelse\n{through_shell}\nfi'
        else:
            code = through_shell
        lines.append(f"if [ $_s = 0 ];then\n{code}\nfi" if part.connector == "&&" else code)
    lines.append("exit $_s")
    return "\n".join(lines), blocks, frozenset(direct)


def _direct_words(code: str) -> list[str] | None:
    words = plain_words(code)
    return words if words and "=" not in words[0] else None  # sudo would set a variable


def _privileged_script(path: str | None, code: str) -> str:
    enter = f"case $1 in 1){_enter(path)};esac;" if path else ""
    return f"exec </dev/null;{enter}set --;{code}"


def _flags(spec: ScriptSpec, number: int, token: str) -> str:
    """Return sudo's options. Its prompt contains percent signs, which are doubled in its arguments."""
    return "-n" if SudoMode(spec.sudo) is SudoMode.NO_PASSWORD else f"-k -S -p '{token}%%p%%{number}%%'"


def _shell_part(spec: ScriptSpec, number: int, block: bytes, token: str) -> str:
    """Run a part by a privileged shell; sudo itself speaks English, the part has the locale it had."""
    boot = (
        f"{_mark(token, 'r', number)};{_reader(block, token)}"
        "case $2 in x*)LC_ALL=${2#x};export LC_ALL;;*)unset LC_ALL;;esac;"
        'eval "unset _t _l _n;$_t"'
    )
    return (
        f"{_mark(token, 'b', number)}\n"
        f"LC_ALL=C sudo {_flags(spec, number, token)} -- /bin/sh -c {shlex.quote(boot)} sh"
        ' "$_c" "$_a";_s=$?\n'
        f"if [ $_s = 1 ];then {_mark(token, 'a', number, end=':')} >&2;"
        'IFS= read -r _l&&[ "$_l" = go ]||exit 1;fi'
    )


def _direct_part(spec: ScriptSpec, number: int, words: list[str], token: str) -> str:
    """Run a part as sudo's own command, so that sudoers rules for that command apply.

    Status 1 may be the command's or sudo's: then ``sudo -l`` tells whether the command is allowed.
    """
    command = " ".join(map(shlex.quote, words))
    refused = f"{_mark(token, 'w', f'{number}:%s')} \"${{_d%%'\n'*}}\";exit 1"
    if SudoMode(spec.sudo) is SudoMode.NO_PASSWORD:
        return (
            f"sudo -n -- {command} </dev/null;_s=$?\n"
            f"if [ $_s = 1 ];then _d=$(LC_ALL=C sudo -n -l -- {command} 2>&1 >/dev/null)||{{ {refused}; }};fi"
        )
    forward = '{ IFS= read -r _l;[ -n "$_l" ]&&printf \'%s\\n\' "$_l"; }'
    listing = f"LC_ALL=C sudo -k -S -p '' -l -- {command} 2>&1 >/dev/null"
    return (
        f"{_mark(token, 'b', number)}\n"
        f"{forward}|{{ sudo {_flags(spec, number, token)} -- {command};_s=$?;"
        f"{_mark(token, 'd', number)};exit $_s; }};_s=$?\n"
        f"if [ $_s = 1 ];then {_mark(token, 'a', number, end=':')} >&2;IFS= read -r _l||exit 1;"
        f"case $_l in go);;ask)_d=$({forward}|{listing})||{{ {refused}; }};;*)exit 1;;esac;fi"
    )
