"""Registered machines: they exist already, join a stack, are assigned to its layers, and leave (chapter 08 § 10)."""

from __future__ import annotations

from datetime import timedelta
from typing import Final

import msgspec
from sqlalchemy.exc import IntegrityError

from toque.protocol.registration import RegistrationKey, fingerprints, raw_public
from toque_server.domain import registration, verbs
from toque_server.domain.hostname import check_hostname
from toque_server.domain.instance import Instance, Status
from toque_server.domain.layer import check_together
from toque_server.domain.registration import CLOUD, ON_PREMISES
from toque_server.domain.transitions import setup_command
from toque_server.operations import finding
from toque_server.operations.context import Context
from toque_server.operations.errors import ResourceNotFoundException, ValidationException
from toque_server.operations.power import allowed, apply, shutdown_timeout
from toque_server.operations.registry import Permission, Request, Result, operation
from toque_server.operations.room import check_room
from toque_server.store import commands, events, instances, join_tokens, nodes, registrations

JOIN_WITHIN: Final = timedelta(hours=1)
"""How long after RegisterInstance the key that it named can join."""

_RAISES = (ValidationException, ResourceNotFoundException)


class InstanceIdentity(msgspec.Struct, frozen=True, rename="pascal", forbid_unknown_fields=True):
    """A cloud machine's identity document, and its signature. They make it an `ec2` machine."""

    document: str | None = None
    signature: str | None = None


class RegisterInstance(Request, frozen=True, kw_only=True):
    stack_id: str
    hostname: str | None = None
    public_ip: str | None = None
    private_ip: str | None = None
    rsa_public_key: str | None = None
    rsa_public_key_fingerprint: str | None = None
    instance_identity: InstanceIdentity | None = None


class AssignInstance(Request, frozen=True, kw_only=True):
    instance_id: str
    layer_ids: list[str]


class UnassignInstance(Request, frozen=True, kw_only=True):
    instance_id: str


class DeregisterInstance(Request, frozen=True, kw_only=True):
    instance_id: str


class InstanceRegistered(Result, frozen=True, kw_only=True):
    instance_id: str


@operation(permission=Permission.MANAGE, stack="stack_id", raises=_RAISES)
def register_instance(ctx: Context, req: RegisterInstance) -> InstanceRegistered:
    """Make a machine that exists already an instance of a stack: its record, `registering` until its agent has joined.

    This is the second half of a registration; `register` does the whole. Without `Hostname` it is called as the machine
    calls itself. `RsaPublicKey` is a public key in PEM, RSA or Ed25519: with the private half, and within an hour, the
    machine joins as this instance, once. The same call with the same key answers the same id until then. Without a key
    it joins with what CreateJoinToken makes for the instance.
    """
    stack = finding.stack(ctx, req.stack_id)
    if stack.is_windows:
        raise ValidationException(
            f"stack {stack.name} has Windows: only Linux machines are registered", field="StackId"
        )
    if req.rsa_public_key is None and req.rsa_public_key_fingerprint is not None:
        raise ValidationException("RsaPublicKeyFingerprint came without RsaPublicKey", field="RsaPublicKeyFingerprint")
    key = req.rsa_public_key and registration.read_key(req.rsa_public_key, req.rsa_public_key_fingerprint)
    _spend_identity(ctx, key or None)
    if key and (known := _registered_with(ctx, stack.id, key)) is not None:
        return InstanceRegistered(instance_id=known)
    check_room(ctx, "instances", stack.id)
    document = req.instance_identity and req.instance_identity.document
    identity = registration.read_identity(document, region=stack.region) if document else None
    private_ip = req.private_ip and registration.check_address(req.private_ip, "PrivateIp")
    instance = registration.new_instance(
        ctx.new_id(),
        stack_id=stack.id,
        hostname=_hostname(ctx, stack.id, req),
        now=ctx.now,
        infrastructure_class=CLOUD if identity else ON_PREMISES,
    )
    details = registration.new_details(
        identity,
        registered_by=ctx.caller.arn,
        private_ip=private_ip,
        public_ip=req.public_ip and registration.check_address(req.public_ip, "PublicIp"),
        named_by_machine=req.hostname is None,
    )
    try:
        with ctx.conn.begin_nested():
            instances.add(ctx.conn, instance, details)
    except IntegrityError:
        raise _taken(instance.hostname) from None
    apply(ctx, [setup_command(instance)])
    if key:
        _invite(ctx, instance, key)
    events.add(
        ctx.conn,
        "instance.registered",
        f"{instance.hostname} was registered with the stack",
        at=ctx.now,
        stack_id=stack.id,
        instance_id=instance.id,
    )
    return InstanceRegistered(instance_id=instance.id)


