"""What an open page is told: small facts about rows that it knows by their ids.

A fact has a `kind` (`event`, `instance`, `command`, `deployment`, `stack`), an `id`, and how its state looks. The page
writes what it has a place for; about what it does not know it asks for itself anew.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, NamedTuple

from toque_server.console import states
from toque_server.console.desk import every
from toque_server.console.durations import clock, duration

Call = Callable[..., dict[str, Any]]
Fact = dict[str, Any]

_AT_ONCE = 200
_HISTORY = 30


class Topic(NamedTuple):
    """What a page is about; nothing of it: every stack."""

    stack_id: str | None = None
    instance_id: str | None = None
    deployment_id: str | None = None

    @classmethod
    def of(cls, given: Mapping[str, str]) -> Topic:
        return cls(given.get("stack"), given.get("instance"), given.get("deployment"))


def since(call: Call, topic: Topic, after: int) -> tuple[list[Fact], int]:
    """What happened after the event of this number, and how far commands are now; and the number to ask with next."""
    selector: dict[str, str | None] = {"StackId": topic.stack_id}
    if topic.instance_id is not None:
        selector = {"InstanceId": topic.instance_id}
    said = call("DescribeEvents", After=after, MaxResults=_AT_ONCE, **selector)
    found: list[Fact] = []
    names = _names(call, topic, said["Events"])
    for event in said["Events"]:
        found.extend(_of_event(event, names))
    found.extend(_of_command(each) for each in _commands(call, topic))
    return found, said["LastNumber"]


def last_number(call: Call, topic: Topic) -> int:
    """Where the stream is now: what a page that is made now shows is at least this new."""
    return int(call("DescribeEvents", StackId=topic.stack_id, MaxResults=1)["LastNumber"])


def tone_of(event: Mapping[str, Any]) -> str:
    """The tone of an event's line."""
    state = event.get("Data", {}).get("status")
    if event["Kind"] == "instance.status":
        return states.look("instance", str(state)).tone
    if event["Kind"] in ("command.ended", "deployment.ended"):
        return states.look("command", str(state)).tone
    return "warn" if event["Kind"].startswith(("heal", "command.")) else "off"


def line_of(event: Mapping[str, Any], names: Mapping[str, str]) -> str:
    """The line of an event: its message, and where that does not say so, whose it is. `names`: host names by id."""
    name = names.get(event.get("InstanceId", ""), "")
    message = str(event["Message"])
    return f"{name}: {message}" if name and name not in message else message


def _names(call: Call, topic: Topic, events: Sequence[Mapping[str, Any]]) -> dict[str, str]:
    """The host names that lines need: on a stack's page, where somebody did something."""
    if topic.stack_id is None or topic.instance_id or not any(event.get("InstanceId") for event in events):
        return {}
    found = every(call, "DescribeConditions", "Conditions", StackId=topic.stack_id)
    return {each["InstanceId"]: each["Hostname"] for each in found}


def _commands(call: Call, topic: Topic) -> list[dict[str, Any]]:
    if topic.deployment_id is not None:
        asked = {"DeploymentId": topic.deployment_id}
    elif topic.instance_id is not None:
        history = call("DescribeCommandDetails", InstanceId=topic.instance_id, MaxResults=_HISTORY)
        return list(history["Commands"])
    elif topic.stack_id is not None:
        asked = {"StackId": topic.stack_id}
    else:
        return []
    return every(call, "DescribeCommandDetails", "Commands", **asked)


def _of_event(event: Mapping[str, Any], names: Mapping[str, str]) -> list[Fact]:
    data = event.get("Data", {})
    made: list[Fact] = [
        {
            "kind": "event",
            "id": event["Number"],
            "at": clock(event["At"]),
            "message": line_of(event, names),
            "tone": tone_of(event),
        }
    ]
    if event["Kind"] == "instance.status":
        state = _state("instance", str(data.get("status")))
        made.append({"kind": "instance", "id": event["InstanceId"], **state, "reason": data.get("reason", "")})
    elif event["Kind"] == "deployment.ended":
        made.append(
            {"kind": "deployment", "id": data["deployment_id"], **_state("deployment", str(data.get("status")))}
        )
    elif event["Kind"] == "deployment.created":
        made.append({"kind": "deployment", "id": data["deployment_id"], **_state("deployment", "running")})
    elif event["Kind"] == "command.ended":
        state = _state("command", str(data.get("status")))
        made.append({"kind": "command", "id": data["command_id"], **state, "instance": event.get("InstanceId")})
    elif event["Kind"].startswith(("stack.", "layer.", "app.", "instance.")):
        made.append({"kind": "stack", "id": event.get("StackId")})
    return made


def _of_command(command: Mapping[str, Any]) -> Fact:
    return {
        "kind": "command",
        "id": command["CommandId"],
        "instance": command["InstanceId"],
        **_state("command", command["State"]),
        "seconds": duration(command.get("Seconds")),
        "exit": "" if command.get("ExitCode") is None else str(command["ExitCode"]),
        "reason": command["Reason"],
    }


def _state(kind: str, state: str) -> Fact:
    look = states.look(kind, state)
    return {"state": state, "word": look.word, "icon": look.icon, "tone": look.tone}
