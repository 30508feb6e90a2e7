"""The agents' routes: joining, polling, commands, results (chapter 10, S1 to S8, R4, R8)."""

from __future__ import annotations

import msgspec
import pytest

from tests.fakes.agents import Agent, send
from tests.server.http.fleet import Fleet, eventually
from toque.protocol.keys import from_text
from toque.protocol.messages import (
    ACK_PATH,
    BUNDLE_PATH,
    LOG_PATH,
    MANIFEST_PATH,
    PARTS_PATH,
    POLL_PATH,
    RESULT_PATH,
    Accepted,
    AckRequest,
    BundleRequest,
    LogRequest,
    Manifest,
    ManifestRequest,
    PartsAnswer,
    PartsRequest,
    PollAnswer,
    Refusal,
    SignedObject,
    SignedTime,
)
from toque.protocol.signed import open_signed
from toque_server.domain.command import CommandStatus
from toque_server.domain.instance import Status
from toque_server.store import contacts, events, instances, logs


def kinds(fleet: Fleet) -> list[str]:
    with fleet.database.read() as conn:
        return [event.kind for event in events.after(conn, 0)]


class TestJoining:
    def test_S1_a_token_for_an_instance_binds_it(self, fleet_on_either: Fleet) -> None:
        fleet_on_either.stack("s")
        agent = fleet_on_either.instance("s", "web1")
        assert (agent.instance_id, agent.stack_id) == ("web1", "s")

    def test_S1_a_token_for_a_stack_makes_an_instance_with_a_host_name_of_its_own(self, fleet: Fleet) -> None:
        fleet.stack("s")
        fleet.instance("s", "web")
        agent = Agent(fleet.app)
        assert agent.enrol(fleet.token("s", layer_ids=["s-app"]), hostname="Web.example.org").status == 200
        with fleet.database.read() as conn:
            made = instances.get(conn, agent.instance_id)
        assert made is not None
        assert (made.hostname, made.status, made.layer_ids) == ("web-2", Status.REGISTERING, ("s-app",))

    def test_S1_the_same_key_again_is_the_same_instance(self, fleet_on_either: Fleet) -> None:
        fleet_on_either.stack("s")
        token = fleet_on_either.token("s")
        agent = Agent(fleet_on_either.app)
        first, again = agent.enrol(token), agent.enrol(token)
        assert first.status == again.status == 200
        assert msgspec.json.decode(first.body)["key_id"] == msgspec.json.decode(again.body)["key_id"]

    def test_S1_the_token_with_another_key_is_refused_and_told(self, fleet: Fleet) -> None:
        fleet.stack("s")
        token = fleet.token("s")
        assert Agent(fleet.app).enrol(token).status == 200
        refused = Agent(fleet.app).enrol(token)
        assert refused.status == 409
        assert "node.join_refused" in kinds(fleet)

    def test_S1_a_request_that_the_token_did_not_sign_is_refused(self, fleet: Fleet) -> None:
        fleet.stack("s")
        agent = Agent(fleet.app)
        assert agent.enrol(fleet.token("s"), seed=agent.key).status == 401

    def test_the_answer_comes_with_the_root_manifest_and_signed_time(self, fleet: Fleet) -> None:
        fleet.stack("s")
        answer = msgspec.json.decode(Agent(fleet.app).enrol(fleet.token("s")).body)
        time = msgspec.convert(answer["time"], SignedObject)
        keys = fleet.services.keys
        said = open_signed(time, "time", {keys.online_id: keys.online.public_key()})
        assert msgspec.json.decode(said, type=SignedTime).nonce == "nonce-1"
        assert answer["root"]["kind"] == "root"


