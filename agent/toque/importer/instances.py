"""Instances as records that wait to be started: how each was ordered is kept, the old machine is not."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from toque.importer.dump import Record
from toque.importer.notes import Notes, Target
from toque.importer.stacks import agent_version
from toque.importer.systems import is_windows
from toque.stackfile.records import is_ordered

_GONE: Final = ("terminated", "terminating", "deregistering")
_CUSTOM: Final = ("Custom", "CustomWindows")
_ARCHITECTURES: Final = ("x86_64", "i386")
_PLACED: Final = ("AvailabilityZone", "SubnetId")


def adapted(
    record: Record, stack: Record, layers: Mapping[str, Record], target: Target, notes: Notes, *, moved: bool
) -> dict[str, Any] | None:
    """The record of an instance, changed where it must be; None for one that cannot be made. `stack` is adapted.

    `layers` are those that are imported, by id; `moved` says that the stack is in another region now.
    """
    instance = dict(record)
    # The server keeps host names in lower case.
    instance["Hostname"] = instance["Hostname"].lower()
    thing = f"instance {instance['Hostname']}"
    if instance.get("Status") in _GONE:
        notes.left_out(thing, f"it was {instance['Status']}")
        return None
    if not is_ordered(instance):
        said = "it was registered, not ordered: register the machine here with `toque opsworks register`"
        notes.left_out(thing, said + _whereabouts(instance))
        return None
    instance["LayerIds"] = [id for id in instance["LayerIds"] if id in layers]
    if lost := len(record["LayerIds"]) - len(instance["LayerIds"]):
        notes.left_out(thing, f"{lost} of its layers are not in the dump")
    if not instance["LayerIds"]:
        notes.left_out(thing, "an instance needs a layer, and none of its layers is in the dump")
        return None
    if not _system(instance, stack, target, notes, thing):
        return None
    _order(instance, notes, thing, moved=moved)
    if where := _whereabouts(instance):
        notes.changed(thing, f"it is a record, stopped, until it is started as a new machine{where}")
    return instance


def _system(instance: dict[str, Any], stack: Record, target: Target, notes: Notes, thing: str) -> bool:
    old = instance.get("Os") or stack.get("DefaultOs")
    if old in _CUSTOM and instance.get("AmiId"):
        # The image says what its disks are; the server keeps nothing else for it.
        instance["BlockDeviceMappings"] = None
        return True
    if is_windows(old):
        notes.left_out(thing, f"no machine with {old} can be made: please register one that you have")
        return False
    if instance.get("AmiId"):
        notes.left_out(thing, f"the image {instance['AmiId']} was its old system's")
        instance["AmiId"] = None
    if old is None:
        return True
    new = target.system(old) if old not in _CUSTOM else stack.get("DefaultOs")
    instance["Os"] = new
    if old in _CUSTOM:
        notes.changed(thing, f"its system was {old}, without an image: it is {new} now")
    elif new != old:
        notes.changed(thing, f"{old} is out of service: it gets {new}")
    return True


def _order(instance: dict[str, Any], notes: Notes, thing: str, *, moved: bool) -> None:
    if moved:
        # The stack's region is another: what it says now counts.
        for name in _PLACED:
            instance[name] = None
    version = agent_version(instance.get("AgentVersion"), "INHERIT")
    instance["AgentVersion"] = version
    if instance.get("Architecture") not in (None, *_ARCHITECTURES):
        notes.changed(thing, f"the architecture {instance['Architecture']} is unknown: it is x86_64 now")
        instance["Architecture"] = "x86_64"


def _whereabouts(instance: Record) -> str:
    """What the old machine is known by."""
    addresses = [instance.get(name) for name in ("Ec2InstanceId", "PublicIp", "PrivateIp")]
    known = [each for each in addresses if each]
    return f" (the old one was {', '.join(known)})" if known else ""
