"""How many Configure runs it costs when a whole fleet comes up at once (D16; DESIGN, chapter 6).

    python bench/bringup.py [--size 200] [--boot 5:40] [--setup 10:60] [--seed 1]

The loops and the database are the real ones; machines and agents are simulated, and so is time: every instance boots
and sets up for a random while within the given seconds, calls every 2 s, and takes 2 s for a Configure. The value is
the largest number of Configures that any instance ran until all were online and quiet. The last line of output is one
JSON object.
"""

from __future__ import annotations

import argparse
import json
import random
import sys
import tempfile
import time
from collections import Counter
from datetime import datetime, timedelta
from pathlib import Path

import sqlalchemy as sa

ROOT = Path(__file__).resolve().parent.parent
sys.path[:0] = [str(ROOT), str(ROOT / "agent"), str(ROOT / "server")]

from tests.fakes.world import World  # noqa: E402
from toque_server.domain import verbs  # noqa: E402
from toque_server.domain.command import CommandStatus  # noqa: E402
from toque_server.domain.instance import Status  # noqa: E402
from toque_server.reconcile.apply import apply  # noqa: E402
from toque_server.store import commands, configures, contacts, instances  # noqa: E402
from toque_server.store import tables as t  # noqa: E402

TARGET = 3
STEP = 0.25
Span = tuple[float, float]
_POLL = 2.0
_CONFIGURE = timedelta(seconds=2)


class Fleet(World):
    """A world whose agents are cheap to simulate by the thousand."""

    def __init__(self, url: str, folder: Path, boot: Span, setup: Span, seed: int) -> None:
        super().__init__(url, folder)
        self._draw = random.Random(seed)
        self._boot, self._setup = boot, setup
        self._first_call: dict[str, datetime] = {}
        self._next_call: dict[str, datetime] = {}
        self._ends: dict[str, datetime] = {}

    def begin(self, size: int) -> None:
        self.stack()
        self.layer()
        for number in range(size):
            self.instance(f"web-{number}", persistent=False)
        with self.database.write() as conn:
            for each in instances.every(conn):
                apply(conn, verbs.start(each, self.services.new_id(), self.now), self.now, self.services)

    def agents(self) -> None:
        with self.database.write() as conn:
            if len(self._first_call) < len(self.provider.machines):
                for machine in self.provider.machines.values():
                    boots = self.now + timedelta(seconds=self._draw.uniform(*self._boot))
                    self._first_call.setdefault(machine.order.instance_id, boots)
            calling = [id for id, at in self._first_call.items() if self._next_call.get(id, at) <= self.now]
            queues = commands.open_of(conn, calling)
            for id in calling:
                self._next_call[id] = self.now + timedelta(seconds=_POLL * self._draw.uniform(0.9, 1.1))
                contacts.touch(conn, id, "s-1", self.now)
                for command in queues.get(id, ()):
                    if command.acknowledged_at is not None and self._ends[command.id] <= self.now:
                        self.outcome.settle(conn, command, exit_code=0, reason="", at=self.now)
                if (command := commands.next_for(conn, id) if id in queues else None) is not None:
                    commands.acknowledge(conn, command, self.now)
                    long = timedelta(seconds=self._draw.uniform(*self._setup))
                    self._ends[command.id] = self.now + (long if command.type == "setup" else _CONFIGURE)

    def is_settled(self) -> bool:
        with self.database.read() as conn:
            waiting = conn.execute(
                sa.select(t.commands.c.id).where(t.commands.c.completed_at.is_(None)).limit(1)
            ).first()
            up = conn.execute(sa.select(t.instances.c.id).where(t.instances.c.status != Status.ONLINE.value).limit(1))
            return waiting is None and up.first() is None and not configures.all_due(conn)

    def runs(self) -> Counter[str]:
        """Configures that ran, by instance."""
        query = sa.select(t.commands.c.instance_id).where(
            t.commands.c.type == "configure", t.commands.c.status == CommandStatus.SUCCESSFUL.value
        )
        with self.database.read() as conn:
            return Counter(conn.execute(query).scalars())


def measure(size: int, boot: Span, setup: Span, seed: int) -> dict[str, object]:
    with tempfile.TemporaryDirectory() as folder:
        fleet = Fleet(f"sqlite:///{folder}/toque.db", Path(folder), boot, setup, seed)
        began = time.perf_counter()
        fleet.begin(size)
        start = fleet.now
        while not fleet.is_settled():
            fleet.step(STEP)
            if fleet.now - start > timedelta(hours=1):
                raise SystemExit(f"the fleet did not come up within an hour of its own time: {fleet.statuses()}")
        runs = fleet.runs()
        most = max(runs.values())
        result: dict[str, object] = {
            "name": "bringup",
            "value": most,
            "unit": "Configure runs per instance, at most",
            "target": TARGET,
            "met": most <= TARGET and len(runs) == size,
            "size": size,
            "mean": round(sum(runs.values()) / size, 2),
            "settled_after_s": round((fleet.now - start).total_seconds(), 1),
            "computed_in_s": round(time.perf_counter() - began, 1),
        }
        fleet.database.close()
        return result


def span(text: str) -> Span:
    least, _, most = text.partition(":")
    return float(least), float(most or least)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--size", type=int, default=200, help="instances that start at once")
    parser.add_argument("--boot", type=span, default=(5.0, 40.0), help="seconds to first contact, least:most")
    parser.add_argument("--setup", type=span, default=(10.0, 60.0), help="seconds of Setup, least:most")
    parser.add_argument("--seed", type=int, default=1)
    asked = parser.parse_args()
    result = measure(asked.size, asked.boot, asked.setup, asked.seed)
    print(f"{asked.size} instances: {result['mean']} Configure runs each, at most {result['value']}")
    print(json.dumps(result))


if __name__ == "__main__":
    main()
