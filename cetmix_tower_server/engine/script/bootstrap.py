r"""Hands a script to a shell on a host: the shell reports that it is ready, receives a block, and runs it if it is complete.

Whatever runs before us in a login shell (start-up files, forced commands) may read standard input, print, define
functions and aliases, change options, or replace the shell. So nothing is sent before our own code runs and says so,
and the script starts only after all of it has arrived: between a token at its start and a token at its end, with the
right length. Otherwise nothing is run, and the markers prove how far the shell got.

The code here works in bash, dash, BusyBox, zsh, ksh and restricted shells. It calls builtins through ``"$_b"``, which is
``command`` (``builtin`` in zsh), so that functions and aliases of the same names do not interfere. ``set -u``,
``set -e``, ``set -f`` and a changed ``IFS`` do not interfere either. Short scripts need no fork.
"""

from __future__ import annotations

import shlex

#: Up to this many bytes, the shell's own ``read`` is faster than starting ``head``.
READ_LIMIT_BYTES = 4096
#: Exit status of the bootstrap when the script did not arrive completely. Tower looks at the marker, not at this.
TRUNCATED_STATUS = 125
#: Sets ``$_b``; the first code that every shell runs.
PRELUDE = "_b=command;case ${ZSH_VERSION+z} in z)_b=builtin;;esac;"
#: Unsets the names used here, so that the script does not see them.
FORGET = '"$_b" unset _b _t _l _n;'
#: A plain POSIX shell, whatever the login shell is. Restricted shells refuse names with a slash.
_SH = "_t=/bin/sh;case $- in *r*)_t=sh;;esac;"
# bash as /bin/sh takes over exported functions and SHELLOPTS.
_CLEAN = "set +efuvx;case ${BASH_VERSION+b} in b)unset -f $(command compgen -A function);;esac;"


def mark(token: str, letter: str, argument: object = "", end: str = "\\n", printf: str = "printf") -> str:
    """Return shell code that prints a marker without containing it: a list of processes shows our code."""
    head, _, tail = token.partition("-")
    return f"{printf} '{head}-%s:{letter}:{argument}{end}' {tail}"


def block(script: str, token: str) -> bytes:
    """Return a script in the form that :func:`take` reads: between two tokens."""
    data = f"{token}{script}\n{token}".encode()
    return data if len(data) > READ_LIMIT_BYTES else data + b"\n"


def take(script: str, token: str, number: int) -> str:
    """Return shell code that reads the block of a script into ``$_t``, or reports that it is incomplete and exits.

    :param number: number of the block; the first shell gets block 0
    """
    size = len(block(script, token))
    text = script + "\n"
    if size > READ_LIMIT_BYTES:
        read = f"_t=$(\\command head -c {size});case $_t in {token}*{token});;*)_t=;;esac;_t=${{_t#{token}}};_t=${{_t%{token}}};"
    else:
        read = (
            # A line end that is not written here: bash would count it, and line numbers must be the author's.
            "case $IFS in ' \t'?)_n=${IFS#??};;*)_n=$(\"$_b\" printf '\\n.');_n=${_n%.};;esac;"
            f'_t=;IFS= "$_b" read -r _l||_l=;case $_l in {token}*)_t=${{_l#{token}}}$_n;'
            f'while IFS= "$_b" read -r _l;do case $_l in {token})_n=;"$_b" break;;esac;_t=$_t$_l$_n;done;;esac;'
            "case $_n in '');;*)_t=;;esac;"
        )
    whole = '$(LC_ALL=C;"$_b" printf %s "${#_t}")' if not text.isascii() else "${#_t}"  # in bytes
    incomplete = mark(token, "x", number, printf='"$_b" printf')
    return f'{read}case {whole} in {len(text.encode())});;*){incomplete};"$_b" exit {TRUNCATED_STATUS};;esac;'


def run(token: str, number: int, closed_input: bool = True) -> str:
    """Return shell code that reports that a block starts, and evaluates it.

    :param closed_input: run it with empty standard input
    """
    begins = mark(token, "s", number, printf='"$_b" printf')
    return f'{begins};"$_b" eval "$_t"' + (" </dev/null" if closed_input else "")


def login_request(script: str, token: str) -> str:
    """Return an exec request that evaluates a script in the login shell itself."""
    ready = mark(token, "i", "%s", printf='"$_b" printf')
    return f'{PRELUDE}{ready} "$$";{take(script, token, 0)}{run(token, 0)}'


def sh_request(script: str, token: str, closed_input: bool) -> str:
    """Return an exec request that evaluates a script in a plain ``/bin/sh`` below the login shell.

    The script finds in ``$1`` the process id of the login shell, in ``$2`` and ``$3`` which shell it reports to be.
    """
    ready = mark(token, "i", "%s", printf='"$_b" printf')
    boot = f'{_CLEAN}{PRELUDE}{ready} "$1";{take(script, token, 0)}{run(token, 0, closed_input)}'
    # Because a command follows, the login shell stays and can be inspected.
    return f'{_SH}\\command "$_t" -c {shlex.quote(boot)} sh "$$" "${{BASH-}}" "${{SHELL-}}";\\exit "$?"'
