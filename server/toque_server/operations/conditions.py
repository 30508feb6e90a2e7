"""How instances are right now: in which status, since when and why, and when their agents were last heard."""

from __future__ import annotations

from datetime import datetime
from typing import Any, ClassVar

import msgspec

from toque.protocol import custom_facts
from toque.protocol.messages import Facts
from toque_server.operations import finding
from toque_server.operations.context import Context
from toque_server.operations.errors import ResourceNotFoundException, ValidationException
from toque_server.operations.paging import Paged, page
from toque_server.operations.registry import TOQUE, Permission, Result, operation
from toque_server.store import contacts, instances
from toque_server.store.contacts import Contact


class DescribeConditions(Paged, frozen=True, kw_only=True):
    """Of the instances of a stack, at most 1,000 on a page, or of one instance."""

    largest: ClassVar[int] = 1000

    stack_id: str | None = None
    instance_id: str | None = None


class ConditionView(Result, frozen=True, kw_only=True):
    """`reason` says why it is in this status, "" where nothing is to be said; `silent_seconds` counts from the last
    contact of its agent, absent where there was none. `running` is the command that the agent says it runs. `facts` are
    those of the machine, and in `custom` those that recipes and people gave it."""

    instance_id: str
    hostname: str
    status: str
    since: datetime
    reason: str
    healing: bool
    persistent: bool
    provider: str
    last_contact_at: datetime | None
    silent_seconds: int | None
    agent_version: str | None
    running: str | None
    problems: tuple[str, ...]
    facts: dict[str, Any]


class ConditionsDescribed(Result, frozen=True, kw_only=True):
    conditions: list[ConditionView]
    next_token: str | None


@operation(
    permission=Permission.SHOW,
    target=TOQUE,
    stack=finding.one_of(stack_id="stack", instance_id="instance"),
    raises=(ValidationException, ResourceNotFoundException),
)
def describe_conditions(ctx: Context, req: DescribeConditions) -> ConditionsDescribed:
    """Describe how the instances of a stack, or one instance, are: status, since when, why, last contact, facts.

    Contacts are written every two seconds or so: a `SilentSeconds` below that says nothing.
    """
    if req.instance_id is not None:
        found = [finding.instance(ctx, req.instance_id)]
        contact = contacts.get(ctx.conn, req.instance_id)
        heard = {} if contact is None else {contact.instance_id: contact}
    else:
        assert req.stack_id is not None
        found = instances.of_stack(ctx.conn, req.stack_id)
        heard = contacts.of_stack(ctx.conn, req.stack_id)
    shown, token = page(ctx, req, found, key=lambda each: each.id)
    return ConditionsDescribed(
        conditions=[
            ConditionView(
                instance_id=each.id,
                hostname=each.hostname,
                status=each.status.value,
                since=each.since,
                reason=each.reason,
                healing=each.heal_id is not None,
                persistent=each.persistent,
                provider=each.provider,
                **_heard(heard.get(each.id), ctx.now),
            )
            for each in shown
        ],
        next_token=token,
    )


def _heard(contact: Contact | None, now: datetime) -> dict[str, Any]:
    if contact is None:
        nothing = dict.fromkeys(("last_contact_at", "silent_seconds", "agent_version", "running"))
        return nothing | {"problems": (), "facts": {}}
    return {
        "last_contact_at": contact.last_at,
        "silent_seconds": max(0, int((now - contact.last_at).total_seconds())),
        "agent_version": contact.agent_version or None,
        "running": contact.running or None,
        "problems": contact.problems,
        "facts": {} if contact.facts is None else _facts(contact.facts),
    }


def _facts(facts: Facts) -> dict[str, Any]:
    return msgspec.structs.asdict(facts) | {"custom": custom_facts.values(facts.custom)}
