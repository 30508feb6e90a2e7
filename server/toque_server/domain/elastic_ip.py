"""Elastic IP addresses: registered with one stack, on one of its instances at most (chapter 08 § 2)."""

from __future__ import annotations

from datetime import datetime
from ipaddress import AddressValueError, IPv4Address
from typing import Final

import msgspec

from toque_server.domain.instance import Instance
from toque_server.domain.invalid import Invalid

NAME_LIMIT: Final = 32


class ElasticIp(msgspec.Struct, frozen=True, kw_only=True):
    """An address that its stack may put on any of its instances; `instance_id` is where it is now."""

    ip: str
    stack_id: str
    instance_id: str | None = None
    created_at: datetime
    name: str | None = None


def check_address(text: str) -> str:
    """The address, as it is stored. Raises Invalid for what no instance could have."""
    try:
        address = IPv4Address(text)
    except AddressValueError:
        raise Invalid(f"ElasticIp {text[:64]!r} is not an IPv4 address such as 203.0.113.7") from None
    if address.is_loopback or address.is_multicast or address.is_unspecified or address.is_link_local:
        raise Invalid(f"ElasticIp {address} cannot be an instance's: please give one that others reach it by")
    return str(address)


def check_name(name: str) -> None:
    """Raise Invalid for a name that is too long, or that cannot be printed."""
    if len(name) > NAME_LIMIT or not name.isprintable():
        raise Invalid(f"Name must have at most {NAME_LIMIT} printable characters, not {len(name)}")


def check_place(address: ElasticIp, instance: Instance) -> None:
    """Raise Invalid where the address cannot go to the instance. Its status does not matter; who holds it now, neither.

    An address never leaves its stack while it is registered there.
    """
    if instance.stack_id != address.stack_id:
        raise Invalid(
            f"{address.ip} is registered with another stack than {instance.hostname}:"
            " please deregister it there, and register it with this one"
        )
    if instance.infrastructure_class == "on-premises":
        raise Invalid(f"{instance.hostname} is on-premises: elastic IPs are for instances that a provider runs")
