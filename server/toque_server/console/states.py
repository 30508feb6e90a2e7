"""How states look: an icon, a word and a tone for each, so that none is told by its colour alone.

Tones: `good`, `busy` (on its way), `warn`, `bad`, `off`.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final, NamedTuple

from toque_server.domain.instance import Status


class Look(NamedTuple):
    word: str
    icon: str
    tone: str


_ONLINE: Final = Look("online", "check-circle-fill", "good")

INSTANCE: Final[Mapping[str, Look]] = {
    Status.REQUESTED: Look("requested", "hourglass-split", "busy"),
    Status.PENDING: Look("pending", "hourglass-split", "busy"),
    Status.BOOTING: Look("booting", "power", "busy"),
    Status.RUNNING_SETUP: Look("running setup", "gear-fill", "busy"),
    Status.ONLINE: _ONLINE,
    Status.SETUP_FAILED: Look("setup failed", "x-octagon-fill", "bad"),
    Status.START_FAILED: Look("start failed", "x-octagon-fill", "bad"),
    Status.REBOOTING: Look("rebooting", "arrow-repeat", "busy"),
    Status.SHUTTING_DOWN: Look("shutting down", "arrow-down-circle", "busy"),
    Status.STOPPING: Look("stopping", "arrow-down-circle", "busy"),
    Status.TERMINATING: Look("terminating", "arrow-down-circle", "busy"),
    Status.TERMINATED: Look("terminated", "stop-circle", "off"),
    Status.STOPPED: Look("stopped", "stop-circle", "off"),
    Status.STOP_FAILED: Look("stop failed", "x-octagon-fill", "bad"),
    Status.CONNECTION_LOST: Look("connection lost", "wifi-off", "bad"),
    Status.REGISTERING: Look("registering", "hourglass-split", "busy"),
    Status.REGISTERED: Look("registered", "check-circle", "off"),
    Status.ASSIGNING: Look("assigning", "gear-fill", "busy"),
    Status.UNASSIGNING: Look("unassigning", "arrow-down-circle", "busy"),
    Status.DEREGISTERING: Look("deregistering", "arrow-down-circle", "busy"),
}

COMMAND: Final[Mapping[str, Look]] = {
    "queued": Look("queued", "hourglass-split", "off"),
    "dispatched": Look("handed out", "arrow-right-circle", "busy"),
    "acknowledged": Look("acknowledged", "arrow-right-circle", "busy"),
    "running": Look("running", "gear-fill", "busy"),
    "successful": Look("ok", "check-circle-fill", "good"),
    "failed": Look("failed", "x-octagon-fill", "bad"),
    "skipped": Look("skipped", "dash-circle", "off"),
    "expired": Look("expired", "clock-history", "warn"),
}

DEPLOYMENT: Final[Mapping[str, Look]] = {
    "running": Look("running", "gear-fill", "busy"),
    "successful": Look("successful", "check-circle-fill", "good"),
    "failed": Look("failed", "x-octagon-fill", "bad"),
}

KINDS: Final[Mapping[str, Mapping[str, Look]]] = {
    "instance": INSTANCE,
    "command": COMMAND,
    "deployment": DEPLOYMENT,
}

TONES: Final = ("good", "busy", "warn", "bad", "off")

_USED: Final = (
    "arrow-clockwise", "arrow-left", "arrow-counterclockwise", "box-arrow-right", "broadcast", "chevron-right",
    "clock-history", "exclamation-triangle-fill", "file-text", "info-circle-fill", "layers", "play-fill",
    "rocket-takeoff", "stop-fill", "terminal", "heart-pulse", "hdd-stack", "person-circle", "box-seam",
)  # fmt: skip
ICONS: Final = frozenset(_USED) | {look.icon for looks in KINDS.values() for look in looks.values()}
"""The icons that the pages use."""


def look(kind: str, state: str) -> Look:
    """How a state of an instance, a command or a deployment looks; one that is not known looks like a plain word."""
    return KINDS[kind].get(state) or Look(state.replace("_", " "), "info-circle-fill", "off")


def tones(by_state: Mapping[str, int]) -> dict[str, int]:
    """Instances by tone instead of by status, in the order of TONES, zeros left out."""
    counted = dict.fromkeys(TONES, 0)
    for state, number in by_state.items():
        counted[look("instance", state).tone] += number
    return {tone: number for tone, number in counted.items() if number}


def health(by_state: Mapping[str, int]) -> Look:
    """A stack's health in a word, the worst first."""
    total, found = sum(by_state.values()), tones(by_state)
    if not total:
        return Look("no instances", "dash-circle", "off")
    for tone, word, icon in (
        ("bad", "in trouble", "x-octagon-fill"),
        ("warn", "attention", "exclamation-triangle-fill"),
        ("busy", "working", "gear-fill"),
    ):
        if number := found.get(tone):
            return Look(f"{number} {word}", icon, tone)
    if found.get("off") == total:
        return Look("stopped", "stop-circle", "off")
    if found.get("off"):
        return Look(f"{found['good']} of {total} up", "check-circle-fill", "good")
    return Look("healthy", "check-circle-fill", "good")
