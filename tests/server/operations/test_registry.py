from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import Literal

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import insert, select, update

from toque_server.domain.permission import Level, Principal
from toque_server.operations import registry, wire
from toque_server.operations.context import Context, Services
from toque_server.operations.errors import (
    AccessDeniedException,
    ResourceNotFoundException,
    UnknownOperationException,
    ValidationException,
)
from toque_server.operations.registry import OPERATIONS, Permission, Request, Result, call, load, operation
from toque_server.store import audit
from toque_server.store.tables import audit as audit_table
from toque_server.store.tables import installation, permissions, stacks, users


class Order(msgspec.Struct, rename="pascal", forbid_unknown_fields=True, frozen=True, kw_only=True):
    name: str
    args: dict[str, list[str]] = {}


class RenameStack(Request, frozen=True, kw_only=True):
    stack_id: str
    name: str
    auto_heal: bool | None = None
    kind: Literal["web", "db"] | None = None
    instance_ids: list[str] | None = None
    max_results: int | None = None
    command: Order | None = None
    description: wire.Clearable = None
    attributes: dict[str, str | None] | None = None


class Renamed(Result, frozen=True, kw_only=True):
    stack_id: str
    note: str | None = None
    attributes: dict[str, str | None] = {}


class ShowStack(Request, frozen=True, kw_only=True):
    stack_id: str | None = None


@pytest.fixture(autouse=True)
def declared() -> Iterator[None]:
    load()
    before = dict(OPERATIONS)

    @operation(permission=Permission.MANAGE, stack="stack_id", raises=(ResourceNotFoundException,))
    def rename_stack(ctx: Context, req: RenameStack) -> Renamed:
        """Give a stack another name."""
        ctx.conn.execute(update(stacks).where(stacks.c.id == req.stack_id).values(name=req.name))
        if req.name == "break":
            raise ValidationException("broken on purpose")
        return Renamed(stack_id=req.stack_id, attributes={"RailsEnv": None})

    @operation(permission=Permission.SHOW, stack="stack_id")
    def describe_stack(ctx: Context, req: ShowStack) -> None:
        """Look at a stack."""
        ctx.conn.execute(insert(installation).values(name="written", value="by a read"))

    yield
    OPERATIONS.clear()
    OPERATIONS.update(before)


def a_stack(services: Services, id: str = "s-1") -> str:
    with services.database.write() as conn:
        conn.execute(
            insert(stacks).values(
                id=id, name=id, slug=id, region="eu-1", created_at=services.database.now(conn), document="{}"
            )
        )
    return id


def a_user(services: Services, name: str = "ann", *, level: Level | None = None, stack: str = "s-1") -> Context:
    arn = f"arn:aws:iam::123456789012:user/{name}"
    with services.database.write() as conn:
        now = services.database.now(conn)
        conn.execute(insert(users).values(arn=arn, name=name, administrator=False, created_at=now, document="{}"))
        if level is not None:
            conn.execute(
                insert(permissions).values(stack_id=stack, user_arn=arn, level=level, allow_ssh=False, allow_sudo=False)
            )
    return Context(caller=Principal(arn=arn, name=name), services=services)


def name_of(services: Services, stack: str = "s-1") -> str:
    with services.database.read() as conn:
        found: str = conn.execute(select(stacks.c.name).where(stacks.c.id == stack)).scalar_one()
        return found


def record(services: Services) -> list[tuple[str, bool]]:
    with services.database.read() as conn:
        rows = conn.execute(select(audit_table.c.action, audit_table.c.allowed).order_by(audit_table.c.number))
        return [(row.action, row.allowed) for row in rows]


def test_an_operation_is_known_by_its_declaration() -> None:
    op = OPERATIONS["RenameStack"]

    assert (op.summary, op.request, op.result, op.changes) == ("Give a stack another name.", RenameStack, Renamed, True)
    assert not OPERATIONS["DescribeStack"].changes


def test_a_level_without_a_stack_cannot_be_declared() -> None:
    with pytest.raises(TypeError, match="does not say which"):

        @operation(permission=Permission.MANAGE)
        def create_nothing(ctx: Context, req: RenameStack) -> None: ...


def test_an_unknown_operation_says_so(owner: Context) -> None:
    with pytest.raises(UnknownOperationException, match="no operation Nonsense"):
        call("Nonsense", owner, {})


def test_an_answer_leaves_out_what_is_none_except_inside_a_map(owner: Context, services: Services) -> None:
    a_stack(services)

    assert call("RenameStack", owner, {"StackId": "s-1", "Name": "new"}) == {
        "StackId": "s-1",
        "Attributes": {"RailsEnv": None},
    }


def test_what_raises_leaves_nothing_behind_but_its_line_in_the_audit(owner: Context, services: Services) -> None:
    a_stack(services)

    with pytest.raises(ValidationException, match="on purpose"):
        call("RenameStack", owner, {"StackId": "s-1", "Name": "break"})

    assert name_of(services) == "s-1"
    assert record(services) == [("RenameStack", True)]


def test_a_reading_operation_cannot_write(owner: Context, services: Services) -> None:
    from sqlalchemy.exc import OperationalError

    a_stack(services)

    with pytest.raises(OperationalError, match="readonly"):
        call("DescribeStack", owner, {"StackId": "s-1"})


BASE = {"StackId": "s", "Name": "n"}


