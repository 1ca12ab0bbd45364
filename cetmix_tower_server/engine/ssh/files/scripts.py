"""The scripts that work with files in a privileged shell. POSIX shell with GNU's, BusyBox's or BSD's tools.

Every path is an absolute one and reaches the script as a quoted word; contents never do. A script answers in lines
that begin with a word of its own, never with a path: names may contain anything.
"""

from __future__ import annotations

import shlex

from .leftovers import Owner

HEADER_LIMIT = 4096
_NOBODY = Owner()

# Facts about a file: size mode uid gid seconds user/group.
_COMMON = r"""set -f;unset IFS;LC_ALL=C;export LC_ALL
facts() { stat -L -c '%s %a %u %g %Y %U/%G' "$1" 2>/dev/null||stat -L -f '%z %Lp %u %g %m %Su/%Sg' "$1"; }
kind() {
if [ -d "$1" ];then echo directory;elif [ -f "$1" ];then echo file;elif [ -e "$1" ];then echo special
else echo missing;fi; }
"""

_LOOK = r"""f=@PATH@;k=$(kind "$f")
[ $k = file ]||{ echo "$k";exit 0; }
l=0;[ -L "$f" ]&&l=1
s=;[ @DIGEST@ = 1 ]&&s=$(@HASH@)
s=${s%% *}
e=$(facts "$f" 2>&1)||{ echo "failed $e";exit 0; }
printf '%s\n' "file $l ${s:--} $e"
"""

# The first line says what it is; the content follows as it is, and nothing behind it.
_READ = r"""f=@PATH@;k=$(kind "$f")
[ $k = file ]||{ echo "$k";exit 0; }
l=0;[ -L "$f" ]&&l=1
e=$(facts "$f" 2>&1)||{ echo "failed $e";exit 0; }
r=$({ exec <"$f"; } 2>&1)||{ echo "failed $r";exit 0; }
printf '%s\n' "file $l - $e"
exec @READER@ <"$f"
"""

_DELETE = r"""f=@PATH@
if [ -d "$f" ]&&[ ! -L "$f" ];then echo directory
elif [ -e "$f" ]||[ -L "$f" ];then e=$(rm -f "$f" 2>&1)&&echo deleted||{ echo failed "$e";exit 0; }
else echo missing;fi
"""

