"""How long PID 1 waits before it starts the agent again."""

from __future__ import annotations

SOON = 0.5
"""Within a second: a new agent then polls soon enough for contact within ten seconds of the old one's death."""

_LATEST = 8.0
_STEADY = 10.0


def pause(lived: float, before: float) -> float:
    """Seconds to wait after an agent that lived for `lived` seconds, when the wait `before` it was that long.

    One that had settled is started again at once. One that ends soon after each start (no token, no disk space) is
    given longer and longer pauses, so that it does not take a core of its own.
    """
    if lived >= _STEADY or before == 0.0:
        return SOON
    return min(_LATEST, before * 2)