class TestPolling:
    def test_a_poll_is_a_contact(self, fleet_on_either: Fleet) -> None:
        fleet = fleet_on_either
        fleet.stack("s")
        agent = fleet.instance("s", "web1")
        with fleet.database.read() as conn:
            before = contacts.last(conn)["web1"]
        agent.poll(running="c-9")
        fleet.app.hub.flush()
        with fleet.database.read() as conn:
            contact = contacts.get(conn, "web1")
        assert contact is not None
        assert contact.last_at > before
        assert (contact.boot_id, contact.running) == ("boot-1", "c-9")

    def test_ruling_5_a_small_idle_fleet_polls_at_the_shortest_interval(self, fleet: Fleet) -> None:
        fleet.stack("s")
        agent = fleet.instance("s", "web1")
        shortest = fleet.services.settings.contact.shortest.total_seconds()
        assert agent.poll().interval == pytest.approx(shortest, rel=0.11)

    def test_D7_a_poll_with_nothing_to_deliver_touches_no_database(self, fleet: Fleet) -> None:
        fleet.stack("s")
        agent = fleet.instance("s", "web1")
        agent.poll()
        fleet.app.hub.stop()
        opened: list[str] = []
        real = fleet.database.read, fleet.database.write
        fleet.database.read = lambda: opened.append("read") or real[0]()  # type: ignore[method-assign,func-returns-value]
        fleet.database.write = lambda: opened.append("write") or real[1]()  # type: ignore[method-assign,func-returns-value]
        agent.poll()
        assert opened == []

    def test_facts_touch_the_stack_only_when_they_changed(self, fleet: Fleet) -> None:
        from toque.protocol.messages import Facts
        from toque_server.store import world

        fleet.stack("s")
        agent = fleet.instance("s", "web1")

        def change() -> int | None:
            with fleet.database.read() as conn:
                return world.change_of(conn, "s")

        before = change()
        agent.poll(facts=Facts(hostname="web1", private_ip="10.9.9.9"))
        once = change()
        agent.poll(facts=Facts(hostname="web1", private_ip="10.9.9.9"))
        assert before != once == change()

    def test_S4_a_clock_that_is_a_day_off_gets_signed_time(self, fleet: Fleet) -> None:
        fleet.stack("s")
        agent = fleet.instance("s", "web1")
        right = agent.clock
        agent.clock = lambda: right() - 86400
        refused = agent.post(POLL_PATH, agent.poll_request())
        assert refused.status == 401
        refusal = refused.as_(Refusal)
        assert refusal.error == "clock_skew"
        keys = fleet.services.keys
        said = msgspec.json.decode(
            open_signed(refusal.time, "time", {keys.online_id: keys.online.public_key()}), type=SignedTime
        )
        assert said.nonce == f"1-h-{agent.numbers['h']}"
        agent.clock = lambda: right() - 86400 + (said.now - (right() - 86400))
        assert agent.poll().interval > 0

    def test_S10_a_revoked_key_is_refused(self, fleet_on_either: Fleet) -> None:
        from toque_server.store import nodes

        fleet = fleet_on_either
        fleet.stack("s")
        agent = fleet.instance("s", "web1")
        agent.poll()
        with fleet.database.write() as conn:
            nodes.revoke(conn, "web1")
        eventually(lambda: agent.post(POLL_PATH, agent.poll_request()).status == 401)

    def test_S11_two_machines_with_one_key_are_held(self, fleet: Fleet) -> None:
        fleet.stack("s")
        original = fleet.instance("s", "web1")
        original.poll()
        clone = Agent(**{**vars(original), "boot_id": "boot-2", "epoch": 2, "numbers": {}})
        clone.poll()
        original.clock = lambda: __import__("time").time() + 10
        assert original.post(POLL_PATH, original.poll_request()).status == 401
        assert "node.identity_conflict" in kinds(fleet)
        fleet.command("web1")
        assert clone.poll().command is None


