"""The instance is about to leave: said here, so that the log of every Shutdown begins with it."""

from toque import log, node

log(f"{node.hostname} is leaving the stack's online instances")
