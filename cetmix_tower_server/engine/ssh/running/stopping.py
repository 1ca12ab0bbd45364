"""Stops a command on a host: the stop signal, and the script that ends a process tree and proves it."""

from __future__ import annotations

import re
import threading
from collections.abc import Callable

from ...script.conversation import ScriptSpec, SudoMode
from ...secret import Secret

_LEFT = re.compile(r"^left:(\d+)\n", re.MULTILINE)

# The tree of a login shell: sshd makes it the leader of a session and of a process group, so both are
# searched for its id; children are followed, too, so that one that started a session of its own is found
# while its parent lives. What was seen once is remembered with its start time (ids are used again).
# That nothing is left counts only where the list of processes can be trusted: this script finds itself in it, and, where
# processes of others may belong to the tree, the first process of the host, too (/proc may hide what is not one's own).
_KILL_SCRIPT = r"""PATH=${PATH-}:/usr/sbin:/usr/bin:/sbin:/bin;root=@ROOT@;grace=@GRACE@;foreign=@FOREIGN@;known=;seen=1
snap(){
if [ -r /proc/$$/stat ];then
for d in /proc/[0-9]*;do
line=;while IFS= read -r l||[ -n "$l" ];do line="$line $l";done <"$d/stat"
set -- ${line##*) }
[ $# -gt 20 ]||continue
case $1 in Z|X)continue;;esac
echo "${d#/proc/},$2,$3,$4,${20}"
done
else
ps -A -o pid= -o ppid= -o pgid= -o stat=|while read -r p pp g st;do
case $st in Z*)continue;;esac
echo "$p,$pp,$g,0,0"
done
fi
} 2>/dev/null
scan(){
all=$(snap);pids=;grown=1;me=0;first=0
for e in $all;do
IFS=,;set -- $e;unset IFS
case $1 in $$)me=1;;1)first=1;;esac
case " $known " in *" $1:$5 "*)pids="$pids $1";;esac
done
while [ $grown = 1 ];do grown=0
for e in $all;do
IFS=,;set -- $e;unset IFS
[ "$1" = $$ ]&&continue
case " $pids " in *" $1 "*)continue;;esac
mine=0
[ "$1" = $root ]||[ "$3" = $root ]||[ "$4" = $root ]&&mine=1
case " $pids " in *" $2 "*)mine=1;;esac
[ $mine = 1 ]||continue
pids="$pids $1";known="$known $1:$5";grown=1
done
done
[ $me = 1 ]&&{ [ $first = 1 ]||[ $foreign = 0 ]; }||seen=0
}
nap(){ sleep 0.1 2>/dev/null||sleep 1;}
scan
if [ -n "$pids" ];then
kill -TERM $pids 2>/dev/null;kill -CONT $pids 2>/dev/null
n=0;while [ $n -lt $grace ];do nap;scan;[ -n "$pids" ]||break;n=$((n+1));done
n=0;while [ -n "$pids" ]&&[ $n -lt 20 ];do kill -KILL $pids 2>/dev/null;nap;scan;n=$((n+1));done
fi
set -- $pids
if [ $seen = 1 ]||[ $# -gt 0 ];then echo "left:$#";else echo blind;fi
"""


class StopRequested(Exception):
    """A stop was requested.

    :param may_run_on: something was started on the host, and the host did not confirm that it has ended
    """

    def __init__(self, may_run_on: bool = False):
        super().__init__()
        self.may_run_on = may_run_on


class StopSignal:
    """A stop request that wakes its listeners at once. One per run; threads share it."""

    def __init__(self):
        self._lock = threading.Lock()
        self._set = False
        self._listeners: list[Callable[[], None]] = []

    def request(self) -> None:
        """Request the stop. May be called repeatedly."""
        with self._lock:
            self._set = True
            listeners = list(self._listeners)
        for listener in listeners:
            listener()

    def is_set(self) -> bool:
        return self._set

    def subscribe(self, listener: Callable[[], None]) -> Callable[[], None]:
        """Call ``listener`` on a request (now, if there was one); return what ends the subscription."""
        with self._lock:
            self._listeners.append(listener)
            already = self._set
        if already:
            listener()
        return lambda: self._unsubscribe(listener)

    def _unsubscribe(self, listener: Callable[[], None]) -> None:
        with self._lock:
            self._listeners.remove(listener)


def kill_spec(
    pid: int, grace_s: float, sudo: SudoMode, password: Secret | None, is_foreign: bool = False
) -> ScriptSpec:
    """Return the script that ends the process tree of a login shell and prints how much is left of it.

    :param grace_s: seconds between TERM and KILL
    :param is_foreign: processes of other users may belong to the tree
    """
    values = {"ROOT": int(pid), "GRACE": max(int(grace_s * 10), 1), "FOREIGN": int(is_foreign)}
    code = _KILL_SCRIPT
    for name, value in values.items():
        code = code.replace(f"@{name}@", str(value))
    return ScriptSpec(code, sudo=sudo, sudo_password=password, split=False, secrets_used=True, plain_sh=True)


def processes_left(output: str) -> int | None:
    """Return the number that the script printed; None if it did not finish or could not see all processes."""
    found = _LEFT.search(output)
    return int(found[1]) if found else None
