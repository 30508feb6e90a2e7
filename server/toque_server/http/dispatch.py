"""Handing out commands: the next one, against the newest policy, sealed to the node and signed once (R4, S6, S13)."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Protocol

import msgspec
from sqlalchemy import Connection
from sqlalchemy.exc import IntegrityError

from toque.protocol.canonical import canonical, digest
from toque.protocol.keys import to_text
from toque.protocol.messages import BundleRef, CommandEnvelope, SignedObject
from toque.protocol.sealing import seal, sealing_context
from toque.protocol.signed import sign
from toque_server.cookbooks.bundles import Bundles
from toque_server.cookbooks.sources import Sources
from toque_server.domain import runlist
from toque_server.domain.command import Command
from toque_server.domain.policy import Issued
from toque_server.domain.world import InstanceOf
from toque_server.http import command_data
from toque_server.http.command_data import Asked
from toque_server.http.guard import Request
from toque_server.http.hub import Hub
from toque_server.http.keyring import Node
from toque_server.http.policy import Policies, Snapshot
from toque_server.operations.context import Services
from toque_server.store import commands, contacts, cookbooks, instances, nodes

_NO_EXPIRY = timedelta(days=365)
"""What the envelope says of a command that does not expire: the Setup after a boot (E-16)."""


_TAKES_COOKBOOKS = frozenset({"setup", "update_custom_cookbooks"})
"""Commands with which an instance takes the stack's cookbooks; all others run those that it has (ruling 18)."""

_TRIES = 5
_REMEMBERED = 64


class _NotReady(Exception):
    """Something must happen outside of the transaction first: a fetch of the source, or a reading of the stack."""

    def __init__(self, stack_id: str, *, fetch: bool) -> None:
        self.stack_id, self.fetch = stack_id, fetch


class Settle(Protocol):
    """Ends a command and does what follows from it, in the caller's transaction (`reconcile.outcome`).

    Answers False, and does nothing, if the command has ended already.
    """

    def __call__(self, conn: Connection, command: Command, *, exit_code: int, reason: str, at: datetime) -> bool: ...


