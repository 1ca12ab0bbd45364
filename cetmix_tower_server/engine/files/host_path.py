"""Paths of files on hosts, as people write them and as they are compared."""

from __future__ import annotations

import posixpath
import re

from ..errors import RenderingError

PATH_MAX = 4096  # bytes, what Linux takes
NAME_MAX = 255  # bytes
_CONTROL = re.compile(r"[\x00-\x1f\x7f]")


def clean_directory(directory: str) -> str:
    """Return a directory without blanks around it and slashes at its end; the root stays."""
    text = directory.strip()
    return text.rstrip("/") or ("/" if text else "")


def join(directory: str, name: str) -> str:
    """Return the normal form of a file's path, which is compared, searched and sent.

    :param directory: full path; may start with "~", the home directory of the log-in user
    :param name: of the file, without directories
    :raise RenderingError: not a file name, not a full path, or it leads out of its directory
    """
    name, directory = name.strip(), clean_directory(directory)
    if not name or name in (".", "..") or "/" in name:
        raise RenderingError(f"“{name}” is not a valid file name: enter a name without “/”.")
    path = normalize(f"{directory}/{name}" if directory else "")
    if len(name.encode()) > NAME_MAX:
        raise RenderingError(f"The name “{name[:40]}…” is longer than {NAME_MAX} bytes.")
    return path


def normalize(path: str) -> str:
    """Return a full path without doubled slashes and “.”.

    :raise RenderingError: not a full path, or with “..”, control characters or too many bytes
    """
    if not path.startswith(("/", "~/")) and path != "~":
        raise RenderingError(
            f"“{path}” is not a full path: start with “/”, or with “~/” for the user's home directory."
        )
    if ".." in path.split("/"):
        raise RenderingError(f"“{path}” contains “..”: write the path without it.")
    if _CONTROL.search(path):
        raise RenderingError("A path cannot contain line breaks or other control characters.")
    if len(path.encode("utf-8", "surrogatepass")) > PATH_MAX:
        raise RenderingError(f"The path “{path[:60]}…” is longer than {PATH_MAX} bytes.")
    normal = posixpath.normpath(path)
    return "/" + normal.lstrip("/") if normal.startswith("//") else normal