# One call of place a file. What it makes is removed again when anything fails or a signal ends it.
# The directory may belong to somebody who means ill: what was made there is written, given away and protected through the
# descriptor it was made with, never by a name that may mean something else by then.
_PLACE = r"""umask 077;p=;b=
trap 'rm -f "$p";exit 143' HUP INT TERM
say() { printf '%s %s %s\n' "$n" "$1" "$(printf %s "$2"|tr '\n\r' '  ')"; }
fail() { [ -z "$p" ]||rm -f "$p";[ -z "$b" ]||rm -f "$b";p=;b=;say "$1" "$2"; }
make() {
if [ -z "$1" ]||[ -d "$1" ];then return 0;fi
make "${1%/*}"||return 1
e=$(mkdir -m 755 "$1" 2>&1)||{ [ -d "$1" ];return; }
[ -z "$own" ]||e=$(chown -h -- "$own" "$1" 2>&1)||return 1
}
# Access list, attributes and label of the old file, while the new one is empty; then nobody but us until its mode is set.
# Of capabilities writing takes them away again, as it would have in the old file.
inherit() {
if [ $gnu = 1 ];then e=$(cp --attributes-only --preserve=$like -- "$t" $h 2>&1)
elif command -v getfacl >/dev/null&&command -v setfacl >/dev/null;then
e=$({ getfacl -p -- "$t"|setfacl --set-file=- -- $h; } 2>&1)
else case $(ls -ld "$t") in ??????????[+@]*)e="this host has no tool for it";false;;esac
fi||return 1
e=$(chmod 600 $h 2>&1)
}
gnu=0;case $(cp --help 2>&1) in *--attributes-only*)gnu=1;;esac
like=mode,xattr;[ ! -e /sys/fs/selinux/enforce ]||like=$like,context
# What a dead worker left beside the target, five minutes ago or more.
sweep() {
set +f
for x in "$d"/."$1".tower-@INSTALLATION@-*;do
[ -f "$x" ]&&[ ! -L "$x" ]||continue
y=${x##*.tower-@INSTALLATION@-};case "@ALIVE@" in *" ${y%%-*} "*)continue;;esac
[ -z "$(find "$x" -prune -mmin +4 2>/dev/null)" ]||rm -f "$x"
done
set -f
}
fill() {
h=/proc/self/fd/9;o=;[ -e $h ]||{ h=$p;o=-h; }
if [ -n "$old" ];then w=rights;inherit||return 1;fi
w=write;e=$(cat <"$s" 2>&1 >&9)||return 1
w=size;e=$(($(wc -c <$h)));[ $e = $size ]||return 1
w=owner
if [ -n "$old" ];then
set -- $old
e=$(chown $o "$3:$4" $h 2>&1)||return 1
: "${mode:=$2}"
fi
[ -z "$own" ]||e=$(chown $o -- "$own" $h 2>&1)||return 1
w=mode;e=$(chmod "${mode:-644}" $h 2>&1)||return 1
w=
}
place() {
n=$1 s=$2 t=$3 size=$4 mode=$5 own=$6 make=$7 keep=$8 exists=$9;shift 9;hidden=$1 stamp=$2
p=;b=;i=0;old=
while [ -L "$t" ];do
i=$((i+1));[ $i -le 40 ]||{ fail loop;return; }
l=$(readlink "$t";echo x);l=${l%?x}
case $l in /*)t=$l;;*)t=${t%/*}/$l;;esac
done
case $(kind "$t") in
directory)fail directory;return;;
special)fail special;return;;
file)
old=$(facts "$t" 2>&1)||{ fail look "$old";return; }
case $exists in skip)say skipped "${old%% *}";return;;raise)fail exists;return;;esac;;
esac
d=${t%/*}
if [ ! -d "$d/" ];then
[ $make = 1 ]||{ fail nodirectory;return; }
make "$d"||{ fail directories "$e";return; }
fi
[ -z "@INSTALLATION@" ]||sweep "${t##*/}"
p=$d/$hidden
w=create;set -C
{ set +C;fill; } 9>"$p" 2>/dev/null;set +C
if [ "$w" = create ];then
e=$({ set -C;: >"$p"; } 2>&1)&&rm -f "$p";p=
fi
[ -z "$w" ]||{ fail "$w" "$e";return; }
sync "$p" 2>/dev/null||sync
if [ -n "$old" ]&&[ $keep = 1 ];then
b=$t.$stamp.bak;i=0
while [ -e "$b" ]||[ -L "$b" ];do i=$((i+1));b=$t.$stamp.$i.bak;done
ln "$t" "$b" 2>/dev/null||e=$(cp -p "$t" "$b" 2>&1)||{ fail backup "$e";return; }
fi
if [ $exists = overwrite ];then e=$(mv -f "$p" "$t" 2>&1)||{ fail rename "$e";return; }
elif ln "$p" "$t" 2>/dev/null;then rm -f "$p"
elif [ -e "$t" ]||[ -L "$t" ];then
if [ $exists = skip ];then rm -f "$p";p=;say skipped $(($(wc -c <"$t")));else fail exists;fi;return
else e=$(mv -f "$p" "$t" 2>&1)||{ fail rename "$e";return; }
fi
p=
if [ -n "$b" ];then say pushed "$(printf %s "$b"|od -An -v -tx1|tr -d ' \n')";b=;else say pushed;fi
}
"""


def look(path: str, digest: bool) -> str:
    """Return the script that prints "file", whether it is a link, the SHA-256 or "-", and the facts."""
    return _fill(_COMMON + _LOOK, PATH=shlex.quote(path), DIGEST=str(int(digest)), HASH=hash_code('"$f"'))


def read(path: str, last_bytes: int | None = None) -> str:
    """Return the script that prints the facts in one line and then the content, or its end."""
    reader = "cat" if last_bytes is None else f"tail -c {int(last_bytes)}"
    return _fill(_COMMON + _READ, PATH=shlex.quote(path), READER=reader)


def delete(path: str) -> str:
    """Return the script that deletes a file and prints what there was."""
    return _fill(_DELETE, PATH=shlex.quote(path))


def place(calls: list[tuple[str, ...]], owner: Owner = _NOBODY) -> str:
    """Return the script that puts uploaded files in their places.

    :param calls: for each file: number, source, target, size, mode in octal or "", owner for chown or "", whether to
        make directories ("1"), whether to keep a backup, what to do if there is a file, temporary name, time stamp
    """
    lines = [f"place {' '.join(map(shlex.quote, words))}" for words in calls]
    known = owner.alive is not None
    alive = f" {' '.join(sorted({owner.worker, *owner.alive}))} " if known else ""
    code = _fill(_COMMON + _PLACE, INSTALLATION=owner.installation if known else "", ALIVE=alive)
    return code + "\n".join(lines)


def hash_code(word: str) -> str:
    """Return shell code that prints a file's SHA-256 first, with whatever tool there is."""
    tools = "||".join(f"{tool} <{word}" for tool in ("sha256sum", "shasum -a 256", "openssl dgst -sha256 -r"))
    return "{ " + tools + "; } 2>/dev/null"


def _fill(code: str, **values: str) -> str:
    for name, value in values.items():
        code = code.replace(f"@{name}@", value)
    return code
