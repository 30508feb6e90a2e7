"""How a machine becomes an instance, and how it changes its keys (S1, S10; security.md 2.5 and 2.8)."""

from __future__ import annotations

import secrets
from datetime import datetime

import msgspec
from cryptography.exceptions import UnsupportedAlgorithm
from msgspec.structs import replace
from sqlalchemy import Connection, select
from sqlalchemy.exc import IntegrityError

from toque.protocol import enrolment, requests
from toque.protocol.keys import KEY_SIZE, BadKey, from_text, load_public
from toque.protocol.messages import (
    ENROL_PATH,
    EnrolAnswer,
    EnrolRequest,
    Facts,
    RotateAnswer,
    RotateRequest,
)
from toque.protocol.registration import verifier
from toque.protocol.signed import BadSignature
from toque_server.domain import soft_limits
from toque_server.domain.instance import Instance, Status
from toque_server.domain.instance_details import InstanceDetails
from toque_server.domain.invalid import Invalid
from toque_server.domain.registration import free_hostname, new_instance, reported
from toque_server.domain.transitions import setup_command
from toque_server.http import answers, strict_json
from toque_server.http.answers import Answer, Environ, Refused, malformed, unauthenticated
from toque_server.http.guard import Guard, Request, read_body
from toque_server.http.hub import Hub
from toque_server.http.keyring import Node
from toque_server.operations.context import Services
from toque_server.store import actions, contacts, events, instances, join_tokens, nodes, overview, stacks
from toque_server.store.join_tokens import Token
from toque_server.store.nodes import NodeKey
from toque_server.store.tables import node_keys


