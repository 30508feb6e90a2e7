"""The routes of a node at work: it acknowledges, fetches what it lacks, sends its log and its result (R4, R8, S5).

The instance is the key's, never the request's: what belongs to another node is as unknown as what does not exist.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from functools import partial

import msgspec
from sqlalchemy import Connection

from toque.protocol import run_warnings
from toque.protocol.canonical import canonical
from toque.protocol.keys import BadKey, from_text
from toque.protocol.messages import (
    MAX_CHUNK,
    Accepted,
    AckRequest,
    BundleRequest,
    Causes,
    LogRequest,
    ManifestRequest,
    PartsAnswer,
    PartsRequest,
    ResultRequest,
)
from toque_server.domain import flapping
from toque_server.domain.command import Command, Exit
from toque_server.http import answers
from toque_server.http.answers import Answer, malformed, not_found, unauthenticated
from toque_server.http.dispatch import Dispatch, Settle
from toque_server.http.guard import Request
from toque_server.http.hub import Hub
from toque_server.http.log_masks import LogMasks
from toque_server.operations.context import Services
from toque_server.store import commands, cookbooks, events, instances, logs, nodes, policies, service_errors
from toque_server.store.service_errors import ServiceError

_PARTS = 500
_LONGEST_REASON = 2000
_MOST_RESOURCES = 1_000_000


class Work:
    def __init__(self, services: Services, hub: Hub, dispatch: Dispatch, settle: Settle) -> None:
        self._services = services
        self._hub = hub
        self._dispatch = dispatch
        self._settle = settle
        self._masks = LogMasks(services, dispatch.policies)

    def acknowledge(self, request: Request, message: AckRequest) -> Answer:
        """The command stands in the journal; or it was refused there, and ends here as failed."""
        with self._services.database.write() as conn:
            self._take(conn, request)
            now = self._services.database.now(conn)
            if not message.refused and commands.acknowledge_own(
                conn, message.command_id, request.node.instance_id, number=message.dispatch, at=now
            ):
                return answers.of(Accepted())
            command = self._own(conn, request, message.command_id)
            if command.dispatch != message.dispatch:
                raise answers.conflict("wrong_dispatch", "this command was handed out under another number")
            if message.refused:
                self._refused(conn, command, message.refused[:_LONGEST_REASON], now)
        # One that is left was acknowledged before, or has ended: nothing to do.
        return answers.of(Accepted())

    def _refused(self, conn: Connection, command: Command, why: str, now: datetime) -> None:
        reason = f"refused by the agent: {why}"
        if self._settle(conn, command, exit_code=Exit.DATA, reason=reason, at=now):
            logs.say(conn, command.id, reason)
            events.add(
                conn,
                "command.refused",
                f"{command.type} was refused by the agent: {why}",
                at=now,
                stack_id=command.stack_id,
                instance_id=command.instance_id,
                data={"command_id": command.id},
            )

    def log(self, request: Request, message: LogRequest) -> Answer:
        """A piece of a run's log. The answer says how much is held, which is where the agent goes on."""
        try:
            data = from_text(message.data)
        except BadKey:
            raise malformed("data is not base64") from None
        if len(data) > MAX_CHUNK or message.offset < 0:
            raise malformed(f"a piece has at most {MAX_CHUNK} bytes and an offset from 0 on")
        data = self._masks.blotted(message.command_id, request.node.instance_id, data)
        with self._services.database.write() as conn:
            self._take(conn, request)
            command = self._own(conn, request, message.command_id)
            size = logs.append(conn, command.id, message.offset, data)
        return answers.of(Accepted(size=size))

    def result(self, request: Request, message: ResultRequest) -> Answer:
        """How a run ended. The first result stands; the same again is a success, another one is refused (R8)."""
        warnings = self._warnings(request, message)
        message = msgspec.structs.replace(message, causes=self._causes(request, message))
        said = canonical(msgspec.to_builtins(message)).decode()
        with self._services.database.write() as conn:
            self._take(conn, request)
            now = self._services.database.now(conn)
            command = commands.get(conn, message.command_id)
            if command is None:
                self._orphan(conn, request, message, now)
                return answers.of(Accepted())
            self._check_own(request, command)
            differs = not commands.set_result(conn, command.id, said) and commands.result(conn, command.id) != said
            if differs:
                self._event(conn, command, now, "command.second_result", "another result of a command came: ignored")
            else:
                self._end(conn, command, message, warnings, now)
                if commands.next_for(conn, command.instance_id) is not None:
                    self._services.database.after_commit(partial(self._hub.has_next, command.instance_id))
            size = logs.length(conn, command.id)
        if differs:
            raise answers.conflict("result_differs", "another result of this command is stored already")
        return answers.of(Accepted(size=size))

    def _end(
        self, conn: Connection, command: Command, message: ResultRequest, warnings: Sequence[str], now: datetime
    ) -> None:
        """What follows from a first result. After a verdict of ours it only stands beside that."""
        if message.revision:
            instances.set_cookbook_digest(conn, command.instance_id, message.revision[:64])
        reason = message.reason[:_LONGEST_REASON]
        if not self._settle(conn, command, exit_code=message.exit_code, reason=reason, at=now):
            return
        logs.prune(conn, command.instance_id)
        self._flapping(conn, command, message, now)
        for text in warnings:
            service_errors.add_warning(
                conn,
                ServiceError(
                    id=self._services.new_id(),
                    stack_id=command.stack_id,
                    instance_id=command.instance_id,
                    type=service_errors.WARNING,
                    message=text,
                    created_at=now,
                ),
            )

    def _warnings(self, request: Request, message: ResultRequest) -> list[str]:
        """What the run warns of, kept as short as an agent of ours says it, and without secrets we know (S14)."""
        return self._harmless(request, message, message.warnings)

    def _harmless(self, request: Request, message: ResultRequest, texts: Sequence[str]) -> list[str]:
        told = filter(None, map(run_warnings.one_line, texts[: run_warnings.MOST]))
        mine = partial(self._masks.blotted, message.command_id, request.node.instance_id)
        return [mine(text.encode(errors="replace")).decode(errors="replace") for text in told]

    def _causes(self, request: Request, message: ResultRequest) -> Causes:
        """Why resources changed, with names as short as an agent of ours says them, and counts that are counts."""
        said = message.causes
        return Causes(
            intended=min(max(0, said.intended), _MOST_RESOURCES),
            drift_corrected=min(max(0, said.drift_corrected), _MOST_RESOURCES),
            flapping=tuple(self._harmless(request, message, said.flapping)),
            settled=tuple(self._harmless(request, message, said.settled)),
        )

    def _flapping(self, conn: Connection, command: Command, message: ResultRequest, now: datetime) -> None:
        """One service error for each resource that flaps, as long as it does.

        A Setup that ends well declares what the instance is: what flapped before and is not named by it is gone.
        """
        told = {flapping.message(name): name for name in message.causes.flapping}
        ended = service_errors.end_flapping(
            conn, command.instance_id, of=[flapping.message(name) for name in message.causes.settled], but=list(told)
        )
        if command.type == "setup" and message.exit_code == 0:
            ended += service_errors.end_flapping(conn, command.instance_id, but=list(told))
        for text in ended:
            self._event(conn, command, now, "resource.settled", f"{flapping.name(text)} does not flap any more")
        for text in told:
            error = ServiceError(
                id=self._services.new_id(),
                stack_id=command.stack_id,
                instance_id=command.instance_id,
                type=service_errors.FLAPPING,
                message=text,
                created_at=now,
            )
            if service_errors.add_flapping(conn, error):
                self._event(conn, command, now, "resource.flapping", text)

    def _orphan(self, conn: Connection, request: Request, message: ResultRequest, now: datetime) -> None:
        """A result of a command that a restored backup does not know (R24): kept as an event, so that it ends."""
        events.add(
            conn,
            "command.orphan_result",
            f"a result came of the unknown command {message.command_id[:64]}",
            at=now,
            stack_id=request.node.stack_id,
            instance_id=request.node.instance_id,
            data=msgspec.to_builtins(message),
        )

    def manifest(self, request: Request, message: ManifestRequest) -> Answer:
        self._take_fetch(request)
        with self._services.database.read() as conn:
            signed = policies.signed_manifest(conn, request.node.stack_id, message.version)
        if signed is None:
            raise not_found("there is no such policy")
        return answers.of(signed)

    def parts(self, request: Request, message: PartsRequest) -> Answer:
        self._take_fetch(request)
        if len(message.digests) > _PARTS:
            raise malformed(f"at most {_PARTS} parts at a time")
        with self._services.database.read() as conn:
            found = policies.bodies(conn, request.node.stack_id, message.digests)
        return answers.of(PartsAnswer(found))

    def bundle(self, request: Request, message: BundleRequest) -> Answer:
        """The archive, as it lies on the disk: the shipped one for all, a stack's own for that stack's nodes only."""
        self._take_fetch(request)
        bundles = self._dispatch.bundles
        if message.digest != bundles.builtin.digest:
            with self._services.database.read() as conn:
                if not cookbooks.belongs_to(conn, request.node.stack_id, message.digest):
                    raise not_found("there is no such bundle")
        path = bundles.path(message.digest)
        if path is None:
            raise not_found("there is no such bundle")
        headers = [("Content-Type", "application/octet-stream"), ("Content-Length", str(path.stat().st_size))]
        return Answer("200 OK", headers, bundles.pieces(path))

    def _take(self, conn: Connection, request: Request) -> None:
        """Take the request's number, in the transaction of what it does (S3)."""
        node, parsed = request.node, request.parsed
        if not nodes.advance(conn, node.key_id, parsed.lane, parsed.epoch, parsed.sequence):
            raise unauthenticated(f"replay in lane {parsed.lane}")

    def _take_fetch(self, request: Request) -> None:
        if not self._hub.keyring.take_fetch(request.node, request.parsed.epoch, request.parsed.sequence):
            raise unauthenticated("replay in lane f")

    def _own(self, conn: Connection, request: Request, command_id: str) -> Command:
        command = commands.get(conn, command_id)
        if command is None:
            raise not_found("there is no such command")
        self._check_own(request, command)
        return command

    def _check_own(self, request: Request, command: Command) -> None:
        if command.instance_id != request.node.instance_id or command.dispatch is None:
            raise not_found("there is no such command")

    def _event(self, conn: Connection, command: Command, at: datetime, kind: str, message: str) -> None:
        events.add(
            conn,
            kind,
            message,
            at=at,
            stack_id=command.stack_id,
            instance_id=command.instance_id,
            data={"command_id": command.id},
        )
