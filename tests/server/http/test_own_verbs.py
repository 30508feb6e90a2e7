"""The verbs for what is ours: events, audit, metrics, keys of nodes, policies, cookbooks, sessions."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from pathlib import Path

import msgspec
import pytest
import sqlalchemy as sa
from sqlalchemy import Connection

from tests.server.http.test_verbs import Run, good, root, run  # noqa: F401
from tests.server.operations.calls import Caller
from tests.server.operations.test_data import bundle
from tests.server.operations.test_explain_attributes import book
from tests.server.operations.test_node_keys import join
from tests.server.operations.test_policy_differences import issue
from toque.cli.verbs import event
from toque.client import Client
from toque.protocol.messages import Causes, Facts, MetricSample, ResourceCounts, ResultRequest
from toque_server.domain.command import Command, CommandStatus
from toque_server.store import commands, contacts, events, logs, metrics, tables


def happened(root: Caller, stack: str, count: int) -> None:  # noqa: F811
    with root.services.database.write() as conn:
        now = root.services.database.now(conn)
        for n in range(count):
            events.add(conn, "step.done", f"step {n} was done", at=now, stack_id=stack)


def test_events_are_listed_over_all_pages(run: Run, root: Caller) -> None:  # noqa: F811
    happened(root, root.stack(), 1205)

    listed = json.loads(good(run("event", "list", "--kind", "step", "--max", "1100", "--output", "json")))["Events"]

    assert (len(listed), listed[0]["Message"], listed[-1]["Message"]) == (
        1100,
        "step 1204 was done",
        "step 105 was done",
    )
    assert "step 1204 was done" in good(run("event", "list", "--stack", "shop", "--max", "1"))


def test_events_are_followed_until_somebody_stops(
    run: Run,  # noqa: F811
    root: Caller,  # noqa: F811
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    stack = root.stack()
    rounds = iter((1, 2))

    def meanwhile(_seconds: float) -> None:
        if (count := next(rounds, None)) is None:
            raise KeyboardInterrupt
        happened(root, stack, count)

    monkeypatch.setattr(event.time, "sleep", meanwhile)

    told = run("event", "follow", "--stack", "shop").stdout.splitlines()

    assert [line.split("  ")[2] for line in told if "step" in line] == [
        "step 0 was done",
        "step 0 was done",
        "step 1 was done",
    ]


def test_the_audit_is_listed(run: Run, root: Caller) -> None:  # noqa: F811
    root.stack()
    good(run("user", "create", "ann"))

    listed = good(run("audit", "list", "--action", "CreateUser"))

    assert "CreateUser" in listed
    assert "CreateStack" not in listed
    assert json.loads(good(run("audit", "list", "--user", "ann", "--refused", "--output", "json")))["Events"] == []


def test_metrics_are_shown_step_by_step(run: Run, root: Caller) -> None:  # noqa: F811
    stack = root.stack()
    one = root.instance(stack, root.layer(stack, "front"), Hostname="one")
    begin = int(datetime(2026, 11, 22, 8, tzinfo=UTC).timestamp()) // 60
    with root.services.database.write() as conn:
        metrics.add(conn, [metrics.Minute(one, stack, MetricSample(minute=begin, cpu_user=12.5))])
    span = ("--since", "2026-11-22T08:00:00Z", "--until", "2026-11-22T09:00:00Z")

    for whose in (("--stack", "shop"), ("--layer", "front"), ("--instance", "one", "--stack", "shop")):
        shown = good(run("metrics", "show", *whose, *span))
        assert "CPU_USER" in shown and "12.5" in shown
    assert json.loads(good(run("metrics", "show", "--stack", "shop", "--output", "json")))["Times"] == []
    assert run("metrics", "show").exit_code == 2


def test_keys_of_nodes_are_listed_freed_and_revoked(run: Run, root: Caller) -> None:  # noqa: F811
    stack = root.stack()
    one = root.instance(stack, root.layer(stack), Hostname="one")
    join(root, stack, one, "n-1", conflict=True)

    assert "true" in good(run("instance", "keys", "--stack", "shop"))
    good(run("instance", "free-key", "one", "--stack", "shop"))
    good(run("instance", "revoke-key", "one", "--stack", "shop"))

    assert json.loads(good(run("instance", "keys", "one", "--output", "json", "--stack", "shop")))["NodeKeys"] == []
    [key] = json.loads(good(run("instance", "keys", "one", "--all", "--output", "json")))["NodeKeys"]
    assert (key["State"], key["Conflict"]) == ("revoked", False)


def test_a_policy_s_changes_are_told_value_by_value(run: Run, root: Caller, tmp_path: Path) -> None:  # noqa: F811
    stack = root.stack()
    layer = root.layer(stack, "front")
    issue(root, stack)
    root("UpdateLayer", LayerId=layer, Name="Front door")
    root("PublishCookbooks", StackId=stack, Archive=bundle(tmp_path))
    issue(root, stack)

    told = run("policy", "diff", "1", "--stack", "shop", "--exit-code")

    assert told.exit_code == 1
    assert '~ layer front\n    name: "front" -> "Front door"' in told.stdout
    assert "~ cookbooks custom\n    shop: none -> 1.0.0" in told.stdout
    assert "1 and 1 say the same" in good(run("policy", "diff", "1", "1", "--stack", "shop"))
    assert [line.split()[0] for line in good(run("policy", "list", "--stack", "shop")).splitlines()[-2:]] == ["2", "1"]


def test_cookbooks_are_chosen_and_deleted(run: Run, root: Caller, tmp_path: Path) -> None:  # noqa: F811
    stack = root.stack()
    old, new = (
        root("PublishCookbooks", StackId=stack, Archive=bundle(tmp_path, each))["Digest"] for each in ("1.0.0", "1.1.0")
    )

    good(run("cookbook", "use", old, "--stack", "shop"))
    good(run("cookbook", "delete", new, "--stack", "shop"))

    listed = good(run("cookbook", "list", "--stack", "shop"))
    assert "shop 1.0.0" in listed and "shop 1.1.0" not in listed


def test_a_whole_bag_is_deleted(run: Run, root: Caller) -> None:  # noqa: F811
    root.stack()
    for item in ("ann", "bob"):
        good(run("databag", "set", "users", item, "{}", "--stack", "shop"))

    assert run("databag", "delete", "users", "--stack", "shop").exit_code == 2
    assert run("databag", "delete", "users", "ann", "--version", "7", "--stack", "shop").exit_code == 254
    good(run("databag", "delete", "users", "--all", "--stack", "shop"))

    assert json.loads(good(run("databag", "list", "--stack", "shop", "--output", "json")))["Items"] == []


def test_the_end_of_a_log_is_printed_and_a_log_that_is_gone_is_no_reason_to_wait(run: Run, root: Caller) -> None:  # noqa: F811
    stack = root.stack()
    up = root.instance(stack, root.layer(stack))
    root.bring_online(up)
    id = root("CreateDeployment", StackId=stack, Command={"Name": "configure"})["DeploymentId"]
    with root.services.database.write() as conn:
        [command] = commands.of_deployment(conn, id)
        logs.append(conn, command.id, 0, b"first\nsecond\nthird\n")
        commands.finish(conn, command, CommandStatus.SUCCESSFUL, 0, root.services.database.now(conn), "")

    assert good(run("command", "log", command.id, "--tail", "15")) == "second\nthird"
    with root.services.database.write() as conn:
        logs.prune(conn, up, keep=0)
    gone = run("command", "log", command.id, "--follow")
    assert (gone.exit_code, "not kept any more" in gone.stderr) == (0, True)


def test_the_python_client_iterates_over_all_pages(run: Run, root: Caller) -> None:  # noqa: F811
    happened(root, root.stack(), 5)
    client = Client.from_environment()

    told = [each.message for each in client.iterate_events(kinds=["step"], max_results=2)]

    assert told == [f"step {n} was done" for n in (4, 3, 2, 1, 0)]
    assert [each.event_name for each in client.iterate_audit_events(max_results=1)] == ["CreateStack"]


def test_sessions_are_listed_and_ended(run: Run, root: Caller) -> None:  # noqa: F811
    good(run("user", "create", "ann"))

    assert json.loads(good(run("user", "sessions", "ann", "--output", "json")))["Sessions"] == []
    good(run("user", "sign-out", "ann"))
    assert json.loads(good(run("user", "whoami", "--output", "json")))["Name"] == "admin"


def test_a_setting_is_explained_level_by_level(run: Run, root: Caller) -> None:  # noqa: F811
    stack = root.stack(CustomJson='{"nginx": {"port": 81, "hosts": ["a"]}}')
    web1 = root.instance(stack, root.layer(stack, "front"), Hostname="web1")
    root("SetAttributes", Level="instance", OwnerId=web1, CustomJson='{"nginx": {"port": 83}}')

    one = good(run("explain", "web1", "nginx.port", "--stack", "shop")).splitlines()
    every = good(run("explain", "web1", "--stack", "shop")).splitlines()
    told = json.loads(good(run("explain", "web1", "nginx", "--output", "json")))["Attributes"]

    assert one[0] == "nginx.port = 83"
    assert [line.split()[:3] for line in one[2:]] == [
        ["LEVEL", "VALUE", "EFFECT"],
        ["stack", "81", "overridden"],
        ["instance", "83", "wins"],
    ]
    assert [line.split()[:3] for line in every[1:]] == [
        ["nginx.hosts", '["a"]', "stack"],
        ["nginx.port", "83", "instance"],
    ]
    assert [each["Key"] for each in told] == ["nginx.hosts", "nginx.port"]
    missing = run("explain", "web1", "nginx.prot", "--stack", "shop")
    assert (missing.exit_code, "nginx.prot: no level" in missing.stderr) == (254, True)


def test_a_value_that_does_not_fit_is_refused_over_the_wire(run: Run, root: Caller, tmp_path: Path) -> None:  # noqa: F811
    stack = root.stack()
    root("PublishCookbooks", StackId=stack, Archive=book(tmp_path))

    refused = run("opsworks", "update-stack", "--stack-id", stack, "--custom-json", '{"nginx": {"port": "81"}}')

    assert refused.exit_code == 254
    assert "CustomJson: nginx.port: must be a whole number; got text '81'" in refused.stderr


def test_drift_facts_and_why_a_command_changed_something_are_shown(run: Run, root: Caller) -> None:  # noqa: F811
    stack = root.stack()
    web1 = root.instance(stack, root.layer(stack, "front"), Hostname="web1")
    root.bring_online(web1)
    made = root("CreateDeployment", StackId=stack, Command={"Name": "configure"})["DeploymentId"]
    causes = Causes(intended=2, drift_corrected=1, flapping=("file[/etc/a]",))
    result = ResultRequest("c", 1, 0, 1.0, 2.0, resources=ResourceCounts(changed=3), causes=causes)
    with root.services.database.write() as conn:
        now = root.services.database.now(conn)
        [command] = commands.of_deployment(conn, made)
        commands.set_result(conn, command.id, msgspec.json.encode(result).decode())
        settle(conn, command, now)
        contacts.touch(conn, web1, stack, now)
        contacts.set_facts(conn, web1, Facts(hostname="web1", custom={"rack": '"r12"'}))

    shown = json.loads(good(run("command", "show", command.id, "--output", "json")))
    drift = good(run("instance", "drift", "--stack", "shop")).splitlines()
    facts = good(run("instance", "facts", "web1"))

    assert (shown["Type"], shown["Changed"], shown["DriftCorrected"]) == ("configure", 3, 1)
    assert shown["Flapping"] == ["file[/etc/a]"]
    assert drift[1].split()[:4] == ["web1", "1", "2", "1"]
    assert ["rack", "r12"] in [line.split() for line in facts.splitlines()]


def settle(conn: Connection, command: Command, at: datetime) -> None:
    ended = {"status": CommandStatus.SUCCESSFUL.value, "exit_code": 0, "completed_at": at}
    conn.execute(sa.update(tables.commands).where(tables.commands.c.id == command.id).values(**ended))
