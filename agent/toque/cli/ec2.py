"""Finding the machine of a cloud that `register` is about: by its id, its address or its name (chapter 08 § 10.2)."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

_INSTANCE_ID = re.compile(r"i-[0-9a-f]+")
_ADDRESS = re.compile(r"\d+\.\d+\.\d+\.\d+")

Described = Mapping[str, Any]


class NotFound(Exception):
    """There is not exactly one such machine, or nobody to ask."""


@dataclass(frozen=True)
class Machine:
    instance_id: str
    address: str


def find(target: str, stack: Mapping[str, Any]) -> Machine:
    """The one machine of the stack's region and VPC that `target` names, and where it is reached. Raises NotFound."""
    try:
        import boto3  # type: ignore[import-untyped,unused-ignore]
        from botocore.exceptions import BotoCoreError, ClientError
    except ModuleNotFoundError:
        raise NotFound(
            "to find an EC2 instance takes the package boto3: pip install 'toque[aws]'; or call this with --local on it"
        ) from None
    request, fits, address = _asked(target, stack)
    try:
        said = boto3.client("ec2", region_name=stack["Region"]).describe_instances(**request)
    except (BotoCoreError, ClientError) as error:
        raise NotFound(f"EC2 cannot be asked for {target}: {error}") from error
    found = [each for group in said["Reservations"] for each in group["Instances"] if fits(each)]
    if not found:
        raise NotFound(f"Did not find any instance matching {target}.")
    if len(found) > 1:
        ids = ", ".join(each["InstanceId"] for each in found)
        raise NotFound(f"Found multiple instances matching {target}: {ids}.")
    return Machine(found[0]["InstanceId"], address or _address_of(found[0]))


def _asked(target: str, stack: Mapping[str, Any]) -> tuple[dict[str, Any], Callable[[Described], bool], str]:
    """What to ask of EC2, what must hold of an answer besides, and the address where `target` is one."""
    request: dict[str, Any] = {"Filters": []}
    vpc = stack.get("VpcId")
    if vpc:
        request["Filters"].append({"Name": "vpc-id", "Values": [vpc]})

    def is_here(each: Described) -> bool:
        # EC2 has no filter for machines that are in no VPC.
        return bool(vpc) or "VpcId" not in each

    if _INSTANCE_ID.fullmatch(target):
        return request | {"InstanceIds": [target]}, is_here, ""
    if _ADDRESS.fullmatch(target):
        own = ("PrivateIpAddress", "PublicIpAddress")
        return request, lambda each: is_here(each) and target in (each.get(name) for name in own), target
    request["Filters"].append({"Name": "tag:Name", "Values": [target]})
    return request, is_here, ""


def _address_of(machine: Described) -> str:
    for name in ("PublicIpAddress", "PrivateIpAddress"):
        if machine.get(name):
            return str(machine[name])
    raise NotFound("The instance does not seem to have an IP address.")
