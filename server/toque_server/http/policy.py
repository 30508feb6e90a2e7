"""Making a stack's policy when a dispatch needs one: read once per change, store what is new, sign (ruling 16)."""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Mapping
from datetime import datetime

import msgspec
from sqlalchemy import Connection

from toque.protocol.canonical import canonical, digest
from toque.protocol.keys import from_text
from toque.protocol.messages import BundleRef, Manifest, RootManifest, SignedObject
from toque.protocol.signed import sign
from toque_server.cookbooks.bundles import Bundles
from toque_server.domain import bags, policy
from toque_server.domain.policy import Issued
from toque_server.domain.runlist import LayerRecipes
from toque_server.domain.world import InstanceOf, World
from toque_server.operations.context import Services
from toque_server.store import cookbooks, policies, world
from toque_server.store.levels import Private, read_private

_REMEMBERED = 64
_FIRSTS = 1024
_FURTHEST_JUMP = 1 << 20


class Snapshot(msgspec.Struct, frozen=True):
    """A stack as its change number found it. `names` are the manifest's parts, `bodies` their text by digest.

    `instances` are the world's by id, `layers` what each layer runs, by its id.

    `private` is what no policy shows: every writer of it counts a change of the stack as well.
    """

    world: World
    names: Mapping[str, str]
    bodies: Mapping[str, str]
    private: Private
    instances: Mapping[str, InstanceOf]
    layers: Mapping[str, LayerRecipes]


