"""The server hides the secrets it knows in the logs that agents send (S14)."""

from __future__ import annotations

import base64

from tests.server.http.fleet import START, Fleet
from toque.protocol.keys import to_text
from toque.protocol.messages import LOG_PATH, Accepted, LogRequest
from toque_server.domain.app import App, AppSecrets, EnvironmentVariable
from toque_server.store import apps, logs

SECRET = "correct-horse-battery"


def log_of(fleet: Fleet, command_id: str) -> bytes:
    with fleet.database.read() as conn:
        return b"".join(logs.pieces(conn, command_id))


def test_S14_a_secret_that_an_agent_let_through_is_blotted_out_and_offsets_stay(fleet: Fleet) -> None:
    fleet.stack("s")
    agent = fleet.instance("s", "web")
    app = App(
        id="a-1",
        stack_id="s",
        shortname="shop",
        name="Shop",
        type="other",
        created_at=START,
        environment=(EnvironmentVariable(key="PASSWORD", value="", secure=True),),
    )
    with fleet.database.write() as conn:
        apps.add(conn, fleet.services.vault, app, AppSecrets(environment={"PASSWORD": SECRET}))
    command = fleet.command("web", "execute_recipes")
    envelope = agent.open(agent.poll())
    assert envelope is not None
    assert SECRET in agent.data(envelope).masked
    agent.acknowledge(envelope)
    said = f"the password is {SECRET}, or {base64.b64encode(SECRET.encode()).decode()}\n".encode()

    for piece, offset in ((said, 0), (b"no secret\n", len(said))):
        answer: Accepted = agent.post(LOG_PATH, LogRequest(command, offset, to_text(piece))).as_(Accepted)

    stored = log_of(fleet, command)
    assert answer.size == len(stored) == len(said) + len(b"no secret\n")
    assert SECRET.encode() not in stored
    assert base64.b64encode(SECRET.encode())[:20] not in stored
    assert stored.startswith(b"the password is " + b"*" * len(SECRET) + b", or ****")
    assert stored.endswith(b"\nno secret\n")