@operation(permission=Permission.MANAGE, stack=finding.stack_of("instance", "instance_id"), raises=_RAISES)
def assign_instance(ctx: Context, req: AssignInstance) -> None:
    """Make a registered machine a member of one or several layers: their Setup runs, and it comes online.

    It must be `registered`; another set of layers takes UnassignInstance first. Machines in no cloud go into layers of
    any type, cloud machines into custom layers.
    """
    seen = finding.instance(ctx, req.instance_id)
    if not req.layer_ids:
        raise ValidationException("LayerIds must name at least one layer", field="LayerIds")
    assigned = allowed(lambda: verbs.assign(seen, tuple(dict.fromkeys(req.layer_ids)), ctx.now))
    chosen = finding.layers_of(ctx, seen.stack_id, req.layer_ids)
    check_together(chosen)
    registration.check_layers(seen, chosen)
    apply(ctx, assigned)


@operation(permission=Permission.MANAGE, stack=finding.stack_of("instance", "instance_id"), raises=_RAISES)
def unassign_instance(ctx: Context, req: UnassignInstance) -> None:
    """Take a registered machine out of all its layers: their Shutdown recipes run, and it is `registered` again.

    The machine runs on. The others hear of it by Configure if it was online.
    """
    seen = finding.instance(ctx, req.instance_id)
    queue, timeout = commands.of_queue(ctx.conn, seen.id), shutdown_timeout(ctx, seen)
    apply(ctx, allowed(lambda: verbs.unassign(seen, queue, ctx.now, shutdown_timeout=timeout)))


@operation(permission=Permission.MANAGE, stack=finding.stack_of("instance", "instance_id"), raises=_RAISES)
def deregister_instance(ctx: Context, req: DeregisterInstance) -> None:
    """Let a machine go: it leaves its layers, its agent removes itself, and its record goes. The machine runs on.

    Its Shutdown recipes run first if it was set up. If its agent does not answer within five minutes, the record goes
    without it. Instances that the service created can be let go, too: their machines are yours from then on, and
    nothing stops or pays attention to them any more.
    """
    seen = finding.instance(ctx, req.instance_id)
    queue, timeout = commands.of_queue(ctx.conn, seen.id), shutdown_timeout(ctx, seen)
    joined = any(each.state != "revoked" for each in nodes.of_instance(ctx.conn, seen.id))
    apply(ctx, allowed(lambda: verbs.deregister(seen, queue, ctx.now, shutdown_timeout=timeout, joined=joined)))


def _spend_identity(ctx: Context, key: RegistrationKey | None) -> None:
    """A registration identity brings in one machine, which its key tells from others; everybody else brings many."""
    if ctx.caller.registers is None:
        return
    if key is None:
        raise ValidationException(
            "RsaPublicKey is required of a registration identity: it says which machine it is for", field="RsaPublicKey"
        )
    if not registrations.use(ctx.conn, ctx.caller.name, machine=fingerprints(key)["sha256"]):
        raise ValidationException(
            f"{ctx.caller.name} has registered another machine already: please make an identity for this one"
        )


def _hostname(ctx: Context, stack_id: str, req: RegisterInstance) -> str:
    taken = instances.hostnames(ctx.conn, stack_id)
    if req.hostname is None:
        # For as long as nobody has heard the machine; then it is called as it calls itself.
        return registration.free_hostname(f"ip-{req.private_ip.replace('.', '-')}" if req.private_ip else "", taken)
    hostname = check_hostname(req.hostname)
    if hostname in taken:
        raise _taken(hostname)
    return hostname


def _taken(hostname: str) -> ValidationException:
    return ValidationException(
        f"Hostname {hostname} is taken in this stack: please choose another, or, if it is that of this machine from an"
        " earlier registration, deregister that instance first",
        field="Hostname",
    )


def _registered_with(ctx: Context, stack_id: str, key: RegistrationKey) -> str | None:
    """The instance that this key has registered already: the answer to the same call was lost."""
    token = join_tokens.with_key(ctx.conn, stack_id, raw_public(key))
    if token is None or token.instance_id is None:
        return None
    seen = instances.get(ctx.conn, token.instance_id)
    if seen is None or seen.status is not Status.REGISTERING or token.uses_left == 0:
        raise ValidationException("this RsaPublicKey was used already: please make another", field="RsaPublicKey")
    return seen.id


def _invite(ctx: Context, instance: Instance, key: RegistrationKey) -> None:
    """The private half of this key is the join token of that instance, whose id is the token's."""
    join_tokens.add(
        ctx.conn,
        join_tokens.Token(
            id=instance.id,
            stack_id=instance.stack_id,
            public=raw_public(key),
            instance_id=instance.id,
            layer_ids=(),
            uses_left=1,
            expires_at=ctx.now + JOIN_WITHIN,
            created_at=ctx.now,
            created_by=ctx.caller.arn,
        ),
    )
