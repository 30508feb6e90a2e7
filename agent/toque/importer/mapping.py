"""A dump as documents of `toque.stackfile`, one per stack, with a remark on all that is not simply as it was."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, Final, NamedTuple

import msgspec

from toque.importer import apps, instances, layers, stacks
from toque.importer.databases import Entry, entry_of
from toque.importer.dump import Dump, Record
from toque.importer.notes import AS_IT_WAS, Choices, Notes, Target
from toque.importer.people import People
from toque.importer.problems import Remark
from toque.stackfile import records
from toque.stackfile.model import App, ElasticIp, Instance, Layer, SecretRef, StackFile, Volume
from toque.stackfile.records import SecretNames

_CALLS: Final = {
    "Layers": "describe-layers",
    "Instances": "describe-instances",
    "Apps": "describe-apps",
    "Permissions": "describe-permissions",
}
"""What a dump of a whole stack has, with the call that gives it: whoever lacks one should know."""


_DAYS: Final = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")


class BadChoice(ValueError):
    """What was asked for does not fit the dump; the message says what would."""


class Mapped(NamedTuple):
    """One stack. `databases` are entries that the server's directory needs before the stack can register them."""

    id: str
    document: StackFile
    databases: tuple[Entry, ...]
    remarks: tuple[Remark, ...]


class Import(NamedTuple):
    """All of a dump. The users of all stacks stand in the document of the first. `remarks` concern no stack."""

    stacks: tuple[Mapped, ...]
    remarks: tuple[Remark, ...]


def mapped(dump: Dump, target: Target, choices: Choices = AS_IT_WAS) -> Import:
    """What is to be made of a dump. Raises BadChoice."""
    people, tags = People(dump), dump.tags_of()
    chosen = _chosen(dump, choices)
    owners = {kind: list(dump.homeless(kind)) for kind in ("ElasticIps", "Volumes")}
    found = [_Stack(dump, each, target, choices, people, tags, owners).whole() for each in chosen]
    if found:
        # Profiles belong to the installation; each is to be made once.
        first = found[0]._replace(document=msgspec.structs.replace(found[0].document, users=people.profiles or None))
        found = [first, *found[1:]]
    _tell_lost(dump, owners)
    return Import(tuple(found), tuple(dump.remarks))


def _chosen(dump: Dump, choices: Choices) -> list[Record]:
    every = list(dump.every("Stacks"))
    named = {name for each in every for name in (each["StackId"], each["Name"])}
    if unknown := [each for each in (*choices.only, *choices.names) if each not in named]:
        there = ", ".join(sorted(each["Name"] for each in every))
        raise BadChoice(f"there is no stack {unknown[0]} in the dump, which has {there}")
    regions = {each["Region"] for each in every}
    if strange := [each for each in choices.regions if each not in regions]:
        raise BadChoice(f"no stack of the dump is in region {strange[0]}: they are in {', '.join(sorted(regions))}")
    chosen = [each for each in every if not choices.only or {each["StackId"], each["Name"]} & set(choices.only)]
    seen: dict[str, str] = {}
    for each in chosen:
        other = seen.setdefault(_name(each, choices), each["StackId"])
        if other != each["StackId"]:
            raise BadChoice(
                f"two stacks would be called {_name(each, choices)}: please give one another name, as"
                f" --name {each['StackId']}=NAME, or choose with --stack"
            )
    return chosen


def _name(stack: Record, choices: Choices) -> str:
    name: str = choices.names.get(stack["StackId"]) or choices.names.get(stack["Name"]) or stack["Name"]
    return name


