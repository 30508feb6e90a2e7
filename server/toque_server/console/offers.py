"""What a page offers to do with an instance: nothing that the server would refuse it for what it is or its status."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from toque_server.domain.instance import MOVES, Status

Shown = Mapping[str, Any]

_UP: Final = frozenset(
    {
        Status.REQUESTED, Status.PENDING, Status.BOOTING, Status.RUNNING_SETUP, Status.ONLINE, Status.SETUP_FAILED,
        Status.REBOOTING, Status.CONNECTION_LOST,
    }
)  # fmt: skip
_STARTABLE: Final = frozenset({Status.STOPPED, Status.START_FAILED})
_REBOOTABLE: Final = frozenset({Status.ONLINE, Status.SETUP_FAILED})


def is_registered(condition: Shown) -> bool:
    """Whether no provider has power over its machine, be that a cloud's or on-premises; from DescribeConditions."""
    return condition.get("Provider") == ""


def offered(instance: Shown, condition: Shown) -> tuple[str, ...]:
    """The verbs of this instance, in the order of their buttons.

    offered({"Status": "online", …}, {"Provider": "sandbox", …})    # ("reboot", "stop")
    offered({"Status": "online", …}, {"Provider": "", …})           # ("unassign", "deregister")
    """
    status = Status(instance["Status"])
    can: dict[str, bool]
    if is_registered(condition):
        can = {
            "assign": status is Status.REGISTERED,
            "unassign": Status.UNASSIGNING in MOVES[status] and bool(instance["LayerIds"]),
            "deregister": Status.DEREGISTERING in MOVES[status],
        }
    else:
        can = {
            "start": status in _STARTABLE and not instance.get("AutoScalingType"),
            "reboot": status in _REBOOTABLE,
            "stop": status in _UP or status is Status.STOP_FAILED,
        }
    return tuple(verb for verb, may in can.items() if may)


def concerned(verb: str, instance: Shown, condition: Shown) -> bool:
    """Whether starting or stopping a whole stack concerns it: neither registered machines nor those of a scaler."""
    if is_registered(condition) or instance.get("AutoScalingType"):
        return False
    return Status(instance["Status"]) in (_STARTABLE if verb == "start" else _UP)
