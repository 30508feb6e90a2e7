"""A machine that exists already becomes an instance: its record, its name, its kind (03 § 12, 08 § 10)."""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Collection, Iterable
from datetime import datetime
from typing import Final

import msgspec
from msgspec.structs import replace

from toque.protocol.keys import BadKey
from toque.protocol.messages import Facts
from toque.protocol.registration import RegistrationKey, fingerprints, read_public
from toque_server.domain.instance import Instance, Status
from toque_server.domain.instance_details import InstanceDetails
from toque_server.domain.invalid import Invalid
from toque_server.domain.layer import CUSTOM, Layer

CLOUD: Final = "ec2"
ON_PREMISES: Final = "on-premises"

_CLOUD_TYPES: Final = frozenset({CUSTOM, "ecs-cluster"})
_NOT_IN_HOSTNAME: Final = re.compile(r"[^a-z0-9-]+")
_CLOUD_ID: Final = re.compile(r"i-[0-9a-f]{8,17}")
_LONGEST_DOCUMENT: Final = 16 * 1024


class CloudIdentity(msgspec.Struct, frozen=True, rename="camel"):
    """What a cloud machine's identity document says that an instance shows; everything else in it is left alone."""

    instance_id: str
    region: str = ""
    instance_type: str = ""
    availability_zone: str | None = None
    image_id: str | None = None
    architecture: str = ""
    private_ip: str | None = None


def read_identity(document: str, *, region: str) -> CloudIdentity:
    """The identity document of a cloud machine, which must be in the stack's region. Raises Invalid."""
    try:
        if len(document) > _LONGEST_DOCUMENT:
            raise msgspec.DecodeError(f"it is longer than {_LONGEST_DOCUMENT} characters")
        found = msgspec.json.decode(document, type=CloudIdentity)
    except msgspec.DecodeError as wrong:
        raise Invalid(
            f"InstanceIdentity.Document is not the identity document of a cloud machine: {wrong}; "
            "a machine that is in no cloud registers without InstanceIdentity"
        ) from None
    if _CLOUD_ID.fullmatch(found.instance_id) is None:
        raise Invalid(f"InstanceIdentity.Document has the instanceId {found.instance_id[:64]!r}, which is none")
    if found.region and found.region != region:
        raise Invalid(
            f"InstanceIdentity.Document says that the machine is in {found.region}, and the stack is in {region}: "
            "please choose a stack of its region, or register the machine as on-premises (without InstanceIdentity)"
        )
    if found.private_ip is not None:
        check_address(found.private_ip, "InstanceIdentity.Document's privateIp")
    return found


def check_layers(instance: Instance, layers: Iterable[Layer]) -> None:
    """Raise Invalid for a layer that a machine of this class cannot be in (I-17)."""
    if instance.infrastructure_class != CLOUD:
        return
    for layer in layers:
        if layer.type not in _CLOUD_TYPES:
            raise Invalid(
                f"LayerIds: {instance.hostname} is a registered cloud machine, which can be in custom layers and"
                f" ecs-cluster only, and layer {layer.name} is of type {layer.type}"
            )


def read_key(pem: str, fingerprint: str | None) -> RegistrationKey:
    """The public key that a machine registers with; the fingerprint, where there is one, must be its own."""
    try:
        key = read_public(pem)
    except BadKey as wrong:
        raise Invalid(f"RsaPublicKey: {wrong}") from None
    if fingerprint is not None:
        said = re.sub(r"^(md5|sha1|sha256):", "", fingerprint.lower()).replace(":", "")
        if said not in (own := fingerprints(key)).values():
            raise Invalid(
                f"RsaPublicKeyFingerprint {fingerprint[:100]!r} is not that of RsaPublicKey, which has"
                f" {own['sha1']} (SHA-1), {own['sha256']} (SHA-256) or {own['md5']} (MD5)"
            )
    return key


def check_address(text: str, member: str) -> str:
    """An IP address as it is written down. Raises Invalid."""
    try:
        return str(ipaddress.ip_address(text))
    except ValueError:
        raise Invalid(f"{member} {text[:64]!r} is no IP address") from None


def free_hostname(wanted: str, taken: Collection[str]) -> str:
    """What a machine calls itself, as a host name that is free in its stack.

    >>> free_hostname("Web_1.example.com", {"web-1"})
    'web-1-2'
    """
    base = _NOT_IN_HOSTNAME.sub("-", wanted.partition(".")[0].lower()).strip("-")[:50] or "node"
    if base not in taken:
        return base
    number = 2
    while f"{base}-{number}" in taken:
        number += 1
    return f"{base}-{number}"


def new_instance(
    id: str,
    *,
    stack_id: str,
    hostname: str,
    now: datetime,
    layer_ids: tuple[str, ...] = (),
    infrastructure_class: str = ON_PREMISES,
) -> Instance:
    """The record of a machine that registers: no provider has power over it, whatever its class."""
    return Instance(
        id=id,
        stack_id=stack_id,
        hostname=hostname,
        layer_ids=layer_ids,
        status=Status.REGISTERING,
        since=now,
        persistent=True,
        infrastructure_class=infrastructure_class,
        provider="",
        created_at=now,
    )


def new_details(
    identity: CloudIdentity | None,
    *,
    registered_by: str,
    private_ip: str | None,
    public_ip: str | None,
    named_by_machine: bool,
) -> InstanceDetails:
    """The rest of the record, as far as it is known before the machine's agent has joined."""
    known = identity or CloudIdentity("")
    return InstanceDetails(
        instance_type=known.instance_type,
        ami_id=known.image_id,
        availability_zone=known.availability_zone,
        architecture=known.architecture or "x86_64",
        private_ip=private_ip or known.private_ip,
        public_ip=public_ip,
        registered_by=registered_by,
        cloud_id=known.instance_id or None,
        named_by_machine=named_by_machine,
    )


def reported(details: InstanceDetails, facts: Facts) -> InstanceDetails:
    """The same with what the machine says of itself; addresses that it was registered with stay as they were said."""
    return replace(
        details,
        os=" ".join(filter(None, (facts.os_name, facts.os_version))),
        architecture=facts.architecture or details.architecture,
        private_ip=details.private_ip or facts.private_ip or None,
        public_ip=details.public_ip or facts.public_ip or None,
    )
