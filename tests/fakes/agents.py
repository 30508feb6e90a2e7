"""Agents without a machine: they sign, poll, acknowledge and report like a real one, and run nothing.

Their requests reach a WSGI application in this process, so that thousands of them need no sockets. Cryptography, wire
format and the server's side are the real ones.
"""

from __future__ import annotations

import io
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import Any

import msgspec
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from toque.protocol import enrolment, messages, requests
from toque.protocol.keys import from_text, load_signing_key, new_sealing_key, new_signing_key, public_bytes, to_text
from toque.protocol.messages import (
    AckRequest,
    CommandData,
    CommandEnvelope,
    EnrolAnswer,
    EnrolRequest,
    Facts,
    Fingerprint,
    PollAnswer,
    PollRequest,
    ResultRequest,
)
from toque.protocol.registration import OwnKey
from toque.protocol.sealing import open_sealed, sealing_context
from toque.protocol.tokens import JoinToken

Wsgi = Callable[[dict[str, Any], Callable[..., Any]], Iterable[bytes]]
Headers = dict[str, str]


@dataclass
class Response:
    status: int
    body: bytes
    headers: Headers

    def as_(self, kind: type[Any]) -> Any:
        return msgspec.json.decode(self.body, type=kind)


@dataclass(frozen=True)
class Recorded:
    """A request as it went over the wire, to be sent again or changed first."""

    path: str
    headers: Headers
    body: bytes
    method: str = "POST"


def send(app: Wsgi, request: Recorded) -> Response:
    """What the application answers to exactly these bytes."""
    environ: dict[str, Any] = {
        "REQUEST_METHOD": request.method,
        "PATH_INFO": request.path,
        "QUERY_STRING": "",
        "CONTENT_LENGTH": str(len(request.body)),
        "wsgi.input": io.BytesIO(request.body),
    }
    for name, value in request.headers.items():
        key = name.upper().replace("-", "_")
        environ["CONTENT_TYPE" if key == "CONTENT_TYPE" else f"HTTP_{key}"] = value
    said: list[Any] = []
    body = b"".join(app(environ, lambda status, headers, *_: said.append((status, headers))))
    status, headers = said[0]
    return Response(int(status.split()[0]), body, dict(headers))


@dataclass
class Agent:
    """One simulated node. `clock` is its machine's idea of the time."""

    app: Wsgi
    key: Ed25519PrivateKey = field(default_factory=new_signing_key)
    sealing: Any = field(default_factory=new_sealing_key)
    clock: Callable[[], float] = time.time
    boot_id: str = "boot-1"
    epoch: int = 1
    key_id: str = ""
    installation: str = ""
    instance_id: str = ""
    stack_id: str = ""
    highest: int = 0
    numbers: dict[str, int] = field(default_factory=dict)

    def enrol(
        self, token: JoinToken | OwnKey, *, hostname: str = "web", seed: Ed25519PrivateKey | None = None
    ) -> Response:
        """Join with a token, or a registered machine's key; on success it knows who it is."""
        node_key, sealing_key = public_bytes(self.key), public_bytes(self.sealing)
        proof = self.key.sign(enrolment.proof_text(token.id, requests.JOIN_INSTALLATION, node_key, sealing_key))
        message = EnrolRequest(
            token_id=token.id,
            node_key=to_text(node_key),
            sealing_key=to_text(sealing_key),
            enrolment_id="e-1",
            proof=to_text(proof),
            fingerprint=Fingerprint(machine_id=f"m-{hostname}"),
            facts=Facts(hostname=hostname, private_ip="10.0.0.7", os_name="Debian", os_version="12"),
            agent_version="0.1.0",
            nonce="nonce-1",
        )
        body = msgspec.json.encode(message)
        headers = requests.sign_request(
            path=messages.ENROL_PATH,
            body=body,
            installation=requests.JOIN_INSTALLATION,
            key_id=token.key_id,
            key=token.key if isinstance(token, OwnKey) else seed or load_signing_key(token.seed),
            epoch=1,
            lane=requests.ENROL_LANE,
            sequence=1,
            now=self.clock(),
        )
        response = send(self.app, Recorded(messages.ENROL_PATH, headers, body))
        if response.status == 200:
            answer: EnrolAnswer = response.as_(EnrolAnswer)
            self.key_id, self.installation = answer.key_id, answer.installation_id
            self.instance_id, self.stack_id = answer.instance_id, answer.stack_id
        return response

    def request(self, path: str, message: msgspec.Struct | bytes) -> Recorded:
        """A request signed now, with the lane's next number."""
        body = message if isinstance(message, bytes) else msgspec.json.encode(message)
        lane = messages.LANE_OF[path]
        self.numbers[lane] = self.numbers.get(lane, 0) + 1
        headers = requests.sign_request(
            path=path,
            body=body,
            installation=self.installation,
            key_id=self.key_id,
            key=self.key,
            epoch=self.epoch,
            lane=lane,
            sequence=self.numbers[lane],
            now=self.clock(),
        )
        return Recorded(path, headers, body)

    def post(self, path: str, message: msgspec.Struct | bytes) -> Response:
        return send(self.app, self.request(path, message))

    def poll_request(self, **changes: Any) -> PollRequest:
        return PollRequest(
            **{"agent_version": "0.1.0", "boot_id": self.boot_id, "highest_dispatch": self.highest, **changes}
        )

    def poll(self, **changes: Any) -> PollAnswer:
        response = self.post(messages.POLL_PATH, self.poll_request(**changes))
        assert response.status == 200, (response.status, response.body)
        answer: PollAnswer = response.as_(PollAnswer)
        return answer

    def open(self, answer: PollAnswer) -> CommandEnvelope | None:
        """The command in an answer, or None. Signatures are checked where a test is about them."""
        if answer.command is None:
            return None
        return msgspec.json.decode(from_text(answer.command.payload), type=CommandEnvelope)

    def data(self, envelope: CommandEnvelope) -> CommandData:
        """The sealed part, opened with this node's key."""
        context = sealing_context(self.installation, self.instance_id, envelope.command_id)
        plain = open_sealed(self.sealing, from_text(envelope.sealed), context=context)
        return msgspec.json.decode(plain, type=CommandData)

    def acknowledge(self, envelope: CommandEnvelope, *, refused: str = "") -> Response:
        response = self.post(messages.ACK_PATH, AckRequest(envelope.command_id, envelope.dispatch, refused))
        if response.status == 200:
            self.highest = max(self.highest, envelope.dispatch)
        return response

    def finish(self, envelope: CommandEnvelope, *, exit_code: int = 0, **more: Any) -> Response:
        now = self.clock()
        return self.post(
            messages.RESULT_PATH,
            ResultRequest(
                **{
                    "command_id": envelope.command_id,
                    "dispatch": envelope.dispatch,
                    "exit_code": exit_code,
                    "started_at": now,
                    "finished_at": now,
                    **more,
                }
            ),
        )
