"""What it takes to make a server's stack what a file says: a list of steps, decided before the first is taken.

A step is about one thing, or one part of it that has an operation of its own. Steps stand in an order in which each
finds what it needs: what is named by others is made before them, and what is to go, goes last.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, Final

import msgspec

from toque.stackfile.comparing import JSON_FIELDS, Secrets, agrees, as_object, field_agrees, missing
from toque.stackfile.model import (
    App,
    ElasticIp,
    Instance,
    Layer,
    Part,
    Permission,
    SecretRef,
    Stack,
    StackFile,
    Volume,
    default_of,
    given,
)
from toque.stackfile.plan import Change, Kind, Left, Owner, Plan, Step, Verb

_PARTS: Final[Mapping[type[Part], tuple[str, ...]]] = {
    Stack: ("strict", "tags"),
    Layer: ("tags", "load_based_auto_scaling", "node_attributes"),
    Instance: ("schedule", "node_attributes"),
    App: ("node_attributes",),
    Volume: ("name", "mount_point", "instance"),
    ElasticIp: ("instance",),
}
_APART: Final = frozenset({"data_bags", "load_balancer"})
_FIXED: Final[Mapping[type[Part], tuple[str, ...]]] = {
    Stack: ("region", "vpc_id", "service_role_arn"),
    Layer: ("type",),
    Instance: (
        *("root_device_type", "availability_zone", "subnet_id", "virtualization_type", "tenancy", "ami_id"),
        *("block_device_mappings", "ebs_optimized"),
    ),
}
MADE_UP: Final = frozenset({"HaproxyStatsPassword", "GangliaPassword"})
"""Attributes of layers for which the server makes up a secret where none is sent."""


def differences(
    wanted: StackFile,
    found: StackFile | None,
    *,
    secrets: Mapping[str, str] | None = None,
    prune: bool = False,
    renew: bool = False,
) -> Plan:
    """The steps from `found` (None: there is no such stack) to `wanted`.

    `secrets` are those that were given. With `renew` they are sent even where the server has one. With `prune` what the
    server has and the file has not is deleted; without it that is in `left`.
    """
    decision = _Decision(wanted, found, Secrets(secrets or {}, renew), prune=prune)
    steps = tuple(decision.steps())
    return Plan(
        stack=wanted.stack.name,
        steps=steps,
        left=() if prune else tuple(decision.surplus),
        impossible=tuple(decision.impossible),
        missing=tuple(dict.fromkeys(decision.missing)),
    )


class _Decision:
    def __init__(self, wanted: StackFile, found: StackFile | None, secrets: Secrets, *, prune: bool) -> None:
        self.wanted, self.secrets, self.prune = wanted, secrets, prune
        self.is_new = found is None
        self.found = found or StackFile(stack=Stack(name=wanted.stack.name))
        self.surplus: list[Left] = []
        self.impossible: list[str] = []
        self.missing: list[str] = []

    def steps(self) -> Iterator[Step]:
        yield from self._users()
        yield from self._thing(
            "stack", self.wanted.stack.name, self.wanted.stack, None if self.is_new else self.found.stack
        )
        yield from self._clusters()
        yield from self._section("database", "rds_db_instances")
        yield from self._section("layer", "layers")
        yield from self._section("instance", "instances")
        yield from self._section("app", "apps")
        yield from self._items()
        yield from self._balancers()
        yield from self._section("elastic IP", "elastic_ips")
        yield from self._section("volume", "volumes")
        yield from self._permissions()
        if self.prune:
            deleted = sorted(self.surplus, key=lambda each: _LAST_FIRST.index(each.kind))
            yield from (
                Step(verb="delete", kind=each.kind, name=each.name, owner=each.owner)
                for each in deleted
                if each.kind != "load balancer" and each.kind != "ECS cluster"
            )

    def _section(self, kind: Kind, section: str) -> Iterator[Step]:
        wanted, found = getattr(self.wanted, section), getattr(self.found, section) or {}
        if wanted is None:
            return
        for name, each in wanted.items():
            yield from self._thing(kind, name, each, found.get(name))
        self.surplus += [Left(kind, name) for name in found if name not in wanted]

    def _thing(self, kind: Kind, name: str, wanted: Part, found: Part | None) -> Iterator[Step]:
        parts = _PARTS.get(type(wanted), ())
        if found is None:
            changes = tuple(
                self._change(wanted, field, default_of(type(wanted), field), value)
                for field, value in given(wanted).items()
                if field not in parts and field not in _APART
            )
            yield Step(verb="create", kind=kind, name=name, changes=changes, whole=wanted)
            for part in parts:
                yield from self._part(kind, name, wanted, default_of(type(wanted), part), part)
            return
        wanted, found = _settled(name, wanted), _settled(name, found)
        self._check_fixed(kind, name, wanted, found)
        changes = tuple(self._changes(wanted, found, parts))
        if changes:
            yield Step(verb="update", kind=kind, name=name, changes=changes, whole=wanted)
        for part in parts:
            yield from self._part(kind, name, wanted, getattr(found, part), part)

    def _part(self, kind: Kind, name: str, wanted: Part, was: Any, part: str) -> Iterator[Step]:
        value = getattr(wanted, part)
        if part == "instance" and value is None and was is not None:
            # Whose address or disk it is, is a statement, too: nobody's.
            yield Step(verb="update", kind=kind, name=name, part=part, changes=(Change(part, was, None),), whole=wanted)
        elif not field_agrees(type(wanted).__name__, part, value, was, self.secrets):
            change = self._change(wanted, part, was, value)
            yield Step(verb="update", kind=kind, name=name, part=part, changes=(change,), whole=wanted)

    def _changes(self, wanted: Part, found: Part, parts: tuple[str, ...]) -> Iterator[Change]:
        fixed = _FIXED.get(type(wanted), ())
        for field in wanted.__struct_fields__:
            if field in parts or field in _APART or field in fixed:
                continue
            value, was = getattr(wanted, field), getattr(found, field)
            if not field_agrees(type(wanted).__name__, field, value, was, self.secrets):
                yield self._change(wanted, field, was, value)

    def _change(self, wanted: Part, field: str, was: Any, value: Any) -> Change:
        pair = (as_object(value), as_object(was)) if field in JSON_FIELDS else (value, was)
        if field == "environment":
            # A variable that is shown has no secret value to keep.
            pair = value, {key: each for key, each in was.items() if isinstance(each, SecretRef)}
        elif field == "attributes":
            pair = {key: each for key, each in value.items() if key not in MADE_UP}, was
        self.missing += missing(*pair, self.secrets)
        return Change(field, was, value)

    def _check_fixed(self, kind: Kind, name: str, wanted: Part, found: Part) -> None:
        for field in _FIXED.get(type(wanted), ()):
            value, was = getattr(wanted, field), getattr(found, field)
            # An instance that has what its stack has by default does not say so.
            if was is not None and not agrees(value, was, self.secrets):
                self.impossible.append(f"{kind} {name}: {field} cannot change from {was} to {value}")
        if isinstance(wanted, Instance) and isinstance(found, Instance):
            was = found.auto_scaling_type
            if wanted.auto_scaling_type is None and was is not None:
                self.impossible.append(
                    f"instance {name}: auto_scaling_type cannot change from {was} to none: please write {was}, or"
                    " delete the instance and let it be made anew"
                )

    def _users(self) -> Iterator[Step]:
        known = self.found.users or {}
        for name, user in (self.wanted.users or {}).items():
            if name not in known:
                changes = tuple(Change(field, None, value) for field, value in given(user).items())
                yield Step(verb="create", kind="user", name=name, changes=changes, whole=user)

    def _clusters(self) -> Iterator[Step]:
        """A stack has one: the old one goes before the new one comes."""
        if self.wanted.ecs_clusters is None:
            return
        found = self.found.ecs_clusters or ()
        surplus = [each for each in found if each not in self.wanted.ecs_clusters]
        self.surplus += [Left("ECS cluster", each) for each in surplus]
        if self.prune:
            yield from (Step(verb="delete", kind="ECS cluster", name=each) for each in surplus)
        for each in self.wanted.ecs_clusters:
            if each not in found:
                yield Step(verb="create", kind="ECS cluster", name=each)

    def _balancers(self) -> Iterator[Step]:
        """Each is taken from where it is before it is put where it belongs; a move is no deletion."""
        if self.wanted.layers is None:
            return
        there = {name: layer.load_balancer for name, layer in (self.found.layers or {}).items()}
        want = {name: layer.load_balancer for name, layer in self.wanted.layers.items()}
        for name, was in there.items():
            if was is None or want.get(name) == was:
                continue
            owner = Owner("layer", name)
            replaced = want.get(name) is not None or was in want.values()
            if not replaced and name in want:
                self.surplus.append(Left("load balancer", was, owner))
            # A layer that goes takes no balancer with it.
            if replaced or (self.prune and name in want):
                yield Step(verb="delete", kind="load balancer", name=was, owner=owner)
        for name, now in want.items():
            if now is not None and there.get(name) != now:
                yield Step(verb="create", kind="load balancer", name=now, owner=Owner("layer", name))

    def _items(self) -> Iterator[Step]:
        for owner, wanted, found in self._with_bags():
            there = {(bag, item): value for bag, items in found.items() for item, value in items.items()}
            want = {(bag, item): value for bag, items in wanted.items() for item, value in items.items()}
            for key, value in want.items():
                was = there.get(key)
                if was is not None and agrees(value, was, self.secrets):
                    continue
                self.missing += missing(value, was, self.secrets)
                verb: Verb = "create" if was is None else "update"
                change = Change("value", was, value)
                yield Step(verb=verb, kind="data bag item", name="/".join(key), owner=owner, changes=(change,))
            self.surplus += [Left("data bag item", "/".join(key), owner) for key in there if key not in want]

    def _with_bags(self) -> Iterator[tuple[Owner, Any, Any]]:
        yield Owner("stack", self.wanted.stack.name), self.wanted.stack.data_bags, self.found.stack.data_bags
        for level, section in (("layer", "layers"), ("instance", "instances"), ("app", "apps")):
            found = getattr(self.found, section) or {}
            for name, each in (getattr(self.wanted, section) or {}).items():
                yield Owner(level, name), each.data_bags, found[name].data_bags if name in found else {}

    def _permissions(self) -> Iterator[Step]:
        if self.wanted.permissions is None:
            return
        found = self.found.permissions or {}
        for name, each in self.wanted.permissions.items():
            was = found.get(name, Permission())
            changes = tuple(
                Change(field, *pair)
                for field in each.__struct_fields__
                if _differ(pair := (getattr(was, field), getattr(each, field)))
            )
            if changes:
                verb: Verb = "update" if name in found else "create"
                yield Step(verb=verb, kind="permission", name=name, changes=changes, whole=each)
        self.surplus += [Left("permission", name) for name in found if name not in self.wanted.permissions]


_LAST_FIRST: Final = (
    *("permission", "data bag item", "volume", "elastic IP", "app", "instance", "load balancer", "layer"),
    *("database", "ECS cluster"),
)


def _differ(pair: tuple[Any, Any]) -> bool:
    return bool(pair[0] != pair[1])


def _settled(name: str, part: Any) -> Any:
    """What is left out and is not the server's choice."""
    if isinstance(part, Layer | App) and part.name is None:
        part = msgspec.structs.replace(part, name=name)
    if isinstance(part, Layer) and part.type == "custom":
        part = msgspec.structs.replace(
            part,
            volume_configurations=part.volume_configurations or (),
            auto_assign_elastic_ips=bool(part.auto_assign_elastic_ips),
        )
    return part
