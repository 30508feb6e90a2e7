"""The node keys of the installation in memory, with what each poll changes: the poll needs no database (D7).

Every server process has one. Keys are loaded at its start and when one is missing; a revision in the database says
that keys have changed, and `refresh()` then looks again (S10). What it forgets in a crash is at most one flush old.
"""

from __future__ import annotations

import threading
import time
from collections import deque
from collections.abc import Iterable
from zlib import crc32

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from sqlalchemy import Connection

from toque.protocol.keys import load_public
from toque.protocol.messages import Fingerprint
from toque_server.store import nodes
from toque_server.store.contacts import Seen
from toque_server.store.database import Database
from toque_server.store.nodes import NodeKey

ROTATE_AFTER = 30 * 86400.0
"""Seconds after which a node is told to make new keys, ±10 %, spread by its key id (S10)."""

_MISSES_PER_SECOND = 200


class Node:
    """One key of one node, and what its newest poll said. Fields change under the keyring's lock."""

    __slots__ = (
        "agent_version",
        "boot_id",
        "boot_since",
        "conflict",
        "contact",
        "created",
        "dirty",
        "dispatch",
        "epoch",
        "facts",
        "fetch",
        "fingerprint",
        "instance_id",
        "key_id",
        "last_at",
        "predecessor",
        "problems",
        "public_raw",
        "rotate_at",
        "running",
        "sealing",
        "sequence",
        "stack_id",
        "verifier",
    )

    def __init__(self, key: NodeKey, lane: tuple[int, int]) -> None:
        self.key_id = key.key_id
        self.instance_id = key.instance_id
        self.stack_id = key.stack_id
        self.public_raw = key.public
        self.sealing = key.sealing
        self.verifier: Ed25519PublicKey | None = None
        self.conflict = key.conflict
        self.fingerprint: Fingerprint = key.fingerprint
        self.epoch, self.sequence = lane
        self.contact = lane
        self.fetch = (0, 0)
        self.last_at = 0.0
        self.boot_id = ""
        self.boot_since = 0.0
        self.agent_version = ""
        self.running = ""
        self.problems: tuple[str, ...] = ()
        self.facts: object = None
        self.dispatch = -1
        self.dirty = False
        self.predecessor = ""
        self.created = key.created_at.timestamp()
        self.rotate_at = self.created + ROTATE_AFTER * (0.9 + 0.2 * (crc32(key.key_id.encode()) % 1000) / 1000)

    @property
    def public(self) -> Ed25519PublicKey:
        if self.verifier is None:
            self.verifier = load_public(self.public_raw)
        return self.verifier


class Keyring:
    """`find()` is on the path of every request; the rest is for the hub's thread and for rare requests."""

    def __init__(self, database: Database) -> None:
        self.lock = threading.Lock()
        self._database = database
        self._by_id: dict[str, Node] = {}
        self._dirty: list[Node] = []
        self._revision = -1
        self._misses: deque[float] = deque(maxlen=_MISSES_PER_SECOND)

    def __len__(self) -> int:
        return len(self._by_id)

    def find(self, key_id: str) -> Node | None:
        """The node with this key, or None where there is none or it is revoked."""
        node = self._by_id.get(key_id)
        return node if node is not None else self._load(key_id)

    def instances(self) -> Iterable[Node]:
        return list(self._by_id.values())

    def _load(self, key_id: str) -> Node | None:
        # A flood of invented key ids must not become a flood of queries (S23).
        now = time.monotonic()
        if len(self._misses) == _MISSES_PER_SECOND and now - self._misses[0] < 1.0:
            return None
        self._misses.append(now)
        with self._database.read() as conn:
            key = nodes.load(conn, key_id)
            if key is None or key.state == "revoked":
                return None
            lanes = nodes.contact_lanes(conn, [key_id])
            siblings = [one for one in nodes.of_instance(conn, key.instance_id) if one.state == "retiring"]
        with self.lock:
            node = self._by_id.setdefault(key_id, Node(key, lanes.get(key_id, (0, 0))))
            _note_predecessor(node, key, siblings)
            return node

    def refresh(self, conn: Connection) -> bool:
        """Look whether keys changed, and take over what did. True if something had changed."""
        revision = nodes.revision(conn)
        if revision == self._revision:
            return False
        keys = nodes.load_all(conn)
        lanes = nodes.contact_lanes(conn)
        retiring: dict[str, list[NodeKey]] = {}
        for key in keys:
            if key.state == "retiring":
                retiring.setdefault(key.instance_id, []).append(key)
        with self.lock:
            fresh: dict[str, Node] = {}
            for key in keys:
                node = self._by_id.get(key.key_id) or Node(key, lanes.get(key.key_id, (0, 0)))
                node.conflict, node.stack_id = key.conflict, key.stack_id
                _note_predecessor(node, key, retiring.get(key.instance_id, []))
                fresh[key.key_id] = node
            self._by_id = fresh
            self._revision = revision
        return True

    def take(self, node: Node, epoch: int, sequence: int) -> bool:
        """Take a poll's number in lane `h`; False means a replay."""
        with self.lock:
            if (epoch, sequence) <= (node.epoch, node.sequence):
                return False
            node.epoch, node.sequence = epoch, sequence
            return True

    def take_fetch(self, node: Node, epoch: int, sequence: int) -> bool:
        """Take a number in lane `f`, which changes nothing and is therefore remembered in memory only."""
        with self.lock:
            if (epoch, sequence) <= node.fetch:
                return False
            node.fetch = (epoch, sequence)
            return True

    def seen(self, node: Node, epoch: int, sequence: int, now: float) -> None:
        """A poll that is done: the next flush writes it. Until then a transaction may take its number."""
        with self.lock:
            node.last_at = now
            node.contact = (epoch, sequence)
            if not node.dirty:
                node.dirty = True
                self._dirty.append(node)

    def unwritten(self) -> list[tuple[str, float]]:
        """Instance and time of the contacts that no flush has written yet."""
        with self.lock:
            return [(node.instance_id, node.last_at) for node in self._dirty]

    def drain(self, to_time: nodes.ToTime) -> list[Seen]:
        """The contacts since the last call, for one flush; `to_time` makes database time of this machine's clock."""
        with self.lock:
            batch, self._dirty = self._dirty, []
            lines = []
            for node in batch:
                node.dirty = False
                lines.append(
                    Seen(
                        node.key_id,
                        *node.contact,
                        node.instance_id,
                        node.stack_id,
                        to_time(node.last_at),
                        node.boot_id,
                        node.agent_version,
                        node.running,
                    )
                )
            return lines

    def give_back(self, lines: Iterable[Seen]) -> None:
        """A flush failed: its contacts are due again."""
        with self.lock:
            for line in lines:
                node = self._by_id.get(line.key_id)
                if node is not None and not node.dirty:
                    node.dirty = True
                    self._dirty.append(node)


def _note_predecessor(node: Node, key: NodeKey, retiring: Iterable[NodeKey]) -> None:
    others = [one.key_id for one in retiring if one.key_id != key.key_id]
    node.predecessor = others[0] if others and key.state == "current" else ""
