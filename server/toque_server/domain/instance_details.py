"""What is known of an instance besides what decisions need: how it was ordered, what became of it (03 § 2)."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

import msgspec

from toque_server.domain.invalid import Invalid
from toque_server.domain.stack import check_agent_version

ARCHITECTURES: Final = ("x86_64", "i386")
TENANCIES: Final = ("default", "dedicated", "host")
VIRTUALIZATION_TYPES: Final = ("paravirtual", "hvm")
SCALING: Final = ("load", "timer")
INHERIT: Final = "INHERIT"

_ROOT_SIZES: Final = {"gp2": (8, 16384), "io1": (8, 16384), "standard": (8, 1024)}
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
    no_device: str | None = None
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
    private_ip: str | None = None
    private_dns: str | None = None
    public_ip: str | None = None
    public_dns: str | None = None
    elastic_ip: str | None = None
    root_device_volume_id: str | None = None
    registered_by: str | None = None
    cloud_id: str | None = None
    """What its cloud calls a registered machine; that of one which a provider made is `Instance.machine_id`."""
    named_by_machine: bool = False
    """It registered without a host name: it takes that of its machine when the agent joins."""


def check(details: InstanceDetails) -> None:
    """Raise Invalid for an order that no provider could carry out."""
    _check_word(details.architecture, ARCHITECTURES, "Architecture")
    _check_word(details.tenancy, TENANCIES, "Tenancy")
    _check_word(details.virtualization_type, VIRTUALIZATION_TYPES, "VirtualizationType")
    check_agent_version(details.agent_version, INHERIT)
    if not details.instance_type.isprintable() or len(details.instance_type) > 64:
        raise Invalid("InstanceType must have 1 to 64 printable characters")
    if details.ami_id and details.os not in ("Custom", "CustomWindows"):
        raise Invalid(f"AmiId needs Os to be Custom, not {details.os!r}")
    if details.os in ("Custom", "CustomWindows") and not details.ami_id:
        raise Invalid("Os Custom needs the image's AmiId")
    _check_devices(details.block_device_mappings)


def check_scaling(scaling: str | None) -> None:
    _check_word(scaling, SCALING, "AutoScalingType")


def _check_word(value: str | None, words: Iterable[str], member: str) -> None:
    if value is not None and value not in words:
        raise Invalid(f"{member} {value!r} is unknown: please use one of {', '.join(words)}")


def _check_devices(mappings: Iterable[BlockDeviceMapping]) -> None:
    for ebs in filter(None, (each.ebs for each in mappings)):
        kind = ebs.volume_type or "standard"
        _check_word(kind, _ROOT_SIZES, "BlockDeviceMappings.Ebs.VolumeType")
        least, most = _ROOT_SIZES[kind]
        if ebs.volume_size is not None and not least <= ebs.volume_size <= most:
            raise Invalid(f"VolumeSize of a {kind} root volume must be {least} to {most} GiB, not {ebs.volume_size}")
        if kind == "io1" and (ebs.iops is None or ebs.iops > _IOPS_PER_GIB * (ebs.volume_size or least)):
            raise Invalid(f"an io1 root volume needs Iops, at most {_IOPS_PER_GIB} per GiB")
