"""Every agents' route is guarded: what does not prove its sender gets one answer and changes nothing (S2, R21)."""

from __future__ import annotations

import random
from dataclasses import replace

import msgspec
import pytest
from sqlalchemy import func, select

from tests.fakes.agents import Agent, Recorded, Response, send
from tests.server.http.fleet import Fleet, eventually, settle_of
from toque.protocol import messages
from toque.protocol.keys import new_signing_key
from toque.protocol.messages import ENROL_PATH, LANE_OF, MAX_BODY, POLL_PATH, RESULT_PATH
from toque_server.http.admission import Admission, Bucket
from toque_server.http.node import NodeApp
from toque_server.operations.context import Services
from toque_server.store import contacts, instances, tables

SIGNED_ROUTES = sorted(LANE_OF)


@pytest.fixture
def agent(fleet: Fleet) -> Agent:
    fleet.stack("s")
    return fleet.instance("s", "web1")


def contents(fleet: Fleet) -> dict[str, object]:
    """Everything in the database: what a refused request must not have changed."""
    with fleet.database.read() as conn:
        return {name: conn.execute(select(table)).all() for name, table in tables.metadata.tables.items()}


def test_S2_the_route_table_is_the_protocols(fleet: Fleet) -> None:
    assert fleet.app.paths == {ENROL_PATH, *LANE_OF}


@pytest.mark.parametrize("path", SIGNED_ROUTES)
def test_S2_each_change_of_a_request_gives_the_one_answer(fleet: Fleet, agent: Agent, path: str) -> None:
    good = agent.request(path, b"{}")
    other_path = next(each for each in SIGNED_ROUTES if each != path)
    stranger = Agent(fleet.app, key=new_signing_key(), key_id="n-unknown", installation=agent.installation)
    wrong = {
        "unsigned": replace(good, headers={"content-type": "application/json"}),
        "unknown key": stranger.request(path, b"{}"),
        "method": replace(good, method="PUT"),
        "path": replace(good, path=other_path),
        "content type": changed(good, "content-type", "text/plain"),
        "body": replace(good, body=b"{ }"),
        "installation": changed(good, "toque-installation", "another"),
        "key id": changed(good, "signature-input", good.headers["signature-input"].replace(agent.key_id, "n-other")),
        "signature": changed(good, "signature", "sig1=:" + "A" * 86 + "==:"),
    }
    before = contents(fleet)
    answers = {name: send(fleet.app, request) for name, request in wrong.items()}
    assert {answer.status for answer in answers.values()} == {401}, answers
    assert len({answer.body for answer in answers.values()}) == 1
    assert contents(fleet) == before


def changed(request: Recorded, header: str, value: str) -> Recorded:
    return replace(request, headers={**request.headers, header: value})


def test_S2_a_path_that_is_no_route_is_refused_the_same_way(fleet: Fleet, agent: Agent) -> None:
    request = agent.request(POLL_PATH, b"{}")
    for path in ("/agent/v1/nothing", "/agent/v1/../poll", "/agent/v1/poll/", "/AGENT/v1/poll", "/agent/v1/%70oll"):
        assert send(fleet.app, replace(request, path=path)).status == 401


def test_a_body_over_the_limit_is_not_even_read(fleet: Fleet, agent: Agent) -> None:
    request = agent.request(RESULT_PATH, b" " * (MAX_BODY + 1))
    assert send(fleet.app, request).status == 413


def test_S2_fuzz_no_mutation_of_a_signed_request_is_accepted_or_changes_anything(fleet: Fleet, agent: Agent) -> None:
    """Hundreds of requests, each one step from a good one; the seed is fixed, so that a failure can be repeated."""
    chance = random.Random(20261122)
    bodies = {
        POLL_PATH: msgspec.json.encode(agent.poll_request()),
        RESULT_PATH: b'{"command_id":"c","dispatch":1,"exit_code":0,"started_at":0,"finished_at":0}',
        messages.ACK_PATH: b'{"command_id":"c","dispatch":1}',
    }
    fleet.app.hub.stop()
    before = contents(fleet)
    for turn in range(600):
        path = chance.choice(sorted(bodies))
        request = mutated(agent.request(path, bodies[path]), chance)
        answer = send(fleet.app, request)
        assert 400 <= answer.status < 500, (turn, request, answer)
    assert contents(fleet) == before


def mutated(request: Recorded, chance: random.Random) -> Recorded:
    """One change that a broken or hostile sender might make."""
    header = chance.choice(sorted(request.headers))
    value = request.headers[header]
    at = chance.randrange(len(value))
    kinds = {
        "drop": lambda: replace(request, headers={k: v for k, v in request.headers.items() if k != header}),
        "double": lambda: changed(request, header, f"{value},{value}"),
        "flip": lambda: changed(request, header, value[:at] + chr(ord(value[at]) ^ 1) + value[at + 1 :]),
        "cut": lambda: changed(request, header, value[:at]),
        "pad": lambda: changed(request, header, value + " "),
        "long": lambda: changed(request, header, value + "a" * 5000),
        "not ascii": lambda: changed(request, header, value[:at] + "é" + value[at:]),
        "body": lambda: replace(request, body=request.body[:-1] + bytes([request.body[-1] ^ 1])),
        "huge number": lambda: changed(
            request,
            "signature-input",
            request.headers["signature-input"].replace('nonce="1-', 'nonce="9223372036854775808-'),
        ),
        "other tag": lambda: changed(
            request, "signature-input", request.headers["signature-input"].replace("toque-agent-v1", "toque-agent-v2")
        ),
    }
    return kinds[chance.choice(sorted(kinds))]()


