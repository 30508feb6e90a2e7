"""Enrolment: a machine with a join token becomes an instance, and learns whom to believe (S1, security.md 2.5)."""

from __future__ import annotations

import secrets
import time
from collections.abc import Callable
from typing import TYPE_CHECKING

import msgspec

import toque.daemon
from toque.daemon.client import Client, Signer
from toque.daemon.config import AgentConfig
from toque.daemon.identity import (
    ROTATE_AFTER,
    Identity,
    KeyPair,
    forget_stray_keys,
    load_keys,
    new_pair,
    save_identity,
)
from toque.daemon.machine import facts_of, fingerprint_of
from toque.daemon.state import State
from toque.daemon.trust import NotBelieved, read_root, read_time
from toque.protocol.canonical import canonical
from toque.protocol.durable import write_durably
from toque.protocol.enrolment import proof_text
from toque.protocol.keys import load_signing_key, public_bytes, to_text
from toque.protocol.messages import ENROL_PATH, EnrolAnswer, EnrolRequest, SignedObject, SignedTime
from toque.protocol.requests import JOIN_INSTALLATION
from toque.protocol.tokens import JoinToken

if TYPE_CHECKING:
    from toque.protocol.registration import OwnKey


class Attempt(msgspec.Struct, frozen=True):
    """An enrolment under way. It is kept, so that an answer that was lost can be asked for again with the same key."""

    token_id: str
    enrolment_id: str
    keys: KeyPair


def enrol(
    state: State, config: AgentConfig, token: JoinToken | OwnKey, *, clock: Callable[[], float] = time.time
) -> Identity:
    """Join with this token, or with the key that the machine registered with, and keep the identity.

    Raises Unreachable, Refused or NotBelieved; call again to go on.

    Nothing that the server says counts before its root manifest is signed by the root key that the token names, and
    its time by an online key that the manifest names.
    """
    attempt = _attempt(state, token)
    keys = load_keys(state, attempt.keys)
    node_key, sealing_key = public_bytes(keys.signing), public_bytes(keys.sealing)
    request = EnrolRequest(
        token_id=token.id,
        node_key=to_text(node_key),
        sealing_key=to_text(sealing_key),
        enrolment_id=attempt.enrolment_id,
        proof=to_text(keys.signing.sign(proof_text(token.id, JOIN_INSTALLATION, node_key, sealing_key))),
        fingerprint=fingerprint_of(config),
        facts=facts_of(config),
        agent_version=toque.daemon.VERSION,
        nonce=secrets.token_hex(16),
    )
    client = Client(
        config.server_url, epoch=state.next_epoch(), ca_file=config.ca_file, clock=clock, believe_time=_hinted_time
    )
    key = load_signing_key(token.seed) if isinstance(token, JoinToken) else token.key
    signer = Signer(JOIN_INSTALLATION, token.key_id, key)
    answer = client.send(ENROL_PATH, request, signer, EnrolAnswer)
    root = read_root(answer.root, token.root_fingerprint)
    now = read_time(answer.time, root.keys, request.nonce)
    if root.manifest.installation_id != answer.installation_id:
        raise NotBelieved("root", "the root manifest is of another installation")
    identity = Identity(
        installation_id=answer.installation_id,
        instance_id=answer.instance_id,
        stack_id=answer.stack_id,
        root_fingerprint=token.root_fingerprint,
        root=answer.root,
        fingerprint=request.fingerprint,
        current=KeyPair(attempt.keys.files, answer.key_id),
        rotate_at=now + next_rotation(),
    )
    save_identity(state, identity)
    (state.root / "enrolment.json").unlink(missing_ok=True)
    forget_stray_keys(state, identity)
    return identity


def next_rotation() -> float:
    """Seconds until the next change of keys, within a tenth, so that a fleet does not change together."""
    return ROTATE_AFTER * (0.9 + secrets.randbelow(200_001) / 1_000_000)


def _attempt(state: State, token: JoinToken | OwnKey) -> Attempt:
    path = state.root / "enrolment.json"
    try:
        known = msgspec.json.decode(path.read_bytes(), type=Attempt)
        if known.token_id == token.id:
            return known
    except (FileNotFoundError, msgspec.DecodeError):
        pass
    attempt = Attempt(token.id, secrets.token_hex(16), new_pair(state))
    write_durably(path, canonical(attempt))
    return attempt


def _hinted_time(said: SignedObject, nonce: str) -> float | None:
    """An agent that knows no key yet takes the server's clock as a hint for its next attempt, and for nothing else."""
    try:
        hint = msgspec.json.decode(msgspec.json.decode(f'"{said.payload}"', type=bytes), type=SignedTime)
    except msgspec.DecodeError:
        return None
    return hint.now if hint.nonce == nonce else None