class TestCommands:
    def test_a_command_is_signed_sealed_and_names_its_policy(self, fleet_on_either: Fleet) -> None:
        fleet = fleet_on_either
        fleet.stack("s", custom_json='{"colour": "green"}')
        agent = fleet.instance("s", "web1")
        id = fleet.command("web1", "deploy", args={"app_ids": []})
        answer = agent.poll()
        assert answer.command is not None
        keys = fleet.services.keys
        open_signed(answer.command, "command", {keys.online_id: keys.online.public_key()})
        envelope = agent.open(answer)
        assert envelope is not None
        assert (envelope.command_id, envelope.instance_id, envelope.dispatch) == (id, "web1", 1)
        assert ("custom", ("shop::deploy",)) in [(step.phase, step.recipes) for step in envelope.steps]
        data = agent.data(envelope)
        assert data.levels == (("stack", {"colour": "green"}),)
        assert data.command["command_id"] == id
        assert data.self_instance["self"] is True

    def test_S7_the_policy_that_a_command_names_can_be_fetched_part_by_part(self, fleet: Fleet) -> None:
        fleet.stack("s")
        agent = fleet.instance("s", "web1")
        fleet.command("web1")
        envelope = agent.open(agent.poll())
        assert envelope is not None
        signed = agent.post(MANIFEST_PATH, ManifestRequest(envelope.manifest_version)).as_(SignedObject)
        keys = fleet.services.keys
        payload = open_signed(signed, "policy", {keys.online_id: keys.online.public_key()})
        manifest = msgspec.json.decode(payload, type=Manifest)
        assert set(manifest.parts) == {"stack", "layer/s-app", "instance/web1"}
        parts = agent.post(PARTS_PATH, PartsRequest(tuple(manifest.parts.values()))).as_(PartsAnswer).parts
        assert set(parts) == set(manifest.parts.values())
        assert msgspec.json.decode(parts[manifest.parts["layer/s-app"]])["shortname"] == "app"
        bundle = manifest.bundles["builtin"]
        assert len(agent.post(BUNDLE_PATH, BundleRequest(bundle.digest)).body) == bundle.size

    def test_R4_the_same_command_is_handed_out_until_it_is_acknowledged(self, fleet_on_either: Fleet) -> None:
        fleet = fleet_on_either
        fleet.stack("s")
        agent = fleet.instance("s", "web1")
        id = fleet.command("web1")
        first, second = agent.poll().command, agent.poll().command
        assert first is not None
        assert first == second
        assert fleet.stored(id).acknowledged_at is None
        envelope = agent.open(agent.poll())
        assert envelope is not None
        assert agent.acknowledge(envelope).status == 200
        assert fleet.stored(id).acknowledged_at is not None
        fleet.app.hub.look()
        assert agent.poll().command is None

    def test_R4_a_refused_command_fails_with_the_reason(self, fleet: Fleet) -> None:
        fleet.stack("s")
        agent = fleet.instance("s", "web1")
        id = fleet.command("web1")
        envelope = agent.open(agent.poll())
        assert envelope is not None
        agent.acknowledge(envelope, refused="disk_full")
        assert fleet.stored(id).status is CommandStatus.FAILED
        assert "disk_full" in fleet.stored(id).reason
        assert "command.refused" in kinds(fleet)

    def test_ruling_16_commands_of_one_cause_share_a_policy(self, fleet: Fleet) -> None:
        fleet.stack("s")
        first, second = fleet.instance("s", "web1"), fleet.instance("s", "web2")
        fleet.command("web1", cause_id="one")
        one = first.open(first.poll())
        from toque_server.store import stacks

        with fleet.database.write() as conn:
            stack = stacks.get(conn, "s")
            assert stack is not None
            stacks.update(conn, msgspec.structs.replace(stack, name="renamed"))
        fleet.command("web2", cause_id="one")
        two = second.open(second.poll())
        fleet.command("web2", cause_id="other")
        assert two is not None
        second.acknowledge(two)
        second.finish(two)
        fleet.app.hub.look()
        three = second.open(second.poll())
        assert one is not None
        assert three is not None
        assert one.manifest_version == two.manifest_version == three.manifest_version - 1

    def test_R8_the_first_result_stands(self, fleet_on_either: Fleet) -> None:
        fleet = fleet_on_either
        fleet.stack("s")
        agent = fleet.instance("s", "web1")
        id = fleet.command("web1")
        envelope = agent.open(agent.poll())
        assert envelope is not None
        agent.acknowledge(envelope)
        frozen = agent.clock()
        agent.clock = lambda: frozen
        assert agent.finish(envelope).status == 200
        assert agent.finish(envelope).status == 200
        assert agent.finish(envelope, exit_code=1).status == 409
        assert (fleet.stored(id).status, fleet.stored(id).exit_code) == (CommandStatus.SUCCESSFUL, 0)
        assert "command.second_result" in kinds(fleet)

    def test_R24_a_result_of_an_unknown_command_is_kept_and_confirmed(self, fleet: Fleet) -> None:
        fleet.stack("s")
        agent = fleet.instance("s", "web1")
        fleet.command("web1")
        envelope = agent.open(agent.poll())
        assert envelope is not None
        assert agent.finish(msgspec.structs.replace(envelope, command_id="lost")).status == 200
        assert "command.orphan_result" in kinds(fleet)

    def test_R24_dispatch_goes_on_above_what_the_agent_has_started(self, fleet: Fleet) -> None:
        fleet.stack("s")
        agent = fleet.instance("s", "web1")
        agent.highest = 41
        fleet.command("web1")
        envelope = agent.open(agent.poll(manifest_version=17))
        assert envelope is not None
        assert (envelope.dispatch, envelope.manifest_version) == (42, 18)

    def test_04_7_5_a_log_grows_piece_by_piece_and_a_repeat_changes_nothing(self, fleet: Fleet) -> None:
        import base64

        fleet.stack("s")
        agent = fleet.instance("s", "web1")
        id = fleet.command("web1")
        envelope = agent.open(agent.poll())
        assert envelope is not None

        def piece(offset: int, text: bytes) -> int:
            message = LogRequest(id, offset, base64.b64encode(text).decode())
            size: int = agent.post(LOG_PATH, message).as_(Accepted).size
            return size

        assert [piece(0, b"one "), piece(0, b"one "), piece(9, b"gap"), piece(2, b"e two")] == [4, 4, 4, 7]
        with fleet.database.read() as conn:
            assert b"".join(logs.pieces(conn, id)) == b"one two"


