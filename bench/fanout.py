"""Configure to N nodes after one change: how long until every command is written, and what handing them out stores.

Nodes are simulated in this process; decision, database, policies, sealing and signatures are the server's own.

    python bench/fanout.py --nodes 1000 --database sqlite
"""

from __future__ import annotations

import argparse
import sys
import time
from datetime import timedelta
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

import msgspec
from sqlalchemy import func, select

from bench.installation import STACK, agents_of, installation, node_app, populate, report, services
from toque_server.domain import coalesce
from toque_server.store import actions, configures, instances
from toque_server.store import tables as t

TARGET = 0.5


def main() -> int:
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("--nodes", type=int, default=1000)
    options.add_argument("--database", choices=("sqlite", "postgres"), default="sqlite")
    given = options.parse_args()
    with installation(given.database) as (directory, _):
        made = services(directory)
        fleet = populate(made, given.nodes)
        app = node_app(directory)
        agents = agents_of(app, fleet, made.keys.installation_id)
        configure(made)
        deliver(app, agents)
        before = stored(made)
        change_one(made, fleet[0][0])
        written, seconds = configure(made)
        started, spent = time.perf_counter(), time.process_time()
        delivered = deliver(app, agents)
        handing_out, spent = time.perf_counter() - started, time.process_time() - spent
        after = stored(made)
        app.stop()
        made.database.close()
    growth = {name: after[name] - before[name] for name in before}
    print(f"{written} commands written in {seconds:.3f} s; {delivered} handed out, acknowledged and ended")
    print(f"in {handing_out:.2f} s ({delivered / handing_out:.0f}/s, agents' work included); bytes: {growth}")
    met = seconds <= TARGET and written == given.nodes == delivered
    report(
        "fanout",
        round(seconds, 3),
        "s",
        TARGET,
        met=met,
        nodes=given.nodes,
        database=given.database,
        handed_out_per_second=round(delivered / handing_out),
        processor_ms_per_command=round(1000 * spent / max(delivered, 1), 2),
        bytes_of_policy=growth["policies"] + growth["parts"],
    )
    return 0


def configure(made: Any) -> tuple[int, float]:
    """What the Configure loop does once the stack is quiet: decide, and write a command for each online instance."""
    times = made.settings.configure
    with made.database.write() as conn:
        now = made.database.now(conn)
        configures.touch(conn, STACK, at=now, cause="bench")
    started = time.perf_counter()
    with made.database.write() as conn:
        later = now + times.quiet + timedelta(milliseconds=1)
        due = next(each for each in configures.all_due(conn) if each.stack_id == STACK)
        decided = coalesce.decide(due, instances.of_stack(conn, STACK), times, later)
        assert isinstance(decided, coalesce.Configure), decided
        actions.apply(conn, [decided], later, new_id=made.new_id, times=made.settings.command)
    return len(decided.recipients), time.perf_counter() - started


def deliver(app: Any, agents: list[Any]) -> int:
    """Every node polls, acknowledges and reports success."""
    app.hub.look()
    done = 0
    for agent in agents:
        envelope = agent.open(agent.poll())
        if envelope is not None:
            agent.acknowledge(envelope)
            agent.finish(envelope)
            done += 1
    return done


def change_one(made: Any, instance_id: str) -> None:
    with made.database.write() as conn:
        instance = instances.get(conn, instance_id)
        assert instance is not None
        details = instances.details(conn, [instance_id])[instance_id]
        instances.set_details(conn, instance, msgspec.structs.replace(details, private_ip="10.1.1.1"))


def stored(made: Any) -> dict[str, int]:
    """Bytes of what dispatch writes: policies, their parts, and the envelopes of commands."""
    columns = {"policies": t.policies.c.manifest, "parts": t.parts.c.body, "envelopes": t.commands.c.envelope}
    with made.database.read() as conn:
        return {
            name: int(conn.execute(select(func.coalesce(func.sum(func.length(column)), 0))).scalar_one())
            for name, column in columns.items()
        }


if __name__ == "__main__":
    sys.exit(main())
