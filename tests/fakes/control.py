"""A small configuration server for the agent's tests: real HTTP on loopback, real keys, signatures and seals.

It keeps the rules of the protocol that matter to an agent: counters that only grow, commands handed out until they are
acknowledged, the first result stands. Its memory is this process's, so agents may be killed and started beside it.
"""

from __future__ import annotations

import base64
import hashlib
import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import msgspec
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

from toque.cookbook.bundle import pack
from toque.protocol import messages as m
from toque.protocol.canonical import canonical, digest
from toque.protocol.enrolment import check_proof, proof_text, rotation_text
from toque.protocol.keys import fingerprint, from_text, load_public, new_signing_key, public_bytes, to_text
from toque.protocol.requests import HEADERS, BadRequestShape, ParsedRequest, parse_request, verify
from toque.protocol.sealing import seal, sealing_context
from toque.protocol.signed import BadSignature, sign
from toque.protocol.tokens import JoinToken

INSTALLATION = "installation-1"
STACK = "stack-1"
HOUR = 3600.0


@dataclass
class Order:
    """A command on the server: what was signed, and what the agent said of it."""

    envelope: m.CommandEnvelope
    signed: m.SignedObject
    acknowledged: bool = False
    refused: str = ""
    result: m.ResultRequest | None = None
    results_received: int = 0
    log: bytearray = field(default_factory=bytearray)


class HttpError(Exception):
    def __init__(self, status: int, refusal: m.Refusal) -> None:
        self.status, self.refusal = status, refusal