class Enrolment:
    """The route without a known key: the token's seed signs the request, the node key signs the proof within it."""

    def __init__(self, services: Services, hub: Hub, guard: Guard) -> None:
        self._services = services
        self._hub = hub
        self._guard = guard
        self._decoder = msgspec.json.Decoder(EnrolRequest)

    def enrol(self, environ: Environ) -> Answer:
        """Everything in one transaction: the token is used up, the instance bound or made, the key stored (S1)."""
        body = read_body(environ)
        parsed = self._guard.parse(ENROL_PATH, environ, body)
        if parsed.installation != requests.JOIN_INSTALLATION or not parsed.key_id.startswith("jt-"):
            raise unauthenticated("an enrolment is signed with a join token")
        token_id = parsed.key_id.removeprefix("jt-")
        with self._services.database.read() as conn:
            token = join_tokens.get(conn, token_id)
        if token is None:
            raise unauthenticated("unknown join token")
        self._guard.check_clock(parsed, self._guard.now())
        try:
            requests.verify(parsed, verifier(token.public))
        except BadSignature:
            raise unauthenticated("enrolment with a wrong signature") from None
        request = self._decoded(body, token_id)
        node_key, _ = self._check_keys(request)
        try:
            with self._services.database.write() as conn:
                key = self._join(conn, token_id, request, node_key)
        except IntegrityError:
            # Two enrolments of one key at the same moment: the other one made what this one asks for.
            with self._services.database.write() as conn:
                key = self._join(conn, token_id, request, node_key)
        if isinstance(key, Refused):
            raise key
        return self._answer(key, request.nonce)

    def _decoded(self, body: bytes, token_id: str) -> EnrolRequest:
        try:
            request = strict_json.decoded(self._decoder, body)
        except ValueError as wrong:
            raise malformed(str(wrong)) from None
        if request.token_id != token_id:
            raise unauthenticated("the token inside is not the one that signs")
        return request

    def _check_keys(self, request: EnrolRequest) -> tuple[bytes, bytes]:
        text = enrolment.proof_text(
            request.token_id, requests.JOIN_INSTALLATION, *_raw_keys(request.node_key, request.sealing_key)
        )
        return _proven(text, request.proof, request.node_key, request.sealing_key)

    def _join(self, conn: Connection, token_id: str, request: EnrolRequest, node_key: bytes) -> NodeKey | Refused:
        """The key as stored. A refusal is returned and not raised, so that its event is committed."""
        now = self._services.database.now(conn)
        token = join_tokens.get(conn, token_id)
        if token is None:
            raise unauthenticated("unknown join token")
        if (known := _key_with(conn, node_key)) is not None:
            if token.node_key == node_key and known.state == "current":
                return known
            return self._refused(conn, token, now, "this key has joined already with another token, or is revoked")
        if token.node_key is not None and token.uses_left == 0:
            return self._refused(conn, token, now, "this token was used by another key")
        if not token.instance_id and (full := self._full(conn, token.stack_id)):
            return self._refused(conn, token, now, full)
        if token.expires_at <= now or not join_tokens.use(conn, token, node_key):
            return self._refused(conn, token, now, "this token is past its time or used up")
        instance = (
            self._bound(conn, token, request, now) if token.instance_id else self._made(conn, token, request, now)
        )
        if instance is None:
            return self._refused(conn, token, now, "the instance of this token does not exist any more")
        return self._store(conn, instance, request, node_key, now)

    def _full(self, conn: Connection, stack_id: str) -> str:
        """Why the stack takes no further machine (01, S-2); empty where it does."""
        limits = self._services.settings.limits
        try:
            soft_limits.check(limits, "instances", there=overview.number_of(conn, "instances", stack_id))
        except Invalid as full:
            return str(full)
        return ""

    def _refused(self, conn: Connection, token: Token, now: datetime, why: str) -> Refused:
        events.add(
            conn,
            "node.join_refused",
            f"a machine tried to join with token {token.id}: {why}",
            at=now,
            stack_id=token.stack_id,
            instance_id=token.instance_id,
        )
        return answers.conflict("join_refused", f"{why}; ask for a new token")

    def _bound(self, conn: Connection, token: Token, request: EnrolRequest, now: datetime) -> Instance | None:
        """The instance that the token was made for. Its former keys, of a machine that is gone, end here."""
        instance = instances.get(conn, token.instance_id or "")
        if instance is None or instance.status is Status.DEREGISTERING:
            return None
        nodes.revoke(conn, instance.id)
        if instance.status is Status.REGISTERING:
            return self._arrived(conn, instance, request.facts, now)
        return instance

    def _arrived(self, conn: Connection, seen: Instance, facts: Facts, now: datetime) -> Instance | None:
        """The machine of a record that RegisterInstance made: now it is known what it is, and what it calls itself.

        None: somebody deregistered it at the same moment.
        """
        details = instances.details(conn, [seen.id])[seen.id]
        hostname = seen.hostname
        if details.named_by_machine:
            hostname = free_hostname(facts.hostname, instances.hostnames(conn, seen.stack_id) - {seen.hostname})
        arrived = replace(seen, hostname=hostname, booted_at=now)
        if not instances.swap(conn, seen, arrived):
            return None
        instances.set_details(conn, arrived, reported(replace(details, named_by_machine=False), facts))
        return arrived

    def _made(self, conn: Connection, token: Token, request: EnrolRequest, now: datetime) -> Instance:
        """A machine that exists already becomes an instance of the stack: `registering`, on-premises."""
        facts = request.facts
        made = new_instance(
            self._services.new_id(),
            stack_id=token.stack_id,
            hostname=free_hostname(facts.hostname, instances.hostnames(conn, token.stack_id)),
            layer_ids=token.layer_ids,
            now=now,
        )
        instance = replace(made, booted_at=now)
        instances.add(conn, instance, reported(InstanceDetails(registered_by=token.created_by), facts))
        services = self._services
        actions.apply(conn, [setup_command(instance)], now, new_id=services.new_id, times=services.settings.command)
        events.add(
            conn,
            "instance.registered",
            f"{instance.hostname} joined the stack",
            at=now,
            stack_id=instance.stack_id,
            instance_id=instance.id,
        )
        return instance

    def _store(
        self, conn: Connection, instance: Instance, request: EnrolRequest, node_key: bytes, now: datetime
    ) -> NodeKey:
        key = NodeKey(
            key_id=f"n-{secrets.token_hex(12)}",
            instance_id=instance.id,
            stack_id=instance.stack_id,
            public=node_key,
            sealing=from_text(request.sealing_key),
            state="current",
            created_at=now,
            enrolment_id=request.enrolment_id[:64],
            fingerprint=request.fingerprint,
        )
        nodes.add(conn, key)
        contacts.touch(conn, instance.id, instance.stack_id, now)
        contacts.set_facts(conn, instance.id, request.facts)
        stacks.touch(conn, instance.stack_id)
        return key

    def _answer(self, key: NodeKey, nonce: str) -> Answer:
        return answers.of(
            EnrolAnswer(
                instance_id=key.instance_id,
                stack_id=key.stack_id,
                key_id=key.key_id,
                installation_id=self._services.keys.installation_id,
                root=self._services.keys.root,
                time=self._guard.signed_time(nonce),
                interval=round(self._hub.interval(key.instance_id, key.stack_id), 3),
            )
        )

    # -- keys change ---------------------------------------------------------------------------------------------

    def rotate(self, request: Request, message: RotateRequest) -> Answer:
        """Store the successor of a key. Both count until the first request that the new one signs (S10)."""
        old = request.node
        raw = _raw_keys(message.node_key, message.sealing_key)
        text = enrolment.rotation_text(old.key_id, *raw, message.nonce)
        node_key, sealing_key = _proven(text, message.proof, message.node_key, message.sealing_key)
        with self._services.database.write() as conn:
            if not nodes.advance(conn, old.key_id, "k", request.parsed.epoch, request.parsed.sequence):
                raise unauthenticated("replay in lane k")
            known = _key_with(conn, node_key)
            if known is not None:
                if known.instance_id != old.instance_id or known.state != "current":
                    raise answers.conflict("key_in_use", "this key is known already: make a new one")
                return answers.of(RotateAnswer(known.key_id))
            for other in nodes.of_instance(conn, old.instance_id):
                # A successor that was never used: the agent died before it could switch, and made another.
                if other.key_id != old.key_id and other.state != "revoked":
                    nodes.set_state(conn, other.key_id, seen=other.state, new="revoked")
            if not nodes.set_state(conn, old.key_id, seen="current", new="retiring"):
                nodes.set_state(conn, old.key_id, seen="retiring", new="retiring")
            fresh = NodeKey(
                key_id=f"n-{secrets.token_hex(12)}",
                instance_id=old.instance_id,
                stack_id=old.stack_id,
                public=node_key,
                sealing=sealing_key,
                state="current",
                created_at=self._services.database.now(conn),
                enrolment_id=f"rotated-{old.key_id}"[:64],
                fingerprint=old.fingerprint,
                conflict=old.conflict,
            )
            nodes.add(conn, fresh)
        return answers.of(RotateAnswer(fresh.key_id))

    def settle_rotation(self, node: Node) -> None:
        """The new key is in use, so the old one is dead."""
        with self._services.database.write() as conn:
            nodes.set_state(conn, node.predecessor, seen="retiring", new="revoked")
        node.predecessor = ""
        self._hub.look()


def _raw_keys(node_key: str, sealing_key: str) -> tuple[bytes, bytes]:
    try:
        raw = from_text(node_key), from_text(sealing_key)
    except BadKey as wrong:
        raise malformed(str(wrong)) from None
    if any(len(one) != KEY_SIZE for one in raw):
        raise malformed(f"a key has {KEY_SIZE} bytes")
    return raw


def _proven(text: bytes, proof: str, node_key: str, sealing_key: str) -> tuple[bytes, bytes]:
    """The raw keys, once their holder has shown that they are theirs."""
    raw = _raw_keys(node_key, sealing_key)
    try:
        enrolment.check_proof(text, from_text(proof), load_public(raw[0]))
    except (BadKey, BadSignature, UnsupportedAlgorithm):
        raise malformed("the proof is not by the key that it comes with") from None
    return raw


def _key_with(conn: Connection, public: bytes) -> NodeKey | None:
    key_id = conn.execute(select(node_keys.c.key_id).where(node_keys.c.public == public)).scalars().first()
    return None if key_id is None else nodes.load(conn, key_id)
