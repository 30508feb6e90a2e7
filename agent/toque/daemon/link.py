"""The agent's standing with its server: identity, keys, trust and clock in one place, shared by its two threads."""

from __future__ import annotations

import secrets
import threading
from collections.abc import Callable
from typing import TypeVar

import msgspec

from toque.daemon.client import Client, Refused, Signer
from toque.daemon.enrol import next_rotation
from toque.daemon.identity import Identity, Keys, forget_stray_keys, load_keys, new_pair, save_identity
from toque.daemon.policy import Seen, load_seen, save_seen
from toque.daemon.state import State
from toque.daemon.trust import NotBelieved, Root, read_root, read_time
from toque.protocol.enrolment import rotation_text
from toque.protocol.keys import public_bytes, to_text
from toque.protocol.messages import ROTATE_PATH, RotateAnswer, RotateRequest, SignedObject

T = TypeVar("T")


class Link:
    """Send messages as this node, with the key that the server accepts.

    While keys change, two pairs may be valid; when the server answers 401 the other one is tried, once (S10).
    """

    def __init__(self, state: State, identity: Identity, client: Client) -> None:
        self.state = state
        self.identity = identity
        self.client = client
        self.root: Root = read_root(identity.root, identity.root_fingerprint)
        self.seen: Seen = load_seen(state)
        self._guard = threading.Lock()
        self._keys = self._load()
        client.believe_time = self._believed

    @property
    def signer(self) -> Signer:
        return Signer(self.identity.installation_id, self._keys[0].key_id, self._keys[0].signing)

    @property
    def keys(self) -> list[Keys]:
        """The current key pair, and after it the other one, if there are two."""
        return self._keys

    def now(self) -> float:
        """The best clock there is: ours, corrected, but never before a time that the server signed."""
        return max(self.client.now(), self.seen.signed_now)

    def send(self, path: str, message: msgspec.Struct, answer: type[T]) -> T:
        """Send a message; see `Client.send`."""
        return self._with_a_key(lambda: self.client.send(path, message, self.signer, answer))

    def remember(self, seen: Seen) -> None:
        """Keep what was seen of policies, durably, when it is news."""
        if seen != self.seen:
            save_seen(self.state, seen)
            self.seen = seen

    def learn_root(self, obj: SignedObject) -> None:
        """Take over a newer root manifest of the same root key; older ones are ignored, others not believed."""
        root = read_root(obj, self.identity.root_fingerprint)
        if root.manifest.installation_id != self.identity.installation_id:
            raise NotBelieved("root", "the root manifest is of another installation")
        if root.manifest.version > self.root.manifest.version:
            self._become(msgspec.structs.replace(self.identity, root=obj))
            self.root = root

    def rotation_is_due(self) -> bool:
        return self.identity.pending is not None or self.now() >= self.identity.rotate_at

    def rotate(self) -> None:
        """Change the node's keys. Killed at any step, one working identity is left, and a new call goes on (S10).

        The new pair is on disk before anybody hears of it. Both pairs are valid until the first request with the new.
        """
        with self._guard:
            pending = self.identity.pending or new_pair(self.state)
            self._become(msgspec.structs.replace(self.identity, pending=pending))
            old, new = self._keys[0], load_keys(self.state, pending)
            node_key, sealing_key, nonce = public_bytes(new.signing), public_bytes(new.sealing), secrets.token_hex(16)
            text = rotation_text(old.key_id, node_key, sealing_key, nonce)
            proof = to_text(new.signing.sign(text))
            request = RotateRequest(to_text(node_key), to_text(sealing_key), proof, nonce)
            answer = self.client.send(ROTATE_PATH, request, self.signer, RotateAnswer)
            self._become(
                msgspec.structs.replace(
                    self.identity,
                    current=msgspec.structs.replace(pending, key_id=answer.key_id),
                    other=self.identity.current,
                    pending=None,
                    rotate_at=self.now() + next_rotation(),
                )
            )
            forget_stray_keys(self.state, self.identity)

    def _with_a_key(self, attempt: Callable[[], T]) -> T:
        used = self.identity.current.key_id
        try:
            return attempt()
        except Refused as refused:
            if refused.status != 401 or self.identity.other is None:
                raise
            self._swap_keys_unless_changed(used)
            tried = self.identity.current.key_id
            try:
                return attempt()
            except Refused:
                self._swap_keys_unless_changed(tried)
                raise

    def _swap_keys_unless_changed(self, used: str) -> None:
        with self._guard:
            other = self.identity.other
            if other is not None and self.identity.current.key_id == used:
                self._become(msgspec.structs.replace(self.identity, current=other, other=self.identity.current))

    def _become(self, identity: Identity) -> None:
        if identity != self.identity:
            save_identity(self.state, identity)
            self.identity = identity
            self._keys = self._load()

    def _load(self) -> list[Keys]:
        pairs = [self.identity.current, self.identity.other]
        return [load_keys(self.state, pair) for pair in pairs if pair is not None]

    def _believed(self, said: SignedObject, nonce: str) -> float | None:
        try:
            return read_time(said, self.root.keys, nonce)
        except NotBelieved:
            return None
