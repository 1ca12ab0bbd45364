"""Turns code, path and sudo into the conversation with a host's shell. Knows nothing of connections.

The exec request carries only a constant bootstrap with a random token (:mod:`.bootstrap`). It prints
``TOKEN:i:<pid>``, and only then is the script sent, on standard input. Without sudo, the user's login shell itself
evaluates it. So neither the script nor its content shows in the host's process list, and no further process is needed.

With sudo, the login shell only starts a plain ``/bin/sh``. It receives a small script of ours that identifies the login
shell and starts one ``sudo`` with that shell for each part. A privileged shell
prints a ready marker and only then receives its part. sudo's prompt is a marker too: a password is
sent only in answer to that prompt. Markers (``TOKEN:<letter>:<argument>``, the prompt with
percent signs instead of colons; the host's process list never shows one):

===== ====== =====================================================================================
i pid stdout the shell is ready for its script; the login shell's process id is also its session and process group
s n   stdout the script of part n has arrived completely and starts (0: the script of the first shell)
x n   stdout the script of part n did not arrive completely; nothing of it is run
b n   stdout sudo is about to start for part n
p n   stderr sudo asks for the password for part n
r n   stdout the privileged shell of part n waits for its script
d n   stdout a directly run command ended; releases the process that forwards the password
a n   stderr sudo of part n ended with status 1 and the shell asks how to go on ("go", "ask", else end)
w n   stdout sudo does not allow part n; its words follow
m     stdout there is no sudo
h     stdout the login shell could not be identified
===== ====== =====================================================================================
"""

from __future__ import annotations

import re
import secrets
import shlex
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import Enum

from ..errors import ScriptError
from ..secret import Secret
from ..shell import Part, plain_words, split_commands
from .bootstrap import FORGET, PRELUDE, block, login_request, mark, run, sh_request, take

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
    """A script to be run.

    :param code: shell code; in raw mode, whatever the host understands
    :param path: working directory; may start with ``~`` or ``~user``
    :param sudo_password: used with :attr:`SudoMode.PASSWORD` only
    :param split: with a sudo password: one sudo for each command of ``a && b``
    :param raw: send the code as it is; for hosts without a POSIX shell. No path, no sudo
    :param plain_sh: run by ``/bin/sh`` with default settings, whatever the login shell is: for Tower's own scripts
    :param secrets_used: the code contains secrets, so nothing of it may become an argument of sudo
    """

    code: str = field(repr=False)
    path: str | None = None
    sudo: SudoMode = SudoMode.NONE
    sudo_password: Secret | None = None
    split: bool = True
    raw: bool = False
    plain_sh: bool = False
    secrets_used: bool = False


