"""Starting, stopping, rebooting, deleting and healing instances (chapter 03 §§ 6 to 9).

The decision is `domain.verbs`; here its first actions are written, so that the status has changed before the caller is
answered (I-5). The loops carry it on.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import timedelta

from msgspec.structs import replace

from toque_server.domain import verbs
from toque_server.domain.actions import Action, EndHeal, Evidence, Heal, Move, Outcome
from toque_server.domain.instance import MOVES, Instance, Status, is_at_rest
from toque_server.domain.layer import SHUTDOWN_TIMEOUT
from toque_server.domain.operating_systems import family_of
from toque_server.domain.transitions import begin_heal, end_all
from toque_server.domain.verbs import NotAllowed
from toque_server.operations import finding
from toque_server.operations.context import Context
from toque_server.operations.errors import ResourceNotFoundException, ThrottlingException, ValidationException
from toque_server.operations.registry import TOQUE, Permission, Request, operation
from toque_server.store import actions, attachments, commands, contacts, events, instances, layers, leftovers, nodes
from toque_server.store.actions import Overtaken

_RAISES = (ValidationException, ResourceNotFoundException)
_STARTABLE = frozenset({Status.STOPPED, Status.START_FAILED})


class StartInstance(Request, frozen=True, kw_only=True):
    instance_id: str


class StopInstance(Request, frozen=True, kw_only=True):
    """`force`: a persistent instance forgets its machine at once; a disposable one loses its Shutdown recipes."""

    instance_id: str
    force: bool | None = None


class RebootInstance(Request, frozen=True, kw_only=True):
    instance_id: str


class DeleteInstance(Request, frozen=True, kw_only=True):
    """Without a word its address and volumes go with it; `false` leaves them registered with the stack."""

    instance_id: str
    delete_elastic_ip: bool | None = None
    delete_volumes: bool | None = None


class StartStack(Request, frozen=True, kw_only=True):
    stack_id: str


class StopStack(Request, frozen=True, kw_only=True):
    stack_id: str


class HealInstance(Request, frozen=True, kw_only=True):
    instance_id: str


@operation(permission=Permission.MANAGE, stack=finding.stack_of("instance", "instance_id"), raises=_RAISES)
def start_instance(ctx: Context, req: StartInstance) -> None:
    """Start an instance: a machine is ordered, its Setup and Deploy recipes run, and it comes online.

    Where it starts or is up already, this is a success that changes nothing. Instances of a scaler are started by it.
    """
    seen = finding.instance(ctx, req.instance_id)
    if seen.scaling is not None:
        failed = "; stop it first, for it failed to start" if seen.status is Status.START_FAILED else ""
        raise ValidationException(f"{seen.hostname} is managed by scaling ({seen.scaling}), which starts it{failed}")
    _start(ctx, seen)


@operation(permission=Permission.MANAGE, stack=finding.stack_of("instance", "instance_id"), raises=_RAISES)
def stop_instance(ctx: Context, req: StopInstance) -> None:
    """Stop an instance: it leaves service at once, its Shutdown recipes run, and its machine goes down.

    An `ebs` instance keeps its machine's disk, an `instance-store` one does not.
    """
    seen = finding.instance(ctx, req.instance_id)
    _stop(ctx, seen, force=bool(req.force))


@operation(permission=Permission.MANAGE, stack=finding.stack_of("instance", "instance_id"), raises=_RAISES)
def reboot_instance(ctx: Context, req: RebootInstance) -> None:
    """Reboot an instance that is online or setup_failed. No event runs, and nothing is lost."""
    seen = finding.instance(ctx, req.instance_id)
    apply(ctx, allowed(lambda: verbs.reboot(seen, ctx.now)))


@operation(permission=Permission.MANAGE, stack=finding.stack_of("instance", "instance_id"), raises=_RAISES)
def delete_instance(ctx: Context, req: DeleteInstance) -> None:
    """Delete an instance that is stopped: its record and history, and what is left of its machine.

    Its keys end with it, and its id is never given again. So does the registration of its Elastic IP and of its
    volumes, unless `DeleteElasticIp` or `DeleteVolumes` is false; where it had an address, the others configure.
    """
    seen = finding.instance(ctx, req.instance_id)
    if not seen.provider:
        raise ValidationException(
            f"{seen.hostname} is a registered machine: it cannot be deleted, only let go with DeregisterInstance"
        )
    if not is_at_rest(seen):
        state = seen.status if seen.heal_id is None else "being healed"
        raise ValidationException(f"{seen.hostname} is {state}: please stop it before you delete it")
    stack = finding.stack(ctx, seen.stack_id)
    open_commands = commands.of_queue(ctx.conn, seen.id)
    apply(ctx, end_all(open_commands, "the instance was deleted"))
    nodes.revoke(ctx.conn, seen.id)
    if seen.machine_id is not None:
        leftovers.add(ctx.conn, seen, region=stack.region, at=ctx.now)
    attachments.release(
        ctx.conn,
        seen,
        deregister_elastic_ip=req.delete_elastic_ip is not False,
        deregister_volumes=req.delete_volumes is not False,
        at=ctx.now,
    )
    instances.remove(ctx.conn, seen)
    events.add(
        ctx.conn,
        "instance.deleted",
        f"instance {seen.hostname} was deleted",
        at=ctx.now,
        stack_id=seen.stack_id,
        instance_id=seen.id,
    )


@operation(permission=Permission.MANAGE, stack="stack_id", raises=_RAISES)
def start_stack(ctx: Context, req: StartStack) -> None:
    """Start every 24/7 instance of a stack that is stopped or failed to start; all at once."""
    for seen in instances.of_stack(ctx.conn, req.stack_id):
        if seen.scaling is None and seen.status in _STARTABLE and seen.provider:
            _start(ctx, seen)


@operation(permission=Permission.MANAGE, stack="stack_id", raises=_RAISES)
def stop_stack(ctx: Context, req: StopStack) -> None:
    """Stop every 24/7 instance of a stack; registered machines and those of a scaler are left alone."""
    for seen in instances.of_stack(ctx.conn, req.stack_id):
        if seen.scaling is None and seen.provider and Status.SHUTTING_DOWN in MOVES[seen.status]:
            _stop(ctx, seen, force=False)


@operation(
    permission=Permission.ADMINISTRATOR, target=TOQUE, stack=finding.stack_of("instance", "instance_id"), raises=_RAISES
)
def heal_instance(ctx: Context, req: HealInstance) -> None:
    """Heal an instance now, whatever healing's guards and rations say (H11).

    It is stopped and started again, or replaced, without its Shutdown recipes: for a node that you know is dead.
    """
    seen = finding.instance(ctx, req.instance_id)
    down = Status.STOPPING if seen.persistent else Status.TERMINATING
    if not seen.provider:
        raise ValidationException(f"{seen.hostname} is a registered machine: no provider can restart it")
    if down not in MOVES[seen.status] or seen.heal_id is not None:
        state = seen.status if seen.heal_id is None else "being healed already"
        raise ValidationException(f"{seen.hostname} is {state}: only an instance that should be up is healed")
    if seen.machine_id is None:
        raise ValidationException(f"{seen.hostname} is {seen.status} and has no machine yet: please wait for it")
    heal = Heal(
        id=ctx.new_id(),
        instance_id=seen.id,
        stack_id=seen.stack_id,
        evidence=Evidence.HARD,
        started_at=ctx.now,
        by=ctx.caller.arn,
        last_contact_at=contacts.last(ctx.conn, [seen.id]).get(seen.id),
    )
    apply(ctx, begin_heal(seen, commands.of_queue(ctx.conn, seen.id), heal, ctx.now))


def _start(ctx: Context, seen: Instance) -> None:
    os = instances.details(ctx.conn, [seen.id])[seen.id].os
    if seen.status in _STARTABLE and os and family_of(os) == "Windows":
        raise ValidationException(f"{seen.hostname} has {os}: this release does not start Windows instances")

    started = allowed(lambda: verbs.start(seen, ctx.new_id(), ctx.now))
    if started and seen.heal_id is not None:
        # Taken out of its heal, which would start it a second time.
        first = started[0]
        assert isinstance(first, Move)
        started = [Move(seen, replace(first.new, heal_id=None)), EndHeal(seen.heal_id, Outcome.CANCELLED)]
    apply(ctx, started)


def _stop(ctx: Context, seen: Instance, *, force: bool) -> None:
    open_commands, timeout = commands.of_queue(ctx.conn, seen.id), shutdown_timeout(ctx, seen)
    apply(ctx, allowed(lambda: verbs.stop(seen, open_commands, ctx.now, shutdown_timeout=timeout, force=force)))
    if force and seen.persistent:
        # The machine that is forgotten may still run; it is nobody's any more.
        nodes.revoke(ctx.conn, seen.id)


def shutdown_timeout(ctx: Context, seen: Instance) -> timedelta:
    """How long its Shutdown recipes have: the longest of its layers' times (L-14)."""
    chosen = layers.by_ids(ctx.conn, seen.layer_ids).values()
    return timedelta(seconds=max((each.shutdown_timeout for each in chosen), default=SHUTDOWN_TIMEOUT))


def allowed(decide: Callable[[], list[Action]]) -> list[Action]:
    """What a verb decides; what it does not allow is a ValidationException."""
    try:
        return decide()
    except NotAllowed as error:
        raise ValidationException(str(error)) from error


def apply(ctx: Context, decided: Sequence[Action]) -> None:
    """Write what a verb begins with, in the call's transaction."""
    try:
        actions.apply(ctx.conn, decided, ctx.now, new_id=ctx.new_id, times=ctx.settings.command)
    except Overtaken:
        # The whole call rolls back; asked again, it sees what the loops did meanwhile.
        raise ThrottlingException("the instance changed at the same moment: please try again") from None
