"""A plan: the steps that make a server's stack what a file says, as values, to be shown before they are taken."""

from __future__ import annotations

from typing import Any, Literal, NamedTuple

import msgspec

Verb = Literal["create", "update", "delete"]
Kind = Literal[
    "user",
    "stack",
    "ECS cluster",
    "database",
    "layer",
    "instance",
    "app",
    "data bag item",
    "load balancer",
    "elastic IP",
    "volume",
    "permission",
]


class Owner(NamedTuple):
    """Whose data bag item or balancer it is: `level` stack, layer, app or instance."""

    level: str
    name: str


class Change(NamedTuple):
    """`was` is what the server has; for something new, what it will have by itself."""

    field: str
    was: Any
    want: Any


class Step(msgspec.Struct, frozen=True, kw_only=True):
    """`part` is the field that has an operation of its own; "" is the thing itself. `whole` is all that is wanted."""

    verb: Verb
    kind: Kind
    name: str
    part: str = ""
    owner: Owner | None = None
    changes: tuple[Change, ...] = ()
    whole: Any = None


class Left(NamedTuple):
    """Something that the server has and the file does not; it is deleted with `prune` only."""

    kind: Kind
    name: str
    owner: Owner | None = None


class Plan(msgspec.Struct, frozen=True, kw_only=True):
    """`impossible` says why the file cannot come true; `missing` are secrets that would have to be given."""

    stack: str
    steps: tuple[Step, ...] = ()
    left: tuple[Left, ...] = ()
    impossible: tuple[str, ...] = ()
    missing: tuple[str, ...] = ()
