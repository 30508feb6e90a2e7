"""The list of operations, and everything that can be known of one without calling it (D2).

    @operation(permission=Permission.MANAGE, stack="stack_id", raises=(ResourceNotFoundException,))
    def create_layer(ctx: Context, req: CreateLayer) -> LayerCreated:
        \"""Add a layer to a stack.\"""

From the declaration come both wires, the OpenAPI document, the command line, the permission check and the audit.
"""

from __future__ import annotations

import inspect
import pkgutil
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from importlib import import_module
from typing import Any, TypeVar, get_type_hints

import msgspec

from toque_server.domain.invalid import Invalid
from toque_server.domain.permission import Permission
from toque_server.operations import access, masked, wire
from toque_server.operations.context import Context
from toque_server.operations.errors import (
    AccessDeniedException,
    OperationError,
    UnknownOperationException,
    ValidationException,
)
from toque_server.store import audit

__all__ = ["OPERATIONS", "OPSWORKS", "TOQUE", "Operation", "Permission", "Request", "Result", "call", "operation"]

OPSWORKS = "OpsWorks_20130218"
"""The target of the 74 actions that OpsWorks had, member for member."""

TOQUE = "Toque_20261122"
"""The target of our own."""

_READS = ("describe_", "get_", "list_", "search_", "explain_")


class Request(msgspec.Struct, rename="pascal", forbid_unknown_fields=True, kw_only=True, frozen=True):
    """What an operation takes. A subclass says `kw_only=True, frozen=True` too; wire names come from the fields.

    An optional member is `T | None = None`. An empty string or a list of empty strings counts as absent (chapter 09,
    section 6), except in a member of type `Clearable`, where "" is a value.
    """


class Result(msgspec.Struct, rename="pascal", kw_only=True, frozen=True):
    """What an operation answers. Members that are None are left out; None inside a mapping stays (chapter 09, § 2)."""


class Nothing(Request, frozen=True):
    """The request of an operation that takes none."""


Stacks = Iterable[str] | str | None
StackOf = Callable[[Context, Any], Stacks]


@dataclass(frozen=True)
class Operation:
    """Everything the wires, the command line, OpenAPI and the permission check need to know.

    `stack` answers with the ids of the stacks that a request concerns; None means that it concerns no stack, so that
    whoever is known may ask; an empty list, that only an administrator may.
    """

    name: str
    target: str
    request: type[Any]
    result: type[Any] | None
    permission: Permission
    stack: StackOf | None
    changes: bool
    raises: tuple[type[OperationError], ...]
    run: Callable[[Context, Any], Any]
    action: str
    """What policies call it: its name, unless it was declared under another."""
    resource: Callable[[Context, Any], str] | None = None
    """The ARN that policies speak of, where that is not the stack's."""

    @property
    def summary(self) -> str:
        return (inspect.getdoc(self.run) or "").partition("\n")[0]

    @property
    def description(self) -> str:
        return inspect.getdoc(self.run) or ""


OPERATIONS: dict[str, Operation] = {}
F = TypeVar("F", bound=Callable[..., Any])


def operation(
    *,
    permission: Permission,
    target: str = OPSWORKS,
    stack: str | StackOf | None = None,
    changes: bool | None = None,
    raises: tuple[type[OperationError], ...] = (),
    action: str | None = None,
) -> Callable[[F], F]:
    """Declare an operation; its name is the function's, its types are those of `req` and of what it returns.

    `stack`: the field of the request that holds the stack's id (or ids), or a function `(ctx, req)` that finds the
    stacks; required where `permission` is a level. It may raise ResourceNotFoundException: callers who may not know
    that something does not exist are told AccessDenied instead.
    `changes`: whether it runs in a writing transaction and is audited. Where not said, it is so unless the name
    begins with describe, get, list, search or explain.
    `action`: what policies and denials call it, where that is not its name.
    """

    def declare(run: F) -> F:
        hints = get_type_hints(run, include_extras=True)
        name = "".join(word.title() for word in run.__name__.split("_"))
        if permission in access.LEVELS and stack is None:
            raise TypeError(f"{name} asks for {permission} on a stack, and does not say which: give stack=")
        if name in OPERATIONS and OPERATIONS[name].run.__module__ != run.__module__:
            raise TypeError(f"{name} is declared twice, in {OPERATIONS[name].run.__module__} and {run.__module__}")
        result = hints["return"]
        OPERATIONS[name] = Operation(
            name=name,
            target=target,
            request=hints["req"],
            result=None if result is type(None) else result,
            permission=permission,
            stack=_field(stack) if isinstance(stack, str) else stack,
            changes=not run.__name__.startswith(_READS) if changes is None else changes,
            raises=raises,
            run=run,
            action=action or name,
        )
        return run

    return declare


