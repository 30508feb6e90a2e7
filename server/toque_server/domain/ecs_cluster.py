"""An ECS cluster registered with a stack (08 § 6, 02 § 14)."""

from __future__ import annotations

import re
from datetime import datetime
from typing import Final

import msgspec

from toque_server.domain.invalid import Invalid

LAYER_TYPE: Final = "ecs-cluster"
ATTRIBUTE: Final = "EcsClusterArn"
"""The attribute of a layer of that type that names its cluster."""

_ARN = re.compile(r"arn:[a-z][a-z0-9-]*:ecs:[A-Za-z0-9_-]{1,64}:[0-9]{12}:cluster/([A-Za-z0-9_-]{1,128})")


class EcsCluster(msgspec.Struct, frozen=True, kw_only=True):
    """One cluster of one stack. Only the record is ours: the cluster itself is made and kept elsewhere."""

    arn: str
    stack_id: str
    registered_at: datetime

    @property
    def name(self) -> str:
        return cluster_name(self.arn)


def check_cluster_of_layer(given: str, registered: EcsCluster | None) -> None:
    """Raise Invalid unless the cluster that a layer names is the one that its stack has."""
    cluster_name(given, f"Attributes.{ATTRIBUTE}")
    if registered is None:
        raise Invalid(
            f"Attributes.{ATTRIBUTE} {given} is not registered with the stack: please send RegisterEcsCluster first"
        )
    if registered.arn != given:
        raise Invalid(f"Attributes.{ATTRIBUTE} must be the cluster of the stack, {registered.arn}, not {given}")


def cluster_name(arn: str, member: str = ATTRIBUTE) -> str:
    """The name that a cluster's ARN ends with. Raises Invalid for any other text.

    >>> cluster_name("arn:aws:ecs:eu-west-1:123456789012:cluster/shop")
    'shop'
    """
    found = _ARN.fullmatch(arn)
    if found is None:
        raise Invalid(
            f"{member} {arn[:120]!r} is not the ARN of a cluster, such as"
            " arn:aws:ecs:eu-west-1:123456789012:cluster/shop"
        )
    return found[1]