class TestOwnDataOnly:
    def test_S5_no_node_gets_or_changes_what_is_anothers(self, fleet: Fleet) -> None:
        """Two stacks with three nodes each, every node against the others' command, policy, parts and log."""
        agents: dict[str, Agent] = {}
        envelopes = {}
        for stack in ("s", "t"):
            fleet.stack(stack, custom_json=f'{{"secret of": "{stack}"}}')
            for number in (1, 2, 3):
                name = f"{stack}{number}"
                agents[name] = fleet.instance(stack, name)
        for name, agent in agents.items():
            fleet.command(name)
            envelopes[name] = agent.open(agent.poll())
        before = {name: fleet.stored(envelope.command_id) for name, envelope in envelopes.items() if envelope}
        for name, agent in agents.items():
            for other, envelope in envelopes.items():
                if other == name or envelope is None:
                    continue
                assert agent.acknowledge(envelope).status == 404
                assert agent.finish(envelope).status == 404
                assert agent.post(LOG_PATH, LogRequest(envelope.command_id, 0, "AAAA")).status == 404
                if envelope.stack_id != agent.stack_id:
                    theirs = envelope_parts(agents[other], envelope.manifest_version)
                    assert agent.post(PARTS_PATH, PartsRequest(theirs)).as_(PartsAnswer).parts == {}
        assert before == {name: fleet.stored(envelope.command_id) for name, envelope in envelopes.items() if envelope}


def envelope_parts(agent: Agent, version: int) -> tuple[str, ...]:
    signed = agent.post(MANIFEST_PATH, ManifestRequest(version)).as_(SignedObject)
    return tuple(msgspec.json.decode(from_text(signed.payload), type=Manifest).parts.values())


