"""A load balancer attached to a layer, and which instances it serves (08 § 5, 02 § 12)."""

from __future__ import annotations

import re
from collections.abc import Iterable
from datetime import datetime

import msgspec

from toque_server.domain.instance import Instance, Status
from toque_server.domain.invalid import Invalid

_NAME = re.compile(r"[A-Za-z0-9]([A-Za-z0-9-]{0,30}[A-Za-z0-9])?")


class Balancer(msgspec.Struct, frozen=True, kw_only=True):
    """One balancer of one layer. `dns_name` is what the balancer's own service said of it; None until it did."""

    region: str
    name: str
    stack_id: str
    layer_id: str
    attached_at: datetime
    dns_name: str | None = None


def check_balancer_name(name: str) -> None:
    """Raise Invalid for a name that no classic balancer can have."""
    if not _NAME.fullmatch(name):
        raise Invalid(
            f"ElasticLoadBalancerName {name[:80]!r} is not allowed: 1 to 32 letters, digits and '-', with a letter or"
            " digit at both ends"
        )


def members(layer_id: str, instances: Iterable[Instance]) -> list[Instance]:
    """The instances that the balancer of this layer sends traffic to: its layer's, as long as they are online.

    On-premises machines are left out: a balancer does not reach them (02 § 12.2).
    """
    return [
        each
        for each in instances
        if layer_id in each.layer_ids and each.status is Status.ONLINE and each.infrastructure_class != "on-premises"
    ]
