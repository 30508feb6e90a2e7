"""What can be listed: operations, their records, and the columns of the tables."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final


@dataclass(frozen=True)
class Noun:
    """The operation that describes it, the members of the answer and of a record, and the columns of the table."""

    operation: str
    records: str
    id: str
    name: str
    columns: Mapping[str, str]
    one: str


NOUNS: Final[Mapping[str, Noun]] = {
    "stack": Noun(
        "DescribeStacks",
        "Stacks",
        "StackId",
        "Name",
        {"Name": "NAME", "Region": "REGION", "DefaultOs": "OS", "StackId": "ID"},
        "StackIds",
    ),
    "layer": Noun(
        "DescribeLayers",
        "Layers",
        "LayerId",
        "Shortname",
        {"Shortname": "NAME", "Type": "TYPE", "Name": "TITLE", "EnableAutoHealing": "HEALS", "LayerId": "ID"},
        "LayerIds",
    ),
    "instance": Noun(
        "DescribeInstances",
        "Instances",
        "InstanceId",
        "Hostname",
        {"Hostname": "NAME", "Status": "STATUS", "PrivateIp": "ADDRESS", "Os": "OS", "InstanceId": "ID"},
        "InstanceIds",
    ),
    "app": Noun(
        "DescribeApps",
        "Apps",
        "AppId",
        "Shortname",
        {"Shortname": "NAME", "Type": "TYPE", "Name": "TITLE", "AppId": "ID"},
        "AppIds",
    ),
    "deployment": Noun(
        "DescribeDeployments",
        "Deployments",
        "DeploymentId",
        "DeploymentId",
        {"CreatedAt": "CREATED", "Command.Name": "COMMAND", "Status": "STATUS", "DeploymentId": "ID"},
        "DeploymentIds",
    ),
    "command": Noun(
        "DescribeCommands",
        "Commands",
        "CommandId",
        "CommandId",
        {"CreatedAt": "CREATED", "Type": "TYPE", "Status": "STATUS", "ExitCode": "EXIT", "CommandId": "ID"},
        "CommandIds",
    ),
}