def test_R21_over_its_limit_a_route_answers_503_before_any_signature_work(services: Services, fleet: Fleet) -> None:
    app = NodeApp(
        services, settle=settle_of(services), admission=Admission(8, limits={ENROL_PATH: Bucket(rate=0.0, burst=2.0)})
    )
    asked: list[Response] = [send(app, Recorded(ENROL_PATH, {}, b"")) for _ in range(4)]
    assert [answer.status for answer in asked] == [401, 401, 503, 503]
    assert 5 <= int(asked[-1].headers["Retry-After"]) <= 60


def test_R21_results_find_a_place_when_all_others_are_taken() -> None:
    admission = Admission(10)
    taken = [admission.enter(POLL_PATH) for _ in range(10)]
    assert taken.count(True) == 8
    assert admission.enter(RESULT_PATH)
    admission.leave(RESULT_PATH)
    admission.leave(POLL_PATH)
    assert admission.enter(POLL_PATH)


def test_R26_a_server_that_is_about_to_end_sends_agents_away(fleet: Fleet, agent: Agent) -> None:
    fleet.app.drain()
    answer = agent.post(POLL_PATH, agent.poll_request())
    assert answer.status == 503
    assert int(answer.headers["Retry-After"]) >= 5


def test_R12_a_full_disk_answers_507_and_polls_go_on(fleet: Fleet, agent: Agent) -> None:
    fleet.app.hub.stop()
    with fleet.database.write() as conn:
        pages = conn.exec_driver_sql("PRAGMA page_count").scalar_one()
        conn.exec_driver_sql("CREATE TABLE ballast (filling BLOB)")
    with fleet.database.engine.connect() as conn:
        conn.exec_driver_sql(f"PRAGMA max_page_count = {pages + 1}")
    with fleet.database.read() as conn:
        before = conn.execute(select(func.count()).select_from(tables.events)).scalar_one()
    orphan = {"command_id": "c" * 64, "dispatch": 1, "exit_code": 0, "started_at": 0, "finished_at": 0}
    body = msgspec.json.encode({**orphan, "reason": "x" * 200_000})
    assert agent.post(RESULT_PATH, body).status == 507
    assert agent.poll().interval > 0
    with fleet.database.read() as conn:
        assert conn.execute(select(func.count()).select_from(tables.events)).scalar_one() == before
    with fleet.database.engine.connect() as conn:
        conn.exec_driver_sql("PRAGMA max_page_count = 1000000")
    assert agent.post(RESULT_PATH, body).status == 200


def test_S10_a_key_change_leaves_exactly_one_working_identity(fleet_on_either: Fleet) -> None:
    from toque.protocol.enrolment import rotation_text
    from toque.protocol.keys import new_sealing_key, public_bytes, to_text
    from toque.protocol.messages import ROTATE_PATH, RotateAnswer, RotateRequest

    fleet = fleet_on_either
    fleet.stack("s")
    old = fleet.instance("s", "web1")
    key, sealing = new_signing_key(), new_sealing_key()
    raw = public_bytes(key), public_bytes(sealing)
    proof = key.sign(rotation_text(old.key_id, *raw, "n"))
    message = RotateRequest(to_text(raw[0]), to_text(raw[1]), to_text(proof), "n")
    first, again = old.post(ROTATE_PATH, message), old.post(ROTATE_PATH, message)
    assert first.as_(RotateAnswer) == again.as_(RotateAnswer)
    new = Agent(fleet.app, key=key, sealing=sealing, key_id=first.as_(RotateAnswer).key_id)
    new.installation, new.instance_id, new.stack_id = old.installation, old.instance_id, old.stack_id
    assert old.post(POLL_PATH, old.poll_request()).status == 200
    new.poll()
    assert old.post(POLL_PATH, old.poll_request()).status == 401
    fleet.command("web1")
    envelope = new.open(new.poll())
    assert envelope is not None
    assert new.data(envelope).command["instance_id"] == "web1"


def test_S10_the_key_of_a_deleted_instance_is_worth_nothing(fleet: Fleet, agent: Agent) -> None:
    agent.poll()
    with fleet.database.write() as conn:
        instance = instances.get(conn, "web1")
        assert instance is not None
        instances.remove(conn, instance)
    eventually(lambda: agent.post(POLL_PATH, agent.poll_request()).status == 401)
    fleet.app.hub.flush()
    with fleet.database.read() as conn:
        assert contacts.get(conn, "web1") is None
