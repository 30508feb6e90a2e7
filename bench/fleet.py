"""Memory of a server that knows N nodes: every key loaded and used, every contact in memory and flushed.

python bench/fleet.py --nodes 100000
"""

from __future__ import annotations

import argparse
import resource
import subprocess
import sys
import time
from datetime import UTC, datetime
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from sqlalchemy import insert

from bench.installation import installation, node_app, populate, report, services
from toque.protocol.keys import new_signing_key, public_bytes
from toque_server.store import contacts
from toque_server.store import tables as t

TARGET_MB = 1024.0
BATCH = 5000


def main() -> int:
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("--nodes", type=int, default=100_000)
    options.add_argument("--serve", type=Path, help=argparse.SUPPRESS)
    given = options.parse_args()
    if given.serve is not None:
        return serve(given.serve)
    with installation("sqlite") as (directory, _):
        made = services(directory)
        populate(made, 1)
        join(made, given.nodes)
        made.database.close()
        command = [sys.executable, __file__, "--serve", str(directory)]
        out = subprocess.run(command, check=True, capture_output=True, text=True).stdout.split()
    known, recorded, megabytes = int(out[0]), int(out[1]), float(out[2])
    print(f"{known} nodes known, {recorded} contacts recorded, {megabytes:.0f} MB at most")
    met = megabytes <= TARGET_MB and known >= given.nodes and recorded >= given.nodes
    report("fleet", round(megabytes), "MB", TARGET_MB, met=met, nodes=known, recorded=recorded)
    return 0


def join(made: object, count: int) -> None:
    """Keys of `count` more nodes; each has its own, as theirs would."""
    now = datetime.fromtimestamp(time.time(), UTC)
    for start in range(0, count, BATCH):
        rows = [
            {
                "key_id": f"n-more-{number:06d}",
                "instance_id": f"00000000-0000-4000-8000-{number:012d}",
                "stack_id": "bench-stack",
                "public": public_bytes(new_signing_key()),
                "sealing": bytes(32),
                "state": "current",
                "created_at": now,
                "enrolment_id": "bench",
                "fingerprint": '{"machine_id":"0123456789abcdef0123456789abcdef"}',
                "conflict": False,
            }
            for number in range(start, min(start + BATCH, count))
        ]
        with made.database.write() as conn:  # type: ignore[attr-defined]
            conn.execute(insert(t.node_keys), rows)


def serve(directory: Path) -> int:
    """A server process: load every key, take a poll of each node, flush. Prints what it knows and what that took."""
    app = node_app(directory)
    keyring, now = app.hub.keyring, time.time()
    for node in keyring.instances():
        _ = node.public
        keyring.take(node, 1, 1)
        node.boot_id, node.agent_version = "4f6c2b6e-boot-id-of-one-machine", "0.1.0"
        keyring.seen(node, 1, 1, now)
    app.hub.flush()
    with app.services.database.read() as conn:
        recorded = len(contacts.last(conn))
    app.stop()
    print(len(keyring), recorded, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024)
    return 0


if __name__ == "__main__":
    sys.exit(main())
