"""The texts and objects of the agent's command line, as OpsWorks' agent printed them (chapter 08, section 9)."""

from __future__ import annotations

import base64
import json
import re
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import toque.daemon
from toque.daemon.recall import ACTIVITIES, PastRun, customer_json

TITLE = "Toque Instance Agent State Report:"


def agent_report(runs: Sequence[PastRun], pid: int) -> str:
    """Last activity, whether the agent runs, and its version."""
    return "\n".join([TITLE, "", *_agent_lines(runs, pid)])


def instance_report(runs: Sequence[PastRun], pid: int) -> str:
    """The agent's report, and what the node knows of itself from its newest snapshot and its own facts."""
    bags = _bags(runs)
    own = _own_item(runs)
    layers = [
        layer["name"]
        for layer in bags.get("aws_opsworks_layer", {}).values()
        if layer.get("layer_id") in own.get("layer_ids", [])
    ]
    stack = _only(bags.get("aws_opsworks_stack", {}))
    processors = re.findall(r"^model name\s*: (.*)$", _text("/proc/cpuinfo"), re.MULTILINE)
    memory = re.search(r"^MemTotal:\s+(\d+)", _text("/proc/meminfo"), re.MULTILINE)
    gigabytes = int(memory[1]) / 1024**2 if memory else 0.0
    return "\n".join(
        [
            TITLE,
            "",
            *_agent_lines(runs, pid),
            f"  OpsWorks Stack: {stack.get('name', '')}",
            f"  OpsWorks Layers: {', '.join(layers)}",
            f"  OpsWorks Instance: {own.get('hostname', '')}",
            f"  EC2 Instance ID: {own.get('ec2_instance_id') or ''}",
            f"  EC2 Instance Type: {own.get('instance_type') or ''}",
            f"  Architecture: {own.get('architecture') or ''}",
            f"  Total Memory: {gigabytes:.2f} Gb",
            f"  CPU: {len(processors)}x {processors[0] if processors else ''}".rstrip(),
            "",
            "Location:",
            "",
            f"  EC2 Region: {stack.get('region', '')}",
            f"  EC2 Availability Zone: {own.get('availability_zone') or ''}",
            "",
            "Networking:",
            "",
            f"  Public IP: {own.get('public_ip') or ''}",
            f"  Private IP: {own.get('private_ip') or ''}",
        ]
    )


def command_lines(runs: Sequence[PastRun]) -> str:
    """One line per kept run: time, eight blanks, activity; oldest first."""
    return "\n".join(f"{each.date}        {each.activity}" for each in runs)


def internal_json(run: PastRun, *, show_secrets: bool = False) -> dict[str, Any]:
    """The object that OpsWorks' agent kept for a run."""
    snapshot = run.snapshot(show_secrets=show_secrets)
    bags = snapshot["bags"]
    customer = customer_json(run, show_secrets=show_secrets)
    recipes = customer.pop("run_list")
    free = {name: items for name, items in bags.items() if not name.startswith(("aws_opsworks_", "opsworks_"))}
    return {
        "aws_opsworks_agent": {
            "version": toque.daemon.VERSION,
            "valid_client_activities": list(ACTIVITIES),
            "command": snapshot["command"],
            "resources": {
                "apps": _items(bags, "aws_opsworks_app"),
                "layers": _items(bags, "aws_opsworks_layer"),
                "instances": _items(bags, "aws_opsworks_instance"),
                "users": _items(bags, "aws_opsworks_user"),
                "elastic_load_balancers": _items(bags, "aws_opsworks_elastic_load_balancer"),
                "rds_db_instances": _items(bags, "aws_opsworks_rds_db_instance"),
                "stack": _only(bags.get("aws_opsworks_stack", {})),
                "ecs_clusters": _items(bags, "aws_opsworks_ecs_cluster"),
                "volumes": _items(bags, "opsworks_volume"),
            },
            "chef": {
                "customer_recipes": [recipe.removeprefix("recipe[").removesuffix("]") for recipe in recipes],
                "customer_json": _coded(customer),
                "customer_data_bags": _coded(free),
            },
        }
    }


def stack_state(runs: Sequence[PastRun]) -> dict[str, Any]:
    """What the node's newest run knew of its stack."""
    bags = _bags(runs)
    last = runs[-1] if runs else None
    return {
        "last_command": None if last is None else {"sent_at": f"{last.date}+00:00", "activity": last.activity},
        "instance": _own_item(runs),
        "layers": _items(bags, "aws_opsworks_layer"),
        "applications": None,
        "stack": _only(bags.get("aws_opsworks_stack", {})),
        "agent": {"valid_activities": list(ACTIVITIES)},
    }


def _agent_lines(runs: Sequence[PastRun], pid: int) -> list[str]:
    lines = []
    if runs:
        at = datetime.fromtimestamp(runs[-1].record.received_at, UTC).strftime("%Y-%m-%d %H:%M:%S UTC")
        lines.append(f'  Last activity was a "{runs[-1].activity}" on {at}')
    else:
        lines.append("  There was no activity yet")
    state = f"running as PID {pid}" if pid else "not running"
    lines.append(f"  Agent Status: The Toque agent is {state}")
    lines.append(f"  Agent Version: {toque.daemon.VERSION}, up to date")
    return lines


def _bags(runs: Sequence[PastRun]) -> dict[str, dict[str, Any]]:
    for run in reversed(runs):
        bags: dict[str, dict[str, Any]] = run.snapshot()["bags"]
        if bags:
            return bags
    return {}


def _own_item(runs: Sequence[PastRun]) -> dict[str, Any]:
    items = _bags(runs).get("aws_opsworks_instance", {}).values()
    return next((dict(item) for item in items if item.get("self")), {})


def _items(bags: Mapping[str, Mapping[str, Any]], bag: str) -> list[Any]:
    return list(bags.get(bag, {}).values())


def _only(items: Mapping[str, Any]) -> dict[str, Any]:
    return dict(next(iter(items.values()), {}))


def _coded(value: Any) -> str:
    return base64.b64encode(json.dumps(value).encode()).decode()


def _text(path: str) -> str:
    try:
        return Path(path).read_text(errors="replace")
    except OSError:
        return ""
