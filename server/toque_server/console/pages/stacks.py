"""The stacks, and one stack: its layers with their instances, its apps, what was deployed, what happened."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from flask import Blueprint, render_template

from toque_server.console.desk import Desk
from toque_server.console.facts import Topic, last_number, line_of, tone_of
from toque_server.console.offers import offered

_RECENT = 8
_FEED = 30


def register(console: Blueprint, desk: Desk) -> None:
    @console.get("/")
    def stacks() -> str:
        after = last_number(desk.call, Topic())
        found = desk.every("DescribeStackOverviews", "Stacks")
        return render_template("stacks.html", stacks=found, after=after)

    @console.get("/stacks/<stack_id>")
    def stack(stack_id: str) -> str:
        # First: what happens while the rest is read is then told by the stream, at worst twice.
        after = last_number(desk.call, Topic(stack_id))
        [found] = desk.call("DescribeStacks", StackIds=[stack_id])["Stacks"]
        instances = desk.call("DescribeInstances", StackId=stack_id)["Instances"]
        conditions = {c["InstanceId"]: c for c in desk.every("DescribeConditions", "Conditions", StackId=stack_id)}
        layers = desk.call("DescribeLayers", StackId=stack_id)["Layers"]
        apps = desk.call("DescribeApps", StackId=stack_id)["Apps"]
        recent = desk.call("DescribeProgress", StackId=stack_id, MaxResults=50)["Deployments"]
        busy = desk.every("DescribeCommandDetails", "Commands", StackId=stack_id)
        feed = desk.call("DescribeEvents", StackId=stack_id, MaxResults=_FEED)["Events"]
        names = {id: each["Hostname"] for id, each in conditions.items()}
        return render_template(
            "stack.html",
            stack=found,
            after=after,
            layers=_with_instances(layers, instances),
            conditions=conditions,
            verbs={each["InstanceId"]: offered(each, conditions.get(each["InstanceId"], {})) for each in instances},
            counts=_counted(instances),
            apps=_with_last(apps, recent),
            app_names={each["AppId"]: each["Name"] for each in apps},
            recent=recent[:_RECENT],
            busy={command["InstanceId"]: command for command in busy},
            feed=feed,
            tone_of=tone_of,
            line_of=lambda event: line_of(event, names),
        )


def _with_instances(
    layers: Sequence[Mapping[str, Any]], instances: Sequence[Mapping[str, Any]]
) -> list[dict[str, Any]]:
    """Each layer with its instances, by host name; those of no layer come last, under a layer that is none."""
    shown: list[dict[str, Any]] = [
        {"layer": layer, "instances": [each for each in instances if layer["LayerId"] in each["LayerIds"]]}
        for layer in layers
    ]
    if homeless := [each for each in instances if not each["LayerIds"]]:
        shown.append({"layer": None, "instances": homeless})
    for each in shown:
        each["instances"] = sorted(each["instances"], key=lambda instance: _natural(instance["Hostname"]))
    return shown


def _natural(hostname: str) -> tuple[str, int, str]:
    """`app2` before `app10`."""
    stem = hostname.rstrip("0123456789")
    digits = hostname[len(stem) :]
    return stem, int(digits) if digits and len(digits) < 18 else 0, hostname


def _counted(instances: Sequence[Mapping[str, Any]]) -> dict[str, int]:
    found: dict[str, int] = {}
    for each in instances:
        found[each["Status"]] = found.get(each["Status"], 0) + 1
    return found


def _with_last(apps: Sequence[Mapping[str, Any]], recent: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """Each app with the newest of the recent deployments that put a release of it somewhere."""
    last: dict[str, Mapping[str, Any]] = {}
    for each in recent:
        if each.get("AppId") and each["Command"] in ("deploy", "rollback", "undeploy"):
            last.setdefault(each["AppId"], each)
    return [{"app": app, "last": last.get(app["AppId"])} for app in apps]