class Dispatch:
    """One per server process. `bundles` and `policies` are used by the routes that agents fetch from."""

    def __init__(self, services: Services, hub: Hub, settle: Settle) -> None:
        self.bundles = Bundles(services.settings.data_dir)
        _ = self.bundles.builtin  # packed now, not while the first node waits for its first command
        self.policies = Policies(services, self.bundles)
        self._services = services
        self._hub = hub
        self._settle = settle
        self._asked: dict[str, Asked] = {}
        self._refs: dict[tuple[str, str], BundleRef] = {}
        self._sources = Sources(
            services.database,
            services.vault,
            self.bundles,
            self._fail,
            allow_insecure=services.settings.allow_insecure_sources,
        )

    def stop(self) -> None:
        self._sources.stop()

    def prefetch(self) -> None:
        """Bring the cookbooks that the first Setup of a stack will want, while its machine still boots."""
        self._sources.prefetch()

    def next_command(self, request: Request, *, reported: int = 0) -> SignedObject | None:
        """What this node is to do next: the same envelope until it is acknowledged, or a new one, or None."""
        for _ in range(_TRIES):
            try:
                return self._dispatch(request, reported)
            except _NotReady as wanted:
                if wanted.fetch:
                    self._sources.fetch(wanted.stack_id)
                    return None
                # Read it outside of the transaction, so that the next one is short.
                with self._services.database.read() as conn:
                    self.policies.snapshot(conn, wanted.stack_id)
            except IntegrityError:
                # Another process issued the same version of the policy meanwhile; now there is one to take.
                continue
        return None

    def fresh_manifest(self, stack_id: str, nonce: str) -> SignedObject | None:
        with self._services.database.read() as conn:
            return self.policies.fresh(conn, stack_id, nonce, self._services.database.now(conn))

    def _dispatch(self, request: Request, reported: int) -> SignedObject | None:
        node, parsed = request.node, request.parsed
        with self._services.database.write() as conn:
            command = commands.next_for(conn, node.instance_id)
            if command is None:
                return None
            if command.dispatched_at is not None:
                return _stored(conn, command)
            if not self._sources.ready(conn, command):
                raise _NotReady(command.stack_id, fetch=True)
            if (snapshot := self.policies.known(conn, command.stack_id)) is None:
                raise _NotReady(command.stack_id, fetch=False)
            if not request.taken and not nodes.advance(conn, node.key_id, "h", parsed.epoch, parsed.sequence):
                return None  # a replay that another process has not seen gives no dispatch number (ruling 20)
            contacts.touch(conn, node.instance_id, node.stack_id, self._hub.to_time(request.now))
            instance = snapshot.instances.get(node.instance_id)
            if instance is None:
                return None
            now = self._services.database.now(conn)
            issued = self.policies.for_command(conn, snapshot, command.cause_id, now, reported=reported)
            number = commands.next_number(conn, node.instance_id)
            signed = self._envelope(conn, node, command, snapshot, instance, issued, number, now)
            handed_out = commands.set_dispatched(
                conn,
                command,
                number=number,
                manifest_version=issued.version,
                envelope=msgspec.json.encode(signed),
                at=now,
            )
            if not handed_out:
                return _stored(conn, command)
        node.dispatch = max(node.dispatch, number)
        return signed

    def _envelope(
        self,
        conn: Connection,
        node: Node,
        command: Command,
        snapshot: Snapshot,
        instance: InstanceOf,
        issued: Issued,
        number: int,
        now: datetime,
    ) -> SignedObject:
        keys = self._services.keys
        recipes = [snapshot.layers[layer_id] for layer_id in instance.layer_ids if layer_id in snapshot.layers]
        asked = self._asked_by(conn, command)
        data = command_data.build(conn, self._services, snapshot.world, snapshot.private, instance, command, asked, now)
        context = sealing_context(keys.installation_id, instance.id, command.id)
        sealed = seal(node.sealing, canonical(msgspec.to_builtins(data)), context=context)
        envelope = CommandEnvelope(
            installation_id=keys.installation_id,
            instance_id=instance.id,
            stack_id=command.stack_id,
            command_id=command.id,
            dispatch=number,
            type=command.type,
            steps=runlist.steps(command.type, recipes, command.args),
            manifest_version=issued.version,
            recovery_epoch=self.policies.recovery_epoch,
            manifest_digest=issued.digest,
            data_digest=digest(sealed),
            sealed=to_text(sealed),
            issued_at=now.timestamp(),
            expires_at=(command.expires_at or now + _NO_EXPIRY).timestamp(),
            deadline_seconds=command.deadline_seconds,
            custom=self._custom(conn, command, snapshot.world.stack.cookbook_digest),
        )
        return sign("command", canonical(msgspec.to_builtins(envelope)), keys.online, keys.online_id)

    def _custom(self, conn: Connection, command: Command, current: str | None) -> BundleRef | None:
        """The users' cookbooks of this run: the stack's for a command that takes them, else what the instance has."""
        if current is None:
            return None
        has = None if command.type in _TAKES_COOKBOOKS else instances.cookbook_digest(conn, command.instance_id)
        return (self._ref(conn, command.stack_id, has) if has else None) or self._ref(conn, command.stack_id, current)

    def _ref(self, conn: Connection, stack_id: str, bundle: str) -> BundleRef | None:
        """A bundle of this stack; remembered, for what a digest names never changes."""
        known = self._refs.get((stack_id, bundle))
        if known is None and (known := cookbooks.ref_of(conn, stack_id, bundle)) is not None:
            self._refs[stack_id, bundle] = known
            while len(self._refs) > _REMEMBERED:
                self._refs.pop(next(iter(self._refs)), None)
        return known

    def _asked_by(self, conn: Connection, command: Command) -> Asked:
        """What the command's deployment tells all its nodes, remembered for the next of them."""
        if command.deployment_id is None:
            return Asked()
        asked = self._asked.get(command.deployment_id)
        if asked is None:
            asked = self._asked[command.deployment_id] = command_data.read_asked(
                conn, self._services.vault, command.deployment_id
            )
            while len(self._asked) > _REMEMBERED:
                self._asked.pop(next(iter(self._asked)), None)
        return asked

    def _fail(self, conn: Connection, command: Command, exit_code: int, reason: str, at: datetime) -> None:
        self._settle(conn, command, exit_code=exit_code, reason=reason, at=at)


def _stored(conn: Connection, command: Command) -> SignedObject | None:
    envelope = commands.envelope(conn, command.id)
    return None if envelope is None else msgspec.json.decode(bytes(envelope), type=SignedObject)
