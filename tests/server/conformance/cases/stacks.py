"""Stacks."""

from __future__ import annotations

import json

from tests.server.conformance.case import NOWHERE, Case, case
from tests.server.conformance.world import World
from tests.server.operations.calls import PROFILE, ROLE
from toque_server.domain.instance import MOVES, Status

ARNS = {"ServiceRoleArn": ROLE, "DefaultInstanceProfileArn": PROFILE}
SOURCE = {
    "Type": "git",
    "Url": "https://git.example.org/cookbooks.git",
    "Username": "ann",
    "Password": "word",
    "SshKey": "-----BEGIN OPENSSH PRIVATE KEY-----\nAAAA\n-----END OPENSSH PRIVATE KEY-----\n",
    "Revision": "main",
}
CHANGEABLE = {
    "Attributes": {"Color": "rgb(45, 114, 184)"},
    "DefaultOs": "Ubuntu 22.04 LTS",
    "HostnameTheme": "Greek_Deities_and_Titans",
    "CustomJson": json.dumps({"a": {"b": 1}}),
    "ConfigurationManager": {"Name": "Chef", "Version": "12"},
    "ChefConfiguration": {"ManageBerkshelf": False, "BerkshelfVersion": "3.2.0"},
    "UseCustomCookbooks": True,
    "UseOpsworksSecurityGroups": False,
    "CustomCookbooksSource": SOURCE,
    "DefaultSshKeyName": "ann",
    "DefaultRootDeviceType": "ebs",
    "AgentVersion": "LATEST",
}
IN_VPC = {
    "VpcId": "vpc-0a1b2c3d",
    "DefaultSubnetId": "subnet-0a1b2c3d",
    "DefaultAvailabilityZone": "us-east-1a",
}


@case("CreateStack")
def create_stack(w: World) -> Case:
    least = {"Name": "least", "Region": "us-east-1", **ARNS}
    return Case(
        minimal=least,
        fuller=[{**least, "Name": "most", **CHANGEABLE, **IN_VPC}],
        invalid=[
            ({**least, "ServiceRoleArn": "me"}, "ServiceRoleArn"),
            ({**least, "CustomJson": "[1]"}, "CustomJson"),
            ({**least, "HostnameTheme": "Biscuits"}, "Biscuits"),
            ({**least, "DefaultOs": "Amiga"}, "Amiga"),
            ({**least, "VpcId": "vpc-0a1b2c3d"}, "DefaultSubnetId"),
        ],
    )


@case("CloneStack")
def clone_stack(w: World) -> Case:
    source = w.stack(**CHANGEABLE)
    w.layer(source, CustomSecurityGroupIds=["sg-0a1b2c3d"])
    app = w.app(source)
    w.user()
    least = {"SourceStackId": source, "ServiceRoleArn": ROLE}
    return Case(
        minimal=least,
        fuller=[
            {
                **least,
                "Name": "most",
                "Region": "us-east-1",
                "DefaultInstanceProfileArn": PROFILE,
                **CHANGEABLE,
                **IN_VPC,
                "ClonePermissions": True,
                "CloneAppIds": [app],
            },
        ],
        invalid=[({**least, "ServiceRoleArn": "me"}, "ServiceRoleArn"), ({**least, "CustomJson": "{"}, "CustomJson")],
        missing=[({**least, "SourceStackId": NOWHERE}, NOWHERE), ({**least, "CloneAppIds": [NOWHERE]}, NOWHERE)],
    )


@case("UpdateStack")
def update_stack(w: World) -> Case:
    plain, placed = w.stack(), w.stack(**IN_VPC, Region="us-east-1", Name="placed")
    return Case(
        minimal={"StackId": plain},
        fuller=[
            {"StackId": plain, "Name": "renamed", **ARNS, **CHANGEABLE},
            {"StackId": placed, "DefaultSubnetId": "subnet-0e1f2a3b", "DefaultAvailabilityZone": "us-east-1b"},
        ],
        invalid=[
            ({"StackId": plain, "ServiceRoleArn": f"{ROLE}-other"}, "ServiceRoleArn"),
            ({"StackId": plain, "DefaultOs": "Microsoft Windows Server 2019 Base"}, "Windows"),
        ],
        missing=[({"StackId": NOWHERE}, NOWHERE)],
    )


@case("DeleteStack")
def delete_stack(w: World) -> Case:
    full = w.stack(Name="full")
    w.layer(full)
    return Case(
        minimal={"StackId": w.stack()},
        invalid=[({"StackId": full}, "layer")],
        missing=[({"StackId": NOWHERE}, NOWHERE)],
    )


@case("DescribeStacks")
def describe_stacks(w: World) -> Case:
    stack = w.stack(Region="us-east-1", **CHANGEABLE, **IN_VPC)
    return Case(minimal={}, fuller=[{"StackIds": [stack]}], missing=[({"StackIds": [NOWHERE]}, NOWHERE)],
                invalid=[({"StackIds": [["a"]]}, "StackIds")])  # fmt: skip


@case("DescribeStackSummary")
def describe_stack_summary(w: World) -> Case:
    return Case(
        minimal={"StackId": _with_every_status(w)},
        missing=[({"StackId": NOWHERE}, NOWHERE)],
    )


@case("StartStack")
def start_stack(w: World) -> Case:
    stack = w.stack()
    w.instance(stack, w.layer(stack))
    return Case(minimal={"StackId": stack}, missing=[({"StackId": NOWHERE}, NOWHERE)])


@case("StopStack")
def stop_stack(w: World) -> Case:
    stack = w.stack()
    w.inside.bring_online(w.instance(stack, w.layer(stack)))
    return Case(minimal={"StackId": stack}, missing=[({"StackId": NOWHERE}, NOWHERE)])


def _with_every_status(w: World) -> str:
    """A stack that has an instance in each status."""
    stack = w.stack()
    layer = w.layer(stack)
    w.app(stack)
    w("RegisterInstance", StackId=stack, Hostname="iron")
    for status in set(Status) - {Status.REGISTERING}:
        w.inside.bring(w.instance(stack, layer), *_way_to(status))
    return stack


def _way_to(status: Status) -> list[Status]:
    """The moves that lead from `stopped` to a status."""
    ways = [[Status.STOPPED]]
    for way in ways:
        if way[-1] is status:
            return way[1:]
        ways += [[*way, each] for each in MOVES[way[-1]] if not any(each in known for known in ways)]
    raise AssertionError(f"no way leads to {status}")