@pytest.mark.parametrize(
    ("raw", "said"),
    [
        ([], "the request must be an object, not a list"),
        ({"StackId": "s"}, "Name is required"),
        ({"StackId": "", "Name": "n"}, "StackId is required, and is empty"),
        ({"StackId": "s", "Name": None}, "Name is required"),
        (BASE | {"AutoHeel": True}, r"RenameStack has no AutoHeel \(did you mean AutoHeal\?\)"),
        (BASE | {"AutoHeal": "yes"}, "AutoHeal must be true or false, not 'yes'"),
        (BASE | {"Name": 7}, "Name must be a string, not 7"),
        (BASE | {"MaxResults": True}, "MaxResults must be an integer, not true"),
        (BASE | {"Kind": "bogus"}, "Kind must be one of db, web; it is 'bogus'"),
        (BASE | {"InstanceIds": "i"}, "InstanceIds must be a list, not 'i'"),
        (BASE | {"InstanceIds": ["i", 3]}, r"InstanceIds\[1\] must be a string, not 3"),
        (BASE | {"Command": {}}, "Command.Name is required"),
        (BASE | {"Command": {"Name": "x", "Arg": {}}}, r"Command has no Arg \(did you mean Args\?\)"),
        (BASE | {"Command": {"Name": "x", "Args": {"recipes": "a"}}}, "Command.Args.recipes must be a list, not 'a'"),
        (BASE | {"Attributes": {"a": 1}}, "Attributes.a must be a string, not 1"),
    ],
)
def test_what_is_wrong_is_named(raw: object, said: str) -> None:
    with pytest.raises(ValidationException, match=f"^{said}$"):
        wire.decode(RenameStack, raw)


def test_09_15_what_a_skeleton_leaves_empty_counts_as_absent() -> None:
    filled = {
        "StackId": "s",
        "Name": "n",
        "Kind": "",
        "InstanceIds": [""],
        "MaxResults": 0,
        "Command": {"Name": "deploy", "Args": {"KeyName": [""]}},
        "Description": "",
    }

    assert wire.decode(RenameStack, filled) == RenameStack(
        stack_id="s", name="n", command=Order(name="deploy"), description=""
    )


def test_09_14_the_unedited_skeleton_is_refused_and_names_what_is_missing() -> None:
    with pytest.raises(ValidationException, match="StackId is required"):
        wire.decode(RenameStack, {"StackId": "", "Name": ""})


def test_null_in_a_map_is_a_value() -> None:
    assert wire.decode(RenameStack, BASE | {"Attributes": {"a": None, "b": ""}}).attributes == {"a": None, "b": ""}


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=8,
)


@given(st.dictionaries(st.sampled_from([*RenameStack.__struct_encode_fields__, "Other"]), json_values, max_size=6))
def test_whatever_is_sent_is_understood_or_refused_by_name(raw: dict[str, object]) -> None:
    try:
        assert isinstance(wire.decode(RenameStack, raw), RenameStack)
    except ValidationException as error:
        assert error.message


@pytest.mark.parametrize(
    ("level", "allowed"),
    [(level, level is Level.MANAGE) for level in (None, *Level)],
)
def test_the_level_decides(services: Services, level: Level | None, allowed: bool) -> None:
    a_stack(services)
    ann = a_user(services, level=level)

    if allowed:
        call("RenameStack", ann, {"StackId": "s-1", "Name": "new"})
    else:
        with pytest.raises(AccessDeniedException) as refused:
            call("RenameStack", ann, {"StackId": "s-1", "Name": "new"})
        # Who may not even see the stack is told nothing but his own words.
        region = "eu-1" if level in (Level.SHOW, Level.DEPLOY) else "*"
        assert refused.value.message == (
            "User: arn:aws:iam::123456789012:user/ann is not authorized to perform: opsworks:RenameStack "
            f"on resource: arn:aws:opsworks:{region}:123456789012:stack/s-1/"
        )
    assert (name_of(services) == "new") == allowed
    assert record(services) == [("RenameStack", allowed)]


def test_a_stack_that_does_not_exist_is_only_told_to_those_who_see_all(owner: Context, services: Services) -> None:
    a_stack(services, "here")
    ann = a_user(services)

    with pytest.raises(ResourceNotFoundException, match="Unable to find stack with ID gone"):
        call("RenameStack", owner, {"StackId": "gone", "Name": "new"})
    told = []
    for id in ("gone", "here"):
        with pytest.raises(AccessDeniedException) as refused:
            call("RenameStack", ann, {"StackId": id, "Name": "new"})
        told.append(refused.value.message.replace(id, "ID"))
    assert told[0] == told[1]


def test_an_administrator_who_is_denied_on_a_stack_is_denied(owner: Context, services: Services) -> None:
    a_stack(services)
    ann = a_user(services, level=Level.DENY)
    powerful = replace(ann, caller=replace(ann.caller, administrator=True))

    with pytest.raises(AccessDeniedException):
        call("RenameStack", powerful, {"StackId": "s-1", "Name": "new"})
    call("RenameStack", owner, {"StackId": "s-1", "Name": "new"})


def test_the_record_shows_when_it_was_tampered_with(owner: Context, services: Services) -> None:
    a_stack(services)
    for name in ("a", "b", "c"):
        call("RenameStack", owner, {"StackId": "s-1", "Name": name})
    with services.database.read() as conn:
        assert list(audit.broken_links(conn)) == []

    with services.database.write() as conn:
        conn.execute(update(audit_table).where(audit_table.c.number == 2).values(user_arn="someone else"))

    with services.database.read() as conn:
        assert list(audit.broken_links(conn)) == [2]


def test_every_declared_operation_has_a_summary_and_struct_types() -> None:
    for op in registry.load().values():
        assert op.summary.endswith("."), f"{op.name}: its docstring's first line is its manual page's title"
        assert issubclass(op.request, msgspec.Struct)