def load() -> Mapping[str, Operation]:
    """Import every module beside this one, so that what each declares is known."""
    package = import_module("toque_server.operations")
    for module in pkgutil.iter_modules(package.__path__):
        import_module(f"{package.__name__}.{module.name}")
    return OPERATIONS


def find(name: str, *, target: str | None = None) -> Operation:
    """The operation of this name. Raises UnknownOperationException."""
    found = OPERATIONS.get(name)
    if found is None or (target is not None and found.target != target):
        raise UnknownOperationException(f"there is no operation {name}" + (f" in {target}" if target else ""))
    return found


def call(name: str, ctx: Context, raw: object) -> dict[str, Any]:
    """Carry out one request as it came over a wire, and answer as it goes back: builtin values, wire names.

    Decoding is strict and names what is wrong. Raises OperationError. Everything happens in one transaction, that
    commits when this returns.
    """
    op = find(name)
    answer = invoke(op, ctx, decoded(op, ctx, raw))
    return {} if answer is None else wire.encode(answer)


def decoded(op: Operation, ctx: Context, raw: object) -> Any:
    """The request, as its type. Raises ValidationException."""
    with recorded(op, ctx):
        return wire.decode(op.request, raw)


@contextmanager
def recorded(op: Operation | None, ctx: Context) -> Iterator[None]:
    """Record it where this change is refused before anything of it was looked at: the wires throttle inside of this."""
    try:
        yield
    except OperationError as error:
        if op is not None:
            _refused(op, ctx, error)
        raise


def invoke(op: Operation, ctx: Context, request: Any) -> Any:
    """Carry out a decoded request: permission, transaction, audit. Raises OperationError.

    A change and its line in the audit are one transaction. What is refused is recorded in one of its own: each denial,
    and each change that failed, as many as a caller's ration of them allows.
    """
    database = ctx.services.database
    stacks: Sequence[str] = ()
    try:
        with database.write() if op.changes else database.read() as conn:
            inside = ctx.within(conn)
            stacks = access.check(
                inside,
                op.action,
                op.permission,
                op.stack and op.stack(inside, request),
                request,
                resource=op.resource and op.resource(inside, request),
            )
            answer = op.run(inside, request)
            if op.changes:
                made = getattr(answer, "stack_id", None)
                audit.add(conn, _entry(inside, op, request, stack_id=next(iter(stacks), made)))
            return answer
    except Invalid as error:
        refusal = ValidationException(str(error))
        _refused(op, ctx, refusal, request, stacks)
        raise refusal from error
    except AccessDeniedException as denied:
        with database.write() as conn:
            entry = _entry(ctx.within(conn), op, request, stack_id=denied.stack_id, error=denied, reason=denied.reason)
            audit.add(conn, entry)
        raise
    except OperationError as error:
        _refused(op, ctx, error, request, stacks)
        raise


def _refused(
    op: Operation, ctx: Context, error: OperationError, request: Any = None, stacks: Sequence[str] = ()
) -> None:
    """Record a change that failed. Its error's message is not kept: it may repeat what was sent."""
    left_out = ctx.services.refused_calls.due(ctx.caller.arn) if op.changes else None
    if left_out is None:
        return
    reason = f"{left_out} refused calls of this caller before it were too many to record" if left_out else ""
    with ctx.services.database.write() as conn:
        known = next(iter(stacks), None)
        audit.add(conn, _entry(ctx.within(conn), op, request, stack_id=known, error=error, reason=reason))


def _field(name: str) -> StackOf:
    def named(_ctx: Context, request: Any) -> Stacks:
        found: Stacks = getattr(request, name)
        return [] if found is None else found

    return named


def _entry(
    ctx: Context,
    op: Operation,
    request: Any,
    *,
    stack_id: str | None,
    error: OperationError | None = None,
    reason: str = "",
) -> audit.Entry:
    """Every field of chapter 07 § 9; of the parameters, what is no secret."""
    return audit.Entry(
        at=ctx.now,
        user_arn=ctx.caller.arn,
        action=op.name,
        stack_id=stack_id,
        allowed=not isinstance(error, AccessDeniedException),
        detail={
            "address": ctx.address,
            "access_key_id": ctx.access_key_id,
            "request_id": ctx.request_id,
            "parameters": masked.parameters(request),
            **({"error": error.code, "reason": reason} if error is not None else {}),
        },
    )
