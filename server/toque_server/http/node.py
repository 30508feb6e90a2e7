"""The agents' routes, `/agent/v1/*`: a plain WSGI callable, reached before Flask (seams 6).

A poll with nothing to deliver is answered from memory: signature, replay, rhythm; no database. Everything else takes
its lane's number in the transaction of its effect, so that a request either happened or did not (S3, R1).

    node_app = NodeApp(services, settle=outcome.settle)
    node_app.start()
    database.on_commit = node_app.wake
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable
from typing import Any

import msgspec
from sqlalchemy.exc import OperationalError

from toque.protocol import messages
from toque.protocol.messages import PollAnswer, PollRequest
from toque_server.http import answers, strict_json
from toque_server.http.admission import Admission
from toque_server.http.answers import Answer, Environ, Refused, StartResponse, malformed, unauthenticated
from toque_server.http.dispatch import Dispatch, Settle
from toque_server.http.enrolment import Enrolment
from toque_server.http.guard import Guard, Request
from toque_server.http.hub import Hub
from toque_server.http.node_facts import Facts
from toque_server.http.node_work import Work
from toque_server.operations.context import Services
from toque_server.store import metrics
from toque_server.store.database import DiskFull

log = logging.getLogger(__name__)

_METRICS_PER_POLL = 60

_DISK_FULL = answers.refusal(
    "507 Insufficient Storage", "disk_full", "the server's disk is full; contacts go on", retry_after=30
)


class NodeApp:
    """One per server process. `start()` it before the first request and `stop()` it after the last.

    `settle` ends a command and does what follows from it, in the transaction of the agent's result
    (`reconcile.outcome`); what it raises of `transient` is answered with 503, and the agent sends it again.
    `admission` limits what is under way at once; by default to the server's threads.
    """

    def __init__(
        self,
        services: Services,
        *,
        settle: Settle,
        transient: tuple[type[Exception], ...] = (),
        admission: Admission | None = None,
    ) -> None:
        self.hub = Hub(services.database, services.settings)
        self.guard = Guard(self.hub.keyring, services.keys)
        self.dispatch = Dispatch(services, self.hub, settle)
        self.hub.after_look = self.dispatch.prefetch
        self.services = services
        self._admission = admission or Admission(max(4, services.settings.threads))
        self._root_version = services.keys.manifest.version
        self._transient: tuple[type[Exception], ...] = (OperationalError, *transient)
        self._draining = False
        work = Work(services, self.hub, self.dispatch, settle)
        self._facts = Facts(services, self.hub)
        self._enrolment = Enrolment(services, self.hub, self.guard)
        self._poll = msgspec.json.Decoder(PollRequest)
        self._routes: dict[str, tuple[msgspec.json.Decoder[Any], Callable[[Request, Any], Answer]]] = {
            messages.ACK_PATH: (msgspec.json.Decoder(messages.AckRequest), work.acknowledge),
            messages.LOG_PATH: (msgspec.json.Decoder(messages.LogRequest), work.log),
            messages.RESULT_PATH: (msgspec.json.Decoder(messages.ResultRequest), work.result),
            messages.MANIFEST_PATH: (msgspec.json.Decoder(messages.ManifestRequest), work.manifest),
            messages.PARTS_PATH: (msgspec.json.Decoder(messages.PartsRequest), work.parts),
            messages.BUNDLE_PATH: (msgspec.json.Decoder(messages.BundleRequest), work.bundle),
            messages.ROTATE_PATH: (msgspec.json.Decoder(messages.RotateRequest), self._enrolment.rotate),
        }

    @property
    def paths(self) -> frozenset[str]:
        """Every route there is: what a test of the guards walks over (S2)."""
        return frozenset({messages.POLL_PATH, messages.ENROL_PATH, *self._routes})

    def start(self) -> None:
        self.hub.start()

    def stop(self) -> None:
        """Write what is in memory, and end the threads."""
        self.drain()
        self.dispatch.stop()
        self.hub.stop()

    def drain(self) -> None:
        """Send agents away from now on: this process is about to end (R26)."""
        self._draining = True

    def wake(self) -> None:
        """Tell it that something was committed, so that a new command is handed out at the next poll."""
        self.hub.wake()

    def __call__(self, environ: Environ, start_response: StartResponse) -> Iterable[bytes]:
        path = environ.get("PATH_INFO", "")
        if self._draining or not self._admission.enter(path):
            answer = self._busy()
        else:
            try:
                answer = self._answer(path, environ)
            finally:
                self._admission.leave(path)
        start_response(answer.status, answer.headers)
        return answer.body

    def _answer(self, path: str, environ: Environ) -> Answer:
        try:
            if path == messages.ENROL_PATH:
                return self._enrolment.enrol(environ)
            request = self.guard.admit(path, environ)
            if path == messages.POLL_PATH:
                return self._answer_poll(request)
            decoder, route = self._routes[path]
            answer = route(request, _decoded(decoder, request.body))
            if request.node.predecessor:
                self._enrolment.settle_rotation(request.node)
            return answer
        except Refused as refused:
            self.guard.note(refused)
            return refused.answer
        except DiskFull:
            return _DISK_FULL
        except self._transient as error:
            # A database that is away is answered like a server that is busy: agents come back (R23).
            log.warning("an agent's request could not be done now: %s", error)
            return self._busy()

    def _answer_poll(self, request: Request) -> Answer:
        node, parsed = request.node, request.parsed
        if not self.hub.keyring.take(node, parsed.epoch, parsed.sequence):
            self._facts.suspect(request, self._poll)
            raise unauthenticated("replay in lane h")
        poll: PollRequest = _decoded(self._poll, request.body)
        if poll.boot_id != node.boot_id:
            node.boot_id, node.boot_since = poll.boot_id, request.now
        # Its result may have gone to another process, whose next command this one has not seen yet.
        ended = bool(node.running) and not poll.running
        node.agent_version, node.running = poll.agent_version, poll.running
        if poll.metrics:
            self.hub.keep_metrics(
                [metrics.Minute(node.instance_id, node.stack_id, one) for one in poll.metrics[:_METRICS_PER_POLL]]
            )
        self._facts.take(request, poll)
        if node.predecessor:
            self._enrolment.settle_rotation(node)
        nothing = not ended and not self.hub.has_something(node.instance_id)
        quiet = not poll.nonce and request.now < node.rotate_at and not self._is_behind(poll)
        if node.conflict or (nothing and quiet):
            answer = answers.of_bytes(self.hub.empty_answer(node.instance_id, node.stack_id))
        else:
            answer = self._deliver(request, poll)
        self.hub.keyring.seen(node, parsed.epoch, parsed.sequence, request.now)
        return answer

    def _deliver(self, request: Request, poll: PollRequest) -> Answer:
        node = request.node
        command = None if poll.disabled else self.dispatch.next_command(request, reported=poll.manifest_version)
        return answers.of(
            PollAnswer(
                interval=round(self.hub.interval(node.instance_id, node.stack_id), 3),
                backoff_cap=self.hub.backoff_cap(),
                command=command,
                abort=self.hub.waiting.to_abort.get(node.instance_id, ""),
                manifest=self.dispatch.fresh_manifest(node.stack_id, poll.nonce) if poll.nonce else None,
                time=self.guard.signed_time(poll.nonce) if poll.nonce else None,
                rotate=request.now >= node.rotate_at,
                root=self.services.keys.root if self._is_behind(poll) else None,
            )
        )

    def _is_behind(self, poll: PollRequest) -> bool:
        """Whether the node knows only an older root manifest, and so not the newest online key (S7, ruling 22).

        Version 0 is what an agent says that does not say.
        """
        return 0 < poll.root_version < self._root_version

    def _busy(self) -> Answer:
        return answers.refusal(
            "503 Service Unavailable", "busy", "come again later", retry_after=self.hub.retry_after()
        )


def _decoded(decoder: msgspec.json.Decoder[Any], body: bytes) -> Any:
    try:
        return strict_json.decoded(decoder, body)
    except ValueError as wrong:
        raise malformed(str(wrong)) from None
