"""One instance: its state and how it came to it, its commands, its facts."""

from __future__ import annotations

from typing import Any

from flask import Blueprint, render_template

from toque_server.console.desk import Desk
from toque_server.console.facts import Topic, last_number, line_of, tone_of
from toque_server.console.offers import is_registered, offered

_COMMANDS = 30
_EVENTS = 40


def register(console: Blueprint, desk: Desk) -> None:
    @console.get("/instances/<instance_id>")
    def instance(instance_id: str) -> str:
        [found] = desk.call("DescribeInstances", InstanceIds=[instance_id])["Instances"]
        stack_id = found["StackId"]
        after = last_number(desk.call, Topic(stack_id))
        [condition] = desk.call("DescribeConditions", InstanceId=instance_id)["Conditions"]
        [stack] = desk.call("DescribeStacks", StackIds=[stack_id])["Stacks"]
        commands = desk.call("DescribeCommandDetails", InstanceId=instance_id, MaxResults=_COMMANDS)["Commands"]
        layers = {each["LayerId"]: each for each in desk.call("DescribeLayers", StackId=stack_id)["Layers"]}
        return render_template(
            "instance.html",
            instance=found,
            condition=condition,
            stack=stack,
            after=after,
            commands=commands,
            current=next((each for each in reversed(commands) if "CompletedAt" not in each), None),
            layers=[layers[id] for id in found["LayerIds"] if id in layers],
            feed=desk.call("DescribeEvents", InstanceId=instance_id, MaxResults=_EVENTS)["Events"],
            tone_of=tone_of,
            line_of=lambda event: line_of(event, {}),
            verbs=offered(found, condition),
            registered=is_registered(condition),
            error=_last_error(desk, found),
        )


def _last_error(desk: Desk, instance: dict[str, Any]) -> dict[str, Any] | None:
    if (id := instance.get("LastServiceErrorId")) is None:
        return None
    found: list[dict[str, Any]] = desk.call("DescribeServiceErrors", ServiceErrorIds=[id])["ServiceErrors"]
    return found[0] if found else None
