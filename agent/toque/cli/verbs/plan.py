"""`toque plan --node`: what a recipe would do on an instance, as its agent says."""

from __future__ import annotations

import json
from typing import Any

from toque.cli.verbs.command import show_log
from toque.cli.verbs.group import failures_told
from toque.cli.verbs.server import Server
from toque.client.waiting import WaitFailed
from toque.protocol.names import SOMETHING_TO_DO

_PENDING = 10
_RUN_CODES = range(1, 6)


def plan_on_node(node: str, stack: str | None, recipe: str, attributes: dict[str, Any], *, clone: bool) -> int:
    """Order the plan, print its log while it runs, and answer its exit code, as a plan on this machine has it."""
    with failures_told():
        server = Server.here()
        instance = server.find("instance", node, stack)["InstanceId"]
        custom = json.dumps(attributes) if attributes else None
        made = server("PlanRecipes", InstanceId=instance, Recipes=[recipe], Clone=clone, CustomJson=custom)
        ended = show_log(server, made["CommandId"], follow=True)
        if ended["Status"] == "successful":
            return _PENDING if ended["Reason"] == SOMETHING_TO_DO else 0
        [command] = server("DescribeCommandDetails", CommandIds=[made["CommandId"]])["Commands"]
        if (code := command.get("ExitCode")) in _RUN_CODES:
            return int(code)
        raise WaitFailed(f"the plan is {ended['Status']}" + (f": {ended['Reason']}" if ended["Reason"] else ""))