class TestReplay:
    def test_S3_any_recorded_request_sent_again_is_refused_and_changes_nothing(self, fleet_on_either: Fleet) -> None:
        fleet = fleet_on_either
        fleet.stack("s")
        agent = fleet.instance("s", "web1")
        id = fleet.command("web1")
        envelope = agent.open(agent.poll())
        assert envelope is not None
        recorded = [
            agent.request(POLL_PATH, agent.poll_request()),
            agent.request(LOG_PATH, LogRequest(id, 0, "AAAA")),
            agent.request(ACK_PATH, AckRequest(id, envelope.dispatch)),
            agent.request(MANIFEST_PATH, ManifestRequest(envelope.manifest_version)),
        ]
        for request in recorded:
            assert send(fleet.app, request).status == 200
        fleet.app.hub.flush()
        with fleet.database.read() as conn:
            before = contacts.last(conn)["web1"], logs.length(conn, id), fleet.stored(id)
        for request in recorded:
            assert send(fleet.app, request).status == 401
        fleet.app.hub.flush()
        with fleet.database.read() as conn:
            assert (contacts.last(conn)["web1"], logs.length(conn, id), fleet.stored(id)) == before

    def test_S3_a_poll_replayed_at_another_process_moves_no_contact(self, services_on_either: object) -> None:
        from tests.server.http.fleet import running, settle_of
        from toque_server.http.node import NodeApp

        with running(services_on_either) as fleet:  # type: ignore[arg-type]
            fleet.stack("s")
            agent = fleet.instance("s", "web1")
            request = agent.request(POLL_PATH, agent.poll_request())
            other = NodeApp(fleet.services, settle=settle_of(fleet.services))
            other.hub.look()
            assert send(fleet.app, request).status == 200
            fleet.app.hub.flush()
            with fleet.database.read() as conn:
                before = contacts.last(conn)["web1"]
            send(other, request)
            if not fleet.database.is_sqlite:
                other.hub.flush()
                with fleet.database.read() as conn:
                    assert contacts.last(conn)["web1"] == before

    def test_poll_answers_are_typed(self, fleet: Fleet) -> None:
        fleet.stack("s")
        agent = fleet.instance("s", "web1")
        assert isinstance(agent.post(POLL_PATH, agent.poll_request()).as_(PollAnswer), PollAnswer)
        assert agent.post(RESULT_PATH, b"{").status == 400


class TestWhatACommandCarries:
    def test_04_E_11_a_deleted_app_travels_whole_with_its_undeploy(self, fleet: Fleet) -> None:
        from datetime import UTC, datetime

        from toque_server.domain.app import App, AppSecrets
        from toque_server.domain.command import Deployment
        from toque_server.domain.deployment_secrets import DeploymentSecrets
        from toque_server.store import deployment_secrets, deployments

        fleet.stack("s")
        agent = fleet.instance("s", "web1")
        at = datetime(2026, 1, 1, tzinfo=UTC)
        app = App(id="a-1", stack_id="s", shortname="shop", name="Shop", type="other", created_at=at)
        secrets = DeploymentSecrets('{"deep": {"er": 1}}', app, AppSecrets(private_key="tls-key"))
        with fleet.database.write() as conn:
            sealed = deployment_secrets.seal(fleet.services.vault, "d-1", "s", secrets)
            made = Deployment(id="d-1", stack_id="s", app_id="a-1", command_name="undeploy", created_at=at)
            deployments.add(conn, made, sealed=sealed)
        fleet.command("web1", "undeploy", deployment_id="d-1", args={"app_ids": ["a-1"]})
        envelope = agent.open(agent.poll())
        assert envelope is not None
        data = agent.data(envelope)
        assert data.deploy_apps == ("a-1",)
        assert data.app_snapshot is not None
        assert data.app_snapshot["ssl_configuration"]["private_key"] == "tls-key"
        assert data.levels == (("deployment", {"deep": {"er": 1}}),)
        assert "tls-key" in data.masked

    def test_D14_levels_come_weakest_first_and_only_those_of_the_instance(self, fleet: Fleet) -> None:
        from datetime import UTC, datetime

        from toque_server.store import attributes

        fleet.stack("s", custom_json='{"from": "stack"}')
        agent = fleet.instance("s", "web1")
        fleet.instance("s", "web2")
        at, vault = datetime(2026, 1, 1, tzinfo=UTC), fleet.services.vault
        with fleet.database.write() as conn:
            for level, owner in (("instance", "web1"), ("instance", "web2"), ("layer", "s-app")):
                attributes.put(conn, vault, "s", level, owner, f'{{"from": "{owner}"}}', at=at, by="t")
        fleet.command("web1")
        envelope = agent.open(agent.poll())
        assert envelope is not None
        assert agent.data(envelope).levels == (
            ("stack", {"from": "stack"}),
            ("layer/app", {"from": "s-app"}),
            ("instance", {"from": "web1"}),
        )

    def test_S13_a_recorded_answer_holds_no_secret_in_clear(self, fleet: Fleet) -> None:
        fleet.stack("s", custom_json='{"password": "correct-horse"}')
        agent = fleet.instance("s", "web1")
        fleet.command("web1")
        response = agent.post(POLL_PATH, agent.poll_request())
        command = response.as_(PollAnswer).command
        assert command is not None
        assert b"correct-horse" not in response.body + from_text(command.payload)