class Control:
    """The server. `before_answer` may be set to spoil answers: it gets path and body and returns the body to send."""

    def __init__(self) -> None:
        self.root_key, self.online_key, self.token_key = new_signing_key(), new_signing_key(), new_signing_key()
        self.token = JoinToken("t1", self.token_key.private_bytes_raw(), fingerprint(public_bytes(self.root_key)))
        self.clock: Callable[[], float] = time.time
        self.interval = 1.0
        self.instance_id = "i-1"
        self.keys: dict[str, Ed25519PublicKey] = {}
        self.sealing: dict[str, bytes] = {}
        self.dead_keys: set[str] = set()
        self.node_key = ""
        self.counters: dict[tuple[str, str], tuple[int, int]] = {}
        self.polls: list[m.PollRequest] = []
        self.orders: dict[str, Order] = {}
        self.orphans: list[str] = []
        self.parts: dict[str, bytes] = {}
        self.bundles: dict[str, bytes] = {}
        self.manifests: dict[int, tuple[m.SignedObject, str]] = {}
        self.rotate = False
        self.abort = ""
        self.offered_root: m.SignedObject | None = None
        self.policy_life = 72 * HOUR
        self.requests: list[tuple[str, dict[str, str], bytes]] = []
        self.before_answer: Callable[[str, bytes], bytes] = lambda path, body: body
        self.fail_next: list[str] = []
        self.refuse: set[str] = set()
        self._dispatch = 0
        self._guard = threading.RLock()
        self._rotations: dict[str, str] = {}
        self._server: ThreadingHTTPServer | None = None
        self.bundle_refs: dict[str, m.BundleRef] = {}

    # -- as a fixture -------------------------------------------------------------------------------------------

    def __enter__(self) -> Control:
        handler = type("Handler", (_Handler,), {"control": self})
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
        self._server.daemon_threads = True
        threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True).start()
        return self

    def __exit__(self, *unused: object) -> None:
        assert self._server is not None
        self._server.shutdown()
        self._server.server_close()

    @property
    def url(self) -> str:
        assert self._server is not None
        return f"http://127.0.0.1:{self._server.server_port}"

    # -- what an operator does ----------------------------------------------------------------------------------

    def publish(self, recipes: Mapping[str, str], folder: Path, *, cookbook: str = "test") -> None:
        """Make the custom bundle of one cookbook with these recipes, and a new policy version with it."""
        book = folder / f"cookbook-{len(self.bundles)}"
        (book / "recipes").mkdir(parents=True)
        (book / "cookbook.toml").write_text(f'[cookbook]\nname = "{cookbook}"\nversion = "1.0.0"\n')
        for name, text in recipes.items():
            (book / "recipes" / f"{name}.py").write_text(text)
        archive = folder / f"bundle-{len(self.bundles)}.tar.gz"
        info = pack({cookbook: book}, archive)
        self.bundles[info.digest] = archive.read_bytes()
        self.bundle_refs = {"custom": m.BundleRef(info.digest, info.size)}
        self.new_policy()

    def new_policy(self, *, version: int | None = None, life: float | None = None) -> int:
        version = version or max(self.manifests, default=0) + 1
        items = {
            "stack": {"id": STACK, "stack_id": STACK, "name": "Test"},
            f"instance/{self.instance_id}": {"id": "web-1", "instance_id": self.instance_id, "self": False},
            "app/app-1": {"id": "shop", "app_id": "app-1", "deploy": False, "environment": None},
        }
        texts = {name: canonical(item) for name, item in items.items()}
        self.parts |= {digest(text): text for text in texts.values()}
        now = self.clock()
        manifest = m.Manifest(
            INSTALLATION,
            STACK,
            0,
            version,
            now,
            now + (self.policy_life if life is None else life),
            {name: digest(text) for name, text in texts.items()},
            self.bundle_refs,
        )
        payload = canonical(manifest)
        self.manifests[version] = (sign("policy", payload, self.online_key, "online-1"), digest(payload))
        return version

    def order(self, *recipes: str, **changes: Any) -> Order:
        """Sign a command for the node. `changes` replace fields of the envelope; `data` those of the sealed part."""
        with self._guard:
            self._dispatch += 1
            command_id = changes.pop("command_id", f"c-{self._dispatch}")
            data = m.CommandData({"command_id": command_id, "type": "execute_recipes"}, (), {}, {})
            data = msgspec.structs.replace(data, **changes.pop("data", {}))
            box = seal(
                self.sealing[self.node_key],
                canonical(data),
                context=sealing_context(INSTALLATION, self.instance_id, command_id),
            )
            version = changes.pop("version", max(self.manifests, default=0))
            now = self.clock()
            envelope = m.CommandEnvelope(
                INSTALLATION,
                self.instance_id,
                STACK,
                command_id,
                self._dispatch,
                "execute_recipes",
                (m.RunStep("custom", recipes),) if recipes else (),
                version,
                0,
                self.manifests[version][1] if version else "",
                digest(box),
                to_text(box),
                now,
                now + HOUR,
                600.0,
            )
            envelope = msgspec.structs.replace(envelope, **changes)
            order = Order(envelope, sign("command", canonical(envelope), self.online_key, "online-1"))
            self.orders[command_id] = order
            return order

    def root(self) -> m.SignedObject:
        now = self.clock()
        manifest = m.RootManifest(
            INSTALLATION,
            1,
            0,
            (m.OnlineKey("online-1", to_text(public_bytes(self.online_key))),),
            to_text(public_bytes(self.root_key)),
            now,
            now + 365 * 24 * HOUR,
        )
        return sign("root", canonical(manifest), self.root_key, "root-1")

    def signed_time(self, nonce: str) -> m.SignedObject:
        return sign("time", canonical(m.SignedTime(self.clock(), nonce)), self.online_key, "online-1")

    # -- the wire -----------------------------------------------------------------------------------------------

    def exchange(self, method: str, path: str, headers: Mapping[str, str], body: bytes) -> tuple[int, bytes]:
        """One request as it came and the answer as it goes: status and body."""
        try:
            with self._guard:
                self.requests.append((path, dict(headers), body))
                answer = self.answer(method, path, headers, body)
            if path in self.fail_next:
                self.fail_next.remove(path)
                raise HttpError(503, m.Refusal("lost"))
        except HttpError as wrong:
            return wrong.status, msgspec.json.encode(wrong.refusal)
        raw = answer if isinstance(answer, bytes) else msgspec.json.encode(answer)
        return 200, self.before_answer(path, raw)

    def answer(self, method: str, path: str, headers: Mapping[str, str], body: bytes) -> msgspec.Struct | bytes:
        unauthorised = HttpError(401, m.Refusal("unauthorized"))
        try:
            request = parse_request(method, path, headers, hashlib.sha256(body).digest())
            key = self.token_key.public_key() if path == m.ENROL_PATH else self.keys.get(request.key_id)
            if key is None or request.key_id in self.dead_keys:
                raise unauthorised
            if abs(request.created - self.clock()) > 300:
                raise HttpError(401, m.Refusal("clock_skew", time=self.signed_time(request.nonce)))
            verify(request, key)
        except (BadRequestShape, BadSignature) as wrong:
            raise unauthorised from wrong
        if path == m.ENROL_PATH:
            return self._enrol(msgspec.json.decode(body, type=m.EnrolRequest))
        lane = (request.key_id, request.lane)
        if (request.epoch, request.sequence) <= self.counters.get(lane, (0, 0)):
            raise HttpError(409, m.Refusal("replay"))
        self.counters[lane] = (request.epoch, request.sequence)
        if request.key_id != self.node_key:
            self.dead_keys.add(self.node_key)
            self.node_key = request.key_id
        return self._route(path, body, request)

    def _route(self, path: str, body: bytes, request: ParsedRequest) -> msgspec.Struct | bytes:
        decode = msgspec.json.decode
        if path in self.refuse:
            raise HttpError(413, m.Refusal("too_much"))
        if path == m.POLL_PATH:
            return self._poll(decode(body, type=m.PollRequest))
        if path == m.ACK_PATH:
            return self._ack(decode(body, type=m.AckRequest))
        if path == m.LOG_PATH:
            return self._log(decode(body, type=m.LogRequest))
        if path == m.RESULT_PATH:
            return self._result(decode(body, type=m.ResultRequest))
        if path == m.MANIFEST_PATH:
            return self.manifests[decode(body, type=m.ManifestRequest).version][0]
        if path == m.PARTS_PATH:
            wanted = decode(body, type=m.PartsRequest).digests
            assert len(wanted) <= 500
            return m.PartsAnswer({each: self.parts[each].decode() for each in wanted})
        if path == m.BUNDLE_PATH:
            return self.bundles[decode(body, type=m.BundleRequest).digest]
        assert path == m.ROTATE_PATH
        return self._rotate(decode(body, type=m.RotateRequest), request.key_id)

    def _enrol(self, request: m.EnrolRequest) -> m.EnrolAnswer:
        node_key, sealing_key = from_text(request.node_key), from_text(request.sealing_key)
        check_proof(
            proof_text(request.token_id, "join", node_key, sealing_key), from_text(request.proof), load_public(node_key)
        )
        key_id = f"n-{fingerprint(node_key)[:16]}"
        if self.node_key not in {"", key_id}:
            raise HttpError(409, m.Refusal("token_used"))
        self._accept_key(key_id, node_key, sealing_key)
        self.node_key = key_id
        time_ = self.signed_time(request.nonce)
        return m.EnrolAnswer(self.instance_id, STACK, key_id, INSTALLATION, self.root(), time_, self.interval)

    def _accept_key(self, key_id: str, node_key: bytes, sealing_key: bytes) -> None:
        self.keys[key_id], self.sealing[key_id] = load_public(node_key), sealing_key

    def _rotate(self, request: m.RotateRequest, old: str) -> m.RotateAnswer:
        node_key, sealing_key = from_text(request.node_key), from_text(request.sealing_key)
        text = rotation_text(old, node_key, sealing_key, request.nonce)
        check_proof(text, from_text(request.proof), load_public(node_key))
        key_id = f"n-{fingerprint(node_key)[:16]}"
        self._accept_key(key_id, node_key, sealing_key)
        self.rotate = False
        return m.RotateAnswer(key_id)

    def _poll(self, request: m.PollRequest) -> m.PollAnswer:
        self.polls.append(request)
        waiting = [each for each in self.orders.values() if not each.acknowledged and not each.refused]
        manifest = None
        if request.nonce and self.manifests:
            current, _ = self.manifests[max(self.manifests)]
            payload = msgspec.json.decode(base64.b64decode(current.payload), type=m.Manifest)
            now = self.clock()
            fresh = msgspec.structs.replace(
                payload, nonce=request.nonce, issued_at=now, expires_at=now + self.policy_life
            )
            manifest = sign("policy", canonical(fresh), self.online_key, "online-1")
        return m.PollAnswer(
            self.interval,
            command=waiting[0].signed if waiting else None,
            abort=self.abort,
            manifest=manifest,
            time=self.signed_time(request.nonce) if request.nonce else None,
            rotate=self.rotate,
            root=self.offered_root,
        )

    def _ack(self, request: m.AckRequest) -> m.Accepted:
        order = self._order(request.command_id)
        if request.refused:
            order.refused = order.refused or request.refused
        else:
            order.acknowledged = True
        return m.Accepted()

    def _log(self, request: m.LogRequest) -> m.Accepted:
        log = self._order(request.command_id).log
        data = base64.b64decode(request.data)
        if request.offset <= len(log):
            log.extend(data[len(log) - request.offset :])
        return m.Accepted(size=len(log))

    def _result(self, request: m.ResultRequest) -> m.Accepted:
        order = self._order(request.command_id)
        order.results_received += 1
        if order.result is not None and order.result != request:
            raise HttpError(409, m.Refusal("another_result"))
        order.result = request
        return m.Accepted()

    def _order(self, command_id: str) -> Order:
        if command_id not in self.orders:
            self.orphans.append(command_id)
            raise HttpError(404, m.Refusal("unknown_command"))
        return self.orders[command_id]


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    control: Control

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers.get("content-length", 0)))
        headers = {name: ", ".join(self.headers.get_all(name, [])) for name in HEADERS}
        status, raw = self.control.exchange(self.command, self.path, headers, body)
        self.send_response(status)
        self.send_header("Content-Length", str(len(raw)))
        self.end_headers()
        self.wfile.write(raw)

    def log_message(self, format: str, *args: Any) -> None:
        """Tests read what the server knows, not its log."""
