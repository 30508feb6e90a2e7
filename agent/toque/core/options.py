"""What the options of a resource do that change how it is worked on: its limits, and what it gets only as a new one."""

from __future__ import annotations

from dataclasses import fields, replace
from typing import TYPE_CHECKING, Any, TypeVar

from toque.core.host import Host, limited

if TYPE_CHECKING:
    from toque.core.resource import Resource

R = TypeVar("R", bound="Resource[Any]")


def within_limits(resource: Resource[Any], host: Host) -> Host:
    """The machine, with the resource's `timeout` and `umask` for every program that it runs there."""
    if resource.timeout is None and resource.umask is None:
        return host
    return limited(host, resource.timeout, None if resource.umask is None else int(resource.umask, 8))


def as_new(resource: R) -> R:
    """The resource with what `when_creating` says; raises what its class raises for such properties."""
    return replace(resource, when_creating=None, **(resource.when_creating or {}))


def become(resource: Resource[Any], other: Resource[Any]) -> None:
    """Take over the properties of another, which was judged: the handle that a recipe holds stays the same."""
    for name in vars(resource).keys() - {f.name for f in fields(resource)}:
        del vars(resource)[name]  # what was worked out from the former ones
    for name in resource.when_creating or {}:
        object.__setattr__(resource, name, getattr(other, name))
