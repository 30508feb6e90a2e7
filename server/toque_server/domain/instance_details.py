"""What is known of an instance besides what decisions need: how it was ordered, what became of it (03 § 2)."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Annotated, Final

import msgspec

from toque_server.domain.instance import Instance
from toque_server.domain.invalid import Invalid
from toque_server.domain.operating_systems import check_available, family_of
from toque_server.domain.schedule import Schedule
from toque_server.domain.stack import ROOT_DEVICES, Stack, check_agent_version
from toque_server.domain.volume_configuration import SIZES, VolumeConfiguration

ARCHITECTURES: Final = ("x86_64", "i386")
TENANCIES: Final = ("default", "dedicated", "host")
VIRTUALIZATION_TYPES: Final = ("paravirtual", "hvm")
SCALING: Final = ("load", "timer")
INHERIT: Final = "INHERIT"
CUSTOM: Final = ("Custom", "CustomWindows")
"""Systems that are an image of the user's own, named by `ami_id`."""

ROOT_DEVICE: Final = "ROOT_DEVICE"

_LEAST_ROOT: Final = 8
"""GiB of a root volume of any type."""

_IOPS_PER_GIB: Final = 50


class Ebs(msgspec.Struct, frozen=True, rename="pascal", forbid_unknown_fields=True, omit_defaults=True):
    """`volume_size` is in GiB."""

    snapshot_id: str | None = None
    iops: int | None = None
    volume_size: int | None = None
    volume_type: str | None = None
    delete_on_termination: bool | None = None


class BlockDeviceMapping(msgspec.Struct, frozen=True, rename="pascal", forbid_unknown_fields=True, omit_defaults=True):
    device_name: str | None = None
    # Clearable (operations.wire): "" is how EC2 says that a device of the image is left out.
    no_device: Annotated[str | None, msgspec.Meta(extra={"clearable": True})] = None
    virtual_name: str | None = None
    ebs: Ebs | None = None


class InstanceDetails(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """The part of an instance's record that stands in its `document`.

    The first half is what was ordered; the addresses are what the provider said of the machine; what the agent itself
    reports stands in `contacts`.
    """

    instance_type: str = ""
    os: str = ""
    ami_id: str | None = None
    ssh_key_name: str | None = None
    availability_zone: str | None = None
    subnet_id: str | None = None
    virtualization_type: str | None = None
    architecture: str = "x86_64"
    block_device_mappings: tuple[BlockDeviceMapping, ...] = ()
    install_updates_on_boot: bool = True
    ebs_optimized: bool = False
    agent_version: str = INHERIT
    tenancy: str | None = None
    schedule: Schedule = Schedule()
    """When a time-based instance is up; empty for all others."""
    private_ip: str | None = None
    private_dns: str | None = None
    public_ip: str | None = None
    public_dns: str | None = None
    root_device_volume_id: str | None = None
    volume_configurations: tuple[VolumeConfiguration, ...] | None = None
    """The volumes that its layers wanted when it was first started; None before that."""
    registered_by: str | None = None
    cloud_id: str | None = None
    """What its cloud calls a registered machine; that of one which a provider made is `Instance.machine_id`."""
    named_by_machine: bool = False
    """It registered without a host name: it takes that of its machine when the agent joins."""


def check(stack: Stack, details: InstanceDetails) -> None:
    """Raise Invalid for an order that no provider could carry out."""
    _check_word(details.architecture, ARCHITECTURES, "Architecture")
    _check_word(details.tenancy, TENANCIES, "Tenancy")
    _check_word(details.virtualization_type, VIRTUALIZATION_TYPES, "VirtualizationType")
    check_agent_version(details.agent_version, INHERIT)
    if stack.is_windows and details.agent_version != INHERIT:
        raise Invalid(f"AgentVersion must be {INHERIT} in a Windows stack: its agent has no versions to choose from")
    if not details.instance_type.isprintable() or len(details.instance_type) > 64:
        raise Invalid("InstanceType must have 1 to 64 printable characters")
    if details.ami_id and details.os not in CUSTOM:
        raise Invalid(f"AmiId needs Os to be Custom, not {details.os!r}")
    if details.os in CUSTOM and not details.ami_id:
        raise Invalid(f"Os {details.os} needs the image's AmiId")
    for mapping in details.block_device_mappings:
        _check_device(mapping)


def check_root_and_scaling(stack: Stack, root: str, scaling: str | None) -> None:
    """Raise Invalid for a root device or a scaling type that an instance of this stack cannot have."""
    _check_word(root, ROOT_DEVICES, "RootDeviceType")
    _check_word(scaling, SCALING, "AutoScalingType")
    if stack.is_windows and root != "ebs":
        raise Invalid("RootDeviceType must be ebs in a Windows stack")
    if stack.is_windows and scaling == "load":
        raise Invalid("AutoScalingType must be timer in a Windows stack: it has no load-based instances")


def check_os(stack: Stack, os: str) -> None:
    """Raise Invalid for a system that a new instance of this stack cannot have (S-8)."""
    if family_of(os, member="Os") != family_of(stack.default_os):
        raise Invalid(f"Os {os!r} does not go with the stack, which has {stack.default_os}")
    check_available(os)


def check_os_change(stack: Stack, instance: Instance, details: InstanceDetails, os: str) -> None:
    """Raise Invalid where the instance cannot get another system: what its disk or its image holds stays."""
    if details.ami_id is not None:
        raise Invalid("Os cannot change on an instance of a custom image: please create another instance")
    check_os(stack, os)
    if instance.persistent:
        raise Invalid("Os cannot change on an ebs-backed instance: its disk holds the old one")


def check_fixed(member: str, has: object, asked: object) -> None:
    """Raise Invalid for a change of what never changes; the value that is there, or none, may be sent."""
    if asked is not None and asked != has:
        raise Invalid(f"{member} cannot change: please create another instance")


def _check_word(value: str | None, words: Iterable[str], member: str) -> None:
    if value is not None and value not in words:
        raise Invalid(f"{member} {value!r} is unknown: please use one of {', '.join(words)}")


def _check_device(mapping: BlockDeviceMapping) -> None:
    if mapping.ebs is None:
        return
    ebs, name = mapping.ebs, mapping.device_name or ROOT_DEVICE
    kind = ebs.volume_type or "standard"
    _check_word(kind, SIZES, "BlockDeviceMappings.Ebs.VolumeType")
    least, most = SIZES[kind]
    if name == ROOT_DEVICE:
        least = max(least, _LEAST_ROOT)
    if ebs.volume_size is not None and not least <= ebs.volume_size <= most:
        raise Invalid(f"VolumeSize of a {kind} volume at {name} must be {least} to {most} GiB, not {ebs.volume_size}")
    if kind != "io1":
        return
    if ebs.iops is None:
        raise Invalid(f"Iops is missing: the io1 volume at {name} needs it")
    highest = _IOPS_PER_GIB * (ebs.volume_size or most)
    if not 0 < ebs.iops <= highest:
        raise Invalid(f"Iops of {name} must be 1 to {highest} ({_IOPS_PER_GIB} per GiB), not {ebs.iops}")