def _tell_lost(dump: Dump, owners: Mapping[str, list[tuple[Record, str | None]]]) -> None:
    """Records whose stack is not in the dump, or cannot be known."""
    known = {each["StackId"] for each in dump.every("Stacks")}
    for kind in ("Layers", "Instances", "Apps", "Permissions", "RdsDbInstances", "EcsClusters"):
        lost = [each["StackId"] for each in dump.every(kind) if each["StackId"] not in known]
        for id in dict.fromkeys(lost):
            dump.remark(f"{lost.count(id)} {kind} of stack {id}", "that stack is not in the dump")
    for kind, found in owners.items():
        if homeless := [each for each, home in found if home is None]:
            names = ", ".join(str(each.get("Ip") or each.get("Ec2VolumeId") or each["VolumeId"]) for each in homeless)
            said = "nothing says whose they are: please put the stack's id into the file's name"
            dump.remark(f"{kind} {names}", said)


def _week(record: Record) -> dict[str, Any]:
    """A schedule by days, without what is no day."""
    schedule = record.get("AutoScalingSchedule") or {}
    return {day: schedule[day] for day in _DAYS if schedule.get(day)}


class _Names(SecretNames):
    """Names of secrets; those of several stacks are told apart by the stack's name in front."""

    def __init__(self, stack: str) -> None:
        super().__init__()
        self._before = (stack,) if stack else ()

    def __call__(self, *words: str) -> SecretRef:
        return super().__call__(*self._before, *words)


