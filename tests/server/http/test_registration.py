"""From RegisterInstance to `registered`, with a real server and a simulated agent (security.md 2.5, 08 § 10)."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
import sqlalchemy as sa
from cryptography.hazmat.primitives.asymmetric import rsa

from tests.fakes.agents import Agent
from tests.server.http.fleet import Fleet, eventually
from tests.server.operations.calls import Caller
from toque.protocol.keys import new_signing_key
from toque.protocol.messages import POLL_PATH, CommandEnvelope
from toque.protocol.registration import RSA_SIZES, OwnKey, RsaSigner, own_token, public_pem
from toque_server.store import join_tokens, tables


class Machine:
    """A machine that registers itself as the installer makes it do."""

    def __init__(self, fleet: Fleet, stack: str, **members: Any) -> None:
        self.fleet = fleet
        self.root = Caller(fleet.services)
        self.key = new_signing_key()
        members = {"StackId": stack, "RsaPublicKey": public_pem(self.key)} | members
        self.id = str(self.root("RegisterInstance", **members)["InstanceId"])
        self.token = own_token(self.id, self.key, fleet.services.keys.root_fingerprint)
        self.agent = Agent(fleet.app)

    def shown(self) -> dict[str, Any]:
        return dict(self.root("DescribeInstances", InstanceIds=[self.id])["Instances"][0])


def test_a_registered_machine_joins_with_its_own_key_and_nothing_else(fleet_on_either: Fleet) -> None:
    fleet = fleet_on_either
    fleet.stack("s")
    machine = Machine(fleet, "s", Hostname="iron1")

    answer = machine.agent.enrol(machine.token, hostname="whatever.example")

    assert (answer.status, machine.agent.instance_id) == (200, machine.id)
    view = machine.shown()
    assert (view["Hostname"], view["Os"], view["PrivateIp"]) == ("iron1", "Debian 12", "10.0.0.7")
    orders: list[CommandEnvelope] = []
    eventually(lambda: bool(orders) or bool(orders.extend(filter(None, [machine.agent.open(machine.agent.poll())]))))
    assert [each.type for each in orders] == ["setup"]


def test_a_machine_that_registered_without_a_name_is_called_as_it_calls_itself(fleet: Fleet) -> None:
    fleet.stack("s")
    machine = Machine(fleet, "s")

    machine.agent.enrol(machine.token, hostname="Iron_7.example.com")

    assert machine.shown()["Hostname"] == "iron-7"


def test_the_key_joins_once(fleet: Fleet) -> None:
    fleet.stack("s")
    machine = Machine(fleet, "s")
    machine.agent.enrol(machine.token)

    assert machine.agent.enrol(machine.token).status == 200, "an answer that was lost is given again"
    other = Agent(fleet.app).enrol(machine.token)
    assert other.status == 409
    assert b"used by another key" in other.body


def test_another_key_does_not_join_as_it(fleet: Fleet) -> None:
    fleet.stack("s")
    machine = Machine(fleet, "s")
    thief = own_token(machine.id, new_signing_key(), fleet.services.keys.root_fingerprint)

    assert Agent(fleet.app).enrol(thief).status == 401
    assert machine.shown()["Status"] == "registering"


def test_after_an_hour_the_key_does_not_join_any_more(fleet: Fleet) -> None:
    fleet.stack("s")
    machine = Machine(fleet, "s")
    with fleet.database.write() as conn:
        token = join_tokens.get(conn, machine.id)
        assert token is not None
        assert token.expires_at - token.created_at == timedelta(hours=1)
        conn.execute(sa.update(tables.join_tokens).values(expires_at=token.created_at))

    late = machine.agent.enrol(machine.token)

    assert late.status == 409
    assert b"past its time" in late.body


def test_a_machine_that_was_deregistered_meanwhile_does_not_join(fleet: Fleet) -> None:
    fleet.stack("s")
    machine = Machine(fleet, "s")
    machine.root("DeregisterInstance", InstanceId=machine.id)

    assert machine.agent.enrol(machine.token).status in (401, 409)


@pytest.mark.parametrize("bits", RSA_SIZES)
def test_a_machine_with_an_rsa_key_joins_with_it_once(fleet: Fleet, bits: int) -> None:
    fleet.stack("s")
    key = rsa.generate_private_key(65537, bits)
    id = Caller(fleet.services)("RegisterInstance", StackId="s", RsaPublicKey=public_pem(key))["InstanceId"]
    own = OwnKey(id, RsaSigner(key), "")
    thief = OwnKey(id, RsaSigner(rsa.generate_private_key(65537, bits)), "")
    agent = Agent(fleet.app)

    assert agent.enrol(thief).status == 401
    assert (agent.enrol(own).status, agent.instance_id) == (200, id)
    assert Agent(fleet.app).enrol(own).status == 409


def test_a_node_at_work_signs_with_its_own_key_and_no_other_kind(fleet: Fleet) -> None:
    fleet.stack("s")
    machine = Machine(fleet, "s")
    machine.agent.enrol(machine.token)
    machine.agent.key = RsaSigner(rsa.generate_private_key(65537, 2048))  # type: ignore[assignment]

    assert machine.agent.post(POLL_PATH, machine.agent.poll_request()).status == 401


def test_without_a_key_it_joins_with_a_token_made_for_it(fleet: Fleet) -> None:
    fleet.stack("s")
    root = Caller(fleet.services)
    id = root("RegisterInstance", StackId="s", Hostname="iron1")["InstanceId"]
    agent = Agent(fleet.app)

    agent.enrol(fleet.token("s", instance_id=id))

    assert agent.instance_id == id