class Policies:
    """One per server process; remembers the newest snapshot of the stacks that were used last."""

    def __init__(self, services: Services, bundles: Bundles) -> None:
        self._services = services
        self._bundles = bundles
        self._snapshots: OrderedDict[str, Snapshot] = OrderedDict()
        self._firsts: dict[str, tuple[Issued, datetime]] = {}
        self._signers: dict[str, str] = {}
        self._lock = threading.Lock()
        root = msgspec.json.decode(from_text(services.keys.root.payload), type=RootManifest)
        self.recovery_epoch = root.recovery_epoch

    def known(self, conn: Connection, stack_id: str) -> Snapshot | None:
        """What `snapshot()` would find in memory; None if it would have to read."""
        known = self._snapshots.get(stack_id)
        return known if known is not None and known.world.change == world.change_of(conn, stack_id) else None

    def snapshot(self, conn: Connection, stack_id: str) -> Snapshot | None:
        """The stack as it is in this transaction; None if it is gone. Read once for all commands of one change."""
        change = world.change_of(conn, stack_id)
        known = self._snapshots.get(stack_id)
        if known is not None and known.world.change == change:
            return known
        # One at a time: a thousand nodes that ask at once for one stack want it read once.
        with self._lock:
            known = self._snapshots.get(stack_id)
            if known is not None and known.world.change == change:
                return known
            found = world.load(conn, self._services.vault, stack_id, account_id=self._services.keys.account_id)
            if found is None:
                return None
            snapshot = _snapshot(found, read_private(conn, self._services.vault, found))
            self._snapshots[stack_id] = snapshot
            self._snapshots.move_to_end(stack_id)
            while len(self._snapshots) > _REMEMBERED:
                self._snapshots.popitem(last=False)
            return snapshot

    def for_command(
        self, conn: Connection, snapshot: Snapshot, cause_id: str, now: datetime, *, reported: int = 0
    ) -> Issued:
        """The policy that a command dispatched now names: its cause's if fresh, else the newest, else a new one.

        `reported` is the highest version that the node has seen; after the restore of a backup it may be above ours,
        and we go on above it (R24).
        """
        stack_id = snapshot.world.stack.id
        first = self._first_of(conn, stack_id, cause_id)
        may_share = first is not None and first[0].version >= reported and policy.shares(first[1], now)
        if first is not None and may_share and self._is_ours(conn, stack_id, first[0]):
            return first[0]
        newest = policies.newest(conn, stack_id)
        usable = newest is not None and newest.version >= reported and self._is_ours(conn, stack_id, newest)
        if newest is not None and usable and not policy.must_issue(newest, snapshot.world.change, now):
            return newest
        bundles = self.bundles_of(conn, snapshot.world)
        if newest is not None and usable and now - newest.issued_at < policy.RENEW_AFTER:
            signed = policies.signed_manifest(conn, stack_id, newest.version)
            said = None if signed is None else policies.manifest_of(signed)
            if said is not None and said.parts == snapshot.names and said.bundles == bundles:
                policies.set_change(conn, stack_id, newest, snapshot.world.change)
                return newest
        version = (newest.version if newest is not None else 0) + 1
        if version <= reported <= version + _FURTHEST_JUMP:
            version = reported + 1
        return self._issue(conn, snapshot, bundles, version, now)

    def _is_ours(self, conn: Connection, stack_id: str, issued: Issued) -> bool:
        """Whether the online key of today signed it: of the keys before, nodes trust only the last (ruling 22)."""
        signer = self._signers.get(issued.digest)
        if signer is None:
            signed = policies.signed_manifest(conn, stack_id, issued.version)
            signer = self._signers[issued.digest] = "" if signed is None else signed.key
            while len(self._signers) > _FIRSTS:
                self._signers.pop(next(iter(self._signers)), None)
        return signer == self._services.keys.online_id

    def _first_of(self, conn: Connection, stack_id: str, cause_id: str) -> tuple[Issued, datetime] | None:
        """The policy of a cause's first dispatch, and when that was; it never changes once it is there."""
        first = self._firsts.get(cause_id)
        if first is None:
            first = policies.shared(conn, stack_id, cause_id)
            if first is not None:
                self._firsts[cause_id] = first
                while len(self._firsts) > _FIRSTS:
                    self._firsts.pop(next(iter(self._firsts)), None)
        return first

    def _issue(
        self, conn: Connection, snapshot: Snapshot, bundles: Mapping[str, BundleRef], version: int, now: datetime
    ) -> Issued:
        stack_id = snapshot.world.stack.id
        payload = self._payload(stack_id, version, now, snapshot.names, bundles)
        issued = Issued(version=version, change=snapshot.world.change, issued_at=now, digest=digest(payload))
        policies.add(conn, stack_id, issued, self._signed(payload), snapshot.bodies)
        self._signers[issued.digest] = self._services.keys.online_id
        return issued

    def fresh(self, conn: Connection, stack_id: str, nonce: str, now: datetime) -> SignedObject | None:
        """The newest policy signed anew over a node's nonce: proof that it is the newest, whatever clocks say."""
        newest = policies.newest(conn, stack_id)
        signed = None if newest is None else policies.signed_manifest(conn, stack_id, newest.version)
        if newest is None or signed is None:
            return None
        said = policies.manifest_of(signed)
        return self._signed(self._payload(stack_id, newest.version, now, said.parts, said.bundles, nonce[:128]))

    def bundles_of(self, conn: Connection, of: World) -> dict[str, BundleRef]:
        refs = {"builtin": self._bundles.builtin}
        if of.stack.cookbook_digest is not None:
            custom = cookbooks.get(conn, of.stack.cookbook_digest)
            if custom is not None:
                refs["custom"] = BundleRef(custom.digest, custom.size)
        return refs

    def _payload(
        self,
        stack_id: str,
        version: int,
        now: datetime,
        parts: Mapping[str, str],
        bundles: Mapping[str, BundleRef],
        nonce: str = "",
    ) -> bytes:
        made: Manifest = policy.manifest(
            installation_id=self._services.keys.installation_id,
            stack_id=stack_id,
            recovery_epoch=self.recovery_epoch,
            version=version,
            now=now,
            parts=parts,
            bundles=bundles,
            nonce=nonce,
        )
        return canonical(msgspec.to_builtins(made))

    def _signed(self, payload: bytes) -> SignedObject:
        return sign("policy", payload, self._services.keys.online, self._services.keys.online_id)


def _snapshot(found: World, private: Private) -> Snapshot:
    names: dict[str, str] = {}
    bodies: dict[str, str] = {}
    for name, item in bags.public_parts(found).items():
        body = canonical(item)
        names[name] = digest(body)
        bodies[names[name]] = body.decode()
    return Snapshot(
        found,
        dict(sorted(names.items())),
        bodies,
        private,
        instances={instance.id: instance for instance in found.instances},
        layers={layer.id: LayerRecipes(layer.type, layer.recipes) for layer in found.layers},
    )