class _Stack:
    """The mapping of one stack."""

    def __init__(
        self,
        dump: Dump,
        record: Record,
        target: Target,
        choices: Choices,
        people: People,
        tags: Mapping[str, dict[str, str]],
        owners: Mapping[str, list[tuple[Record, str | None]]],
    ) -> None:
        self._dump, self._target, self._people, self._tags, self._owners = dump, target, people, tags, owners
        self._id: str = record["StackId"]
        self._notes = Notes(_name(record, choices))
        self._names = _Names(self._notes.stack if len(dump.records["Stacks"]) > 1 else "")
        self._moved = choices.regions.get(record["Region"], record["Region"]) != record["Region"]
        self._stack = stacks.adapted(record, choices, target, self._notes) | {"Name": self._notes.stack}
        self._layers = {each["LayerId"]: layers.adapted(each, self._notes) for each in self._of("Layers")}
        self._instances = {each["InstanceId"]: each for each in self._adapted_instances()}
        self._hosts = {id: each["Hostname"] for id, each in self._instances.items()}

    def whole(self) -> Mapped:
        for kind, call in _CALLS.items():
            if kind not in self._dump.kinds:
                self._notes.left_out(kind, f"the dump has no answer of {call}")
        document = self._document()
        layers.port(self._layers.values(), self._notes)
        found = [entry_of(each, self._notes) for each in self._of("RdsDbInstances")]
        entries = tuple(each for each in found if each is not None)
        return Mapped(self._id, document, entries, tuple(self._notes.remarks))

    def _document(self) -> StackFile:
        databases = dict(records.database_of(each, self._names) for each in self._of("RdsDbInstances"))
        return StackFile(
            stack=records.stack_of(self._stack, self._names, tags=self._tags.get(self._id)),
            permissions=self._if_saved("Permissions", self._people.permissions(self._id)),
            ecs_clusters=self._if_saved("EcsClusters", tuple(self._clusters())) or None,
            rds_db_instances=self._if_saved("RdsDbInstances", databases),
            layers=self._if_saved("Layers", dict(self._mapped_layers())),
            instances=self._if_saved("Instances", dict(self._mapped_instances())),
            apps=self._if_saved("Apps", dict(self._mapped_apps(databases))),
            elastic_ips=self._if_saved("ElasticIps", dict(self._addresses())),
            volumes=self._if_saved("Volumes", dict(self._volumes())),
        )

    def _of(self, kind: str) -> list[Record]:
        return self._dump.of(kind, "StackId", self._id)

    def _if_saved(self, kind: str, section: Any) -> Any:
        """What was not asked for is not managed: whatever the server has of it stays."""
        return section if kind in self._dump.kinds or section else None

    def _mapped_layers(self) -> Iterator[tuple[str, Layer]]:
        scaling = self._dump.by("LoadBasedAutoScalingConfigurations", "LayerId")
        balancers = {
            each["LayerId"]: each["ElasticLoadBalancerName"] for each in self._dump.every("ElasticLoadBalancers")
        }
        for id, each in self._layers.items():
            if id in balancers:
                said = (
                    f"the balancer {balancers[id]} is attached by name; it must exist where the stack's region is now"
                )
                self._notes.to_do(f"layer {each['Shortname']}", said)
            yield (
                each["Shortname"],
                records.layer_of(
                    each,
                    self._names,
                    tags=self._tags.get(id),
                    inherited_tags=self._tags.get(self._id),
                    load_scaling=scaling.get(id),
                    load_balancer=balancers.get(id),
                ),
            )

    def _adapted_instances(self) -> Iterator[dict[str, Any]]:
        taken: set[str] = set()
        for each in self._of("Instances"):
            found = instances.adapted(each, self._stack, self._layers, self._target, self._notes, moved=self._moved)
            if found is None:
                continue
            if found["Hostname"] in taken:
                self._notes.left_out(f"instance {found['Hostname']}", "another instance has this host name")
                continue
            taken.add(found["Hostname"])
            yield found

    def _mapped_instances(self) -> Iterator[tuple[str, Instance]]:
        schedules = self._dump.by("TimeBasedAutoScalingConfigurations", "InstanceId")
        for id, each in self._instances.items():
            timed = each.get("AutoScalingType") == "timer"
            schedule = _week(schedules[id]) if timed and id in schedules else None
            if timed and schedule is None:
                said = (
                    "the dump has no schedule of it (describe-time-based-auto-scaling): it stays down until it has one"
                )
                self._notes.to_do(f"instance {each['Hostname']}", said)
            yield each["Hostname"], records.instance_of(each, self._stack, self._layers, schedule=schedule)

    def _mapped_apps(self, databases: Mapping[str, Any]) -> Iterator[tuple[str, App]]:
        for each in self._of("Apps"):
            app = apps.adapted(each, databases, self._hosts, self._notes)
            yield each["Shortname"], records.app_of(app, self._names, self._hosts)

    def _clusters(self) -> Iterator[str]:
        """Those that are registered, and those that a layer names."""
        arns = [each["EcsClusterArn"] for each in self._of("EcsClusters")]
        arns += [arn for each in self._layers.values() if (arn := (each.get("Attributes") or {}).get("EcsClusterArn"))]
        yield from dict.fromkeys(arns)

    def _mine(self, kind: str) -> list[Record]:
        return [each for each, home in self._owners[kind] if home == self._id]

    def _addresses(self) -> Iterator[tuple[str, ElasticIp]]:
        for each in self._mine("ElasticIps"):
            said = "it is registered as it was: what it leads to is decided where the address is"
            self._notes.to_do(f"address {each['Ip']}", said)
            yield each["Ip"], records.elastic_ip_of(each, self._hosts)

    def _volumes(self) -> Iterator[tuple[str, Volume]]:
        arrays = {each["RaidArrayId"] for each in self._dump.every("RaidArrays")}
        for each in self._mine("Volumes"):
            name = each.get("Ec2VolumeId") or each["VolumeId"]
            if each.get("RaidArrayId") or each["VolumeId"] in arrays:
                self._notes.left_out(f"volume {name}", "it is a disk of a RAID array, which the first start makes anew")
            elif self._of_layer(each):
                said = "its instance gets a new, empty one at its first start, as the layer says: please copy the data"
                self._notes.left_out(f"volume {name}", said)
            elif not each.get("Ec2VolumeId"):
                self._notes.left_out(f"volume {name}", "it was never made")
            else:
                yield name, records.volume_of(each, self._hosts)

    def _of_layer(self, volume: Record) -> bool:
        """Whether a layer of the volume's instance makes one for the same place."""
        instance = self._instances.get(volume.get("InstanceId") or "")
        if instance is None:
            return False
        wanted = [each for id in instance["LayerIds"] for each in self._layers[id].get("VolumeConfigurations") or ()]
        return any(each.get("MountPoint") == volume.get("MountPoint") for each in wanted)
