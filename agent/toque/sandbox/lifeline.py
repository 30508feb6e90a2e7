"""The lifeline: a locked file by which a sandbox knows that its owner still lives.

The kernel drops the lock when the owner dies, however it dies, so a killed server leaves no sandbox behind. Owners lock
in common (several server processes may share sandboxes); a sandbox asks by trying to lock for itself alone.
"""

from __future__ import annotations

import fcntl
import os
from pathlib import Path

_TRIES = 3


def hold_lifeline(path: Path) -> int:
    """Hold the lifeline until this process ends or the returned descriptor is closed.

    The file is made if need be and must never be replaced: sandboxes keep the file itself open, not its name.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    fcntl.flock(descriptor, fcntl.LOCK_SH)
    return descriptor


def is_held(descriptor: int) -> bool:
    """Whether any owner holds the file behind this descriptor, which must be the asker's own opening of it."""
    # Another sandbox that asks at the same instant looks like an owner, so one refusal proves nothing.
    for _ in range(_TRIES):
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            continue
        fcntl.flock(descriptor, fcntl.LOCK_UN)
        return False
    return True
