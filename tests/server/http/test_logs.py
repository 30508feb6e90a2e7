"""A command's log by its signed address (E-17)."""

from __future__ import annotations

import base64
import gzip
from datetime import timedelta
from urllib.parse import urlsplit

import pytest
from flask import Flask
from flask.testing import FlaskClient

from tests.server.http.fleet import Fleet
from toque.protocol.messages import LOG_PATH, LogRequest
from toque_server.http import logs as routes
from toque_server.security.urls import sign_log_url
from toque_server.store import logs


@pytest.fixture
def command(fleet: Fleet) -> str:
    """A command that runs and has logged two pieces."""
    fleet.stack("s")
    agent = fleet.instance("s", "web1")
    id = fleet.command("web1")
    envelope = agent.open(agent.poll())
    assert envelope is not None
    agent.acknowledge(envelope)
    for offset, text in ((0, b"one\n"), (4, b"<script>two</script>\n")):
        agent.post(LOG_PATH, LogRequest(id, offset, base64.b64encode(text).decode()))
    return id


@pytest.fixture
def client(fleet: Fleet) -> FlaskClient:
    flask = Flask(__name__)
    flask.register_blueprint(routes.blueprint(fleet.services))
    return flask.test_client()


def address(fleet: Fleet, command: str, *, ago: timedelta = timedelta(0)) -> str:
    with fleet.database.read() as conn:
        now = fleet.database.now(conn)
    parts = urlsplit(sign_log_url(fleet.services.keys, "https://toque.example.org", command, now - ago))
    return f"{parts.path}?{parts.query}"


def test_E_17_the_log_can_be_read_while_the_run_lasts(fleet: Fleet, client: FlaskClient, command: str) -> None:
    answer = client.get(address(fleet, command))
    assert answer.data == b"one\n<script>two</script>\n"
    assert answer.content_type == "text/plain; charset=utf-8"
    assert answer.headers["X-Content-Type-Options"] == "nosniff"


def test_04_7_5_the_log_is_gzip_encoded_for_clients_that_take_it(
    fleet: Fleet, client: FlaskClient, command: str
) -> None:
    answer = client.get(address(fleet, command), headers={"Accept-Encoding": "gzip"})
    assert answer.headers["Content-Encoding"] == "gzip"
    assert gzip.decompress(answer.data) == b"one\n<script>two</script>\n"


def test_E_17_an_address_is_good_for_an_hour_and_for_its_command_only(
    fleet: Fleet, client: FlaskClient, command: str
) -> None:
    other = fleet.command("web1")
    assert client.get(address(fleet, command, ago=timedelta(hours=2))).status_code == 403
    assert client.get(address(fleet, command).replace(command, other)).status_code == 403
    assert client.get(f"/logs/{command}").status_code == 403


def test_04_30_logs_of_the_newest_30_commands_are_kept(fleet: Fleet, command: str) -> None:
    ids = [fleet.command("web1") for _ in range(30)]
    with fleet.database.write() as conn:
        for id in ids:
            logs.say(conn, id, "something")
        logs.prune(conn, "web1")
        held = {id: b"".join(logs.pieces(conn, id)) for id in (command, *ids)}
    assert held[command] == b""
    assert all(held[id] == b"something\n" for id in ids)


def test_R11_past_its_limit_a_log_is_dropped_and_the_agent_comes_to_an_end(
    fleet: Fleet, command: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(logs, "LONGEST", 30)
    with fleet.database.write() as conn:
        held = logs.length(conn, command)
        assert logs.append(conn, command, held, b"x" * 100) == held + 100
        assert logs.length(conn, command) == held