@dataclass(frozen=True)
class Conversation:
    """What is sent to a host, and when.

    :param command: the exec request
    :param opening: what is sent on standard input once the shell is ready
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
    blocks, direct = {}, frozenset()
    if SudoMode(spec.sudo) is not SudoMode.NONE:
        script, blocks, direct = _with_sudo(spec, token)
        command = sh_request(script, token, closed_input=False)
    else:
        script = f"{_enter(spec.path)}{FORGET}{spec.code}"
        command = (
            sh_request(script, token, closed_input=True) if spec.plain_sh else login_request(script, token)
        )
    return Conversation(
        command=command,
        opening=block(script, token),
        blocks=blocks,
        direct=direct,
        token=token,
        sudo=SudoMode(spec.sudo),
        password=spec.sudo_password,
    )


def quote_path(path: str, home: str = "$HOME") -> str:
    """Return a path as one shell word; ``~``, ``~/x`` and ``~user/x`` mean the home directory.

    :param home: what the shell has for the home directory of ``~``
    """
    if path == "-":  # cd takes it for the previous directory, quoted or not
        return "./-"
    if path == "~":
        return f'"{home}"'
    if path.startswith("~/"):
        return f'"{home}"/' + (shlex.quote(path[2:]) if path[2:] else "")
    named = _NAMED_HOME.fullmatch(path)
    if named:
        rest = named[2] or ""
        return named[1] + ("/" + shlex.quote(rest[1:]) if rest[1:] else rest)
    return shlex.quote(path)


def _validate(spec: ScriptSpec) -> None:
    for what, text in (("The code", spec.code), ("The path", spec.path or "")):
        if "\0" in text:
            raise ScriptError(f"{what} contains a NUL character, which shells do not accept.")
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


def _enter(path: str | None, home: str = "$HOME") -> str:
    """Change the directory or exit with the status of cd. CDPATH must not lead elsewhere."""
    return f'CDPATH= "$_b" cd -- {quote_path(path, home)}||"$_b" exit;' if path else ""


# Identifies the login shell ($1 is its process id) for $_h. What it reports itself ($2: bash, $3: SHELL)
# counts if that is the program that runs under this id.
_FIND_SHELL = """_h=
same() {
case $1 in /*);;*)return 1;;esac
[ -x "$1" ]||return 1
[ ! -e "/proc/$p/exe" ]||[ "$1" -ef "/proc/$p/exe" ]
}
p=$1
for _l in "$2" "$3" /bin/sh;do
if same "$_l";then _h=$_l;break;fi
done
[ -n "$_h" ]||{ _h=$(readlink "/proc/$p/exe")&&same "$_h"; }||@UNKNOWN@
"""


def _with_sudo(spec: ScriptSpec, token: str) -> tuple[str, dict[int, bytes], frozenset[int]]:
    """Return the script that calls sudo, the privileged shells' blocks and the direct parts' numbers."""
    parts = [Part("", spec.code)]
    if spec.split and SudoMode(spec.sudo) is SudoMode.PASSWORD:
        parts = split_commands(spec.code)
    unknown = f"{{ {mark(token, 'h')};exit 126; }}"
    lines = [
        f"command -v sudo >/dev/null 2>&1||{{ {mark(token, 'm')};exit 127; }}",
        "_h=/bin/sh" if spec.plain_sh else _FIND_SHELL.replace("@UNKNOWN@", unknown),
        "_s=0;_c=;_a=${LC_ALL+x$LC_ALL}",
    ]
    if spec.path:  # a directory that only root may enter is entered by the privileged shell
        lines.append(f"{{ CDPATH= cd -- {quote_path(spec.path)}; }} 2>/dev/null||_c=1")
    blocks, direct = {}, set()
    for number, part in enumerate(parts, 1):
        script = _privileged_script(spec.path, part.code)
        blocks[number] = block(script, token)
        words = None if spec.secrets_used else _direct_words(part.code)
        through_shell = _shell_part(spec, number, script, token)
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
    # sudo may have another home directory: $3 is the log-in user's
    enter = f"case $1 in 1){_enter(path, '$3')};esac;" if path else ""
    return f'{enter}"$_b" set --;{FORGET}{code}'


def _flags(spec: ScriptSpec, number: int, token: str) -> str:
    """Return sudo's options. Its prompt contains percent signs, which are doubled in its arguments."""
    return "-n" if SudoMode(spec.sudo) is SudoMode.NO_PASSWORD else f"-k -S -p '{token}%%p%%{number}%%'"


def _shell_part(spec: ScriptSpec, number: int, script: str, token: str) -> str:
    """Run a part by a privileged shell; sudo itself speaks English, the part has the locale it had."""
    ready = mark(token, "r", number, printf='"$_b" printf')
    boot = (
        f"{PRELUDE}{ready};{take(script, token, number)}"
        'case $2 in x*)LC_ALL=${2#x};"$_b" export LC_ALL;;*)"$_b" unset LC_ALL;;esac;'
        f"{run(token, number)}"
    )
    return (
        f"{mark(token, 'b', number)}\n"
        f'LC_ALL=C sudo {_flags(spec, number, token)} -- "$_h" -c {shlex.quote(boot)} "${{_h##*/}}"'
        ' "$_c" "$_a" "${HOME-}";_s=$?\n'
        f"if [ $_s = 1 ];then {mark(token, 'a', number, end=':')} >&2;"
        'IFS= read -r _l&&[ "$_l" = go ]||exit 1;fi'
    )


def _direct_part(spec: ScriptSpec, number: int, words: list[str], token: str) -> str:
    """Run a part as sudo's own command, so that sudoers rules for that command apply.

    Status 1 may be the command's or sudo's: then ``sudo -l`` tells whether the command is allowed.
    """
    command = " ".join(map(shlex.quote, words))
    refused = f"{mark(token, 'w', f'{number}:%s')} \"${{_d%%'\n'*}}\";exit 1"
    if SudoMode(spec.sudo) is SudoMode.NO_PASSWORD:
        return (
            f"sudo -n -- {command} </dev/null;_s=$?\n"
            f"if [ $_s = 1 ];then _d=$(LC_ALL=C sudo -n -l -- {command} 2>&1 >/dev/null)||{{ {refused}; }};fi"
        )
    forward = '{ IFS= read -r _l;[ -n "$_l" ]&&printf \'%s\\n\' "$_l"; }'
    listing = f"LC_ALL=C sudo -k -S -p '' -l -- {command} 2>&1 >/dev/null"
    return (
        f"{mark(token, 'b', number)}\n"
        f"{forward}|{{ sudo {_flags(spec, number, token)} -- {command};_s=$?;"
        f"{mark(token, 'd', number)};exit $_s; }};_s=$?\n"
        f"if [ $_s = 1 ];then {mark(token, 'a', number, end=':')} >&2;IFS= read -r _l||exit 1;"
        f"case $_l in go);;ask)_d=$({forward}|{listing})||{{ {refused}; }};;*)exit 1;;esac;fi"
    )
