"""Files on hosts: pushing in one step, pulling, looking, deleting. Over SFTP, and through sudo where it must be.

with FileSession(pool, target) as session:
    session.push(PushSpec("/etc/app.conf", Content.from_bytes(b"..."), mode=0o640))
    session.pull("/var/log/app.log", out, limit=5_000_000)
"""

from .leftovers import Owner
from .session import FileSession
from .values import PUSHED, SKIPPED, Content, HostFile, IfExists, Progress, PushResult, PushSpec

__all__ = [
    "PUSHED",
    "SKIPPED",
    "Content",
    "FileSession",
    "HostFile",
    "IfExists",
    "Owner",
    "Progress",
    "PushResult",
    "PushSpec",
]
