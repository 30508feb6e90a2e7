"""Waiting for a process that the agent started, without a thread and without polling."""

from __future__ import annotations

import os
import select
import subprocess


def still_runs(child: subprocess.Popen[bytes], seconds: float) -> bool:
    """Wait so long for the end of a child of ours; whether it still runs."""
    if child.poll() is not None:
        return False
    ended = os.pidfd_open(child.pid)
    try:
        select.select([ended], [], [], seconds)
    finally:
        os.close(ended)
    return child.poll() is None
