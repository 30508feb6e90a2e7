"""Signed polls per second: verified, recorded, flushed to the database; the load generator shares the machine.

Requests are signed beforehand and sent over keep-alive connections on loopback to granian, as `toque server run` uses
it. After the run every contact must stand in the database.

    python bench/polls.py --database postgres --workers 2 --seconds 10
"""

from __future__ import annotations

import argparse
import os
import select
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

import msgspec

from bench.installation import installation, node_app, populate, report, services
from toque.protocol.messages import POLL_PATH, PollRequest
from toque.protocol.requests import sign_request
from toque_server.store import contacts

TARGETS = {"sqlite": 3000.0, "postgres": 5000.0}
CONNECTIONS = 32


def serve() -> Any:
    """The WSGI target of granian's workers."""
    return node_app(Path(os.environ["TOQUE_BENCH_DIR"]))


def main() -> int:
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("--database", choices=sorted(TARGETS), default="sqlite")
    options.add_argument("--workers", type=int, default=0, help="processes; default 1 on SQLite, 2 on PostgreSQL")
    options.add_argument("--threads", type=int, default=2, help="threads of each process that serve requests")
    options.add_argument("--seconds", type=float, default=5.0)
    options.add_argument("--nodes", type=int, default=2000)
    given = options.parse_args()
    workers = given.workers or (1 if given.database == "sqlite" else 2)
    with installation(given.database) as (directory, _):
        made = services(directory)
        fleet = populate(made, given.nodes)
        count = int(given.seconds * TARGETS[given.database] * 2.2)
        print(f"signing {count} polls of {given.nodes} nodes …", flush=True)
        lanes = signed(fleet, made.keys.installation_id, count)
        server, port = started(directory, workers, given.threads)
        try:
            done, seconds, late = run(port, lanes, given.seconds)
            recorded = wait_for_contacts(made, min(done, given.nodes))
        finally:
            os.killpg(server.pid, signal.SIGTERM)
            server.wait(20)
        made.database.close()
    rate = round(done / seconds)
    print(f"{done} polls in {seconds:.2f} s on {workers} worker(s): {rate}/s; {recorded} contacts recorded")
    report(
        "polls",
        rate,
        "polls/s",
        TARGETS[given.database],
        met=rate >= TARGETS[given.database] and recorded >= min(done, given.nodes),
        database=given.database,
        workers=workers,
        nodes=given.nodes,
        median_ms=round(late[len(late) // 2] * 1000, 2),
        p99_ms=round(late[int(len(late) * 0.99)] * 1000, 2),
        recorded=recorded,
    )
    return 0


def signed(fleet: list[tuple[str, Any, Any]], installation_id: str, count: int) -> list[list[bytes]]:
    """Whole HTTP requests by connection. A node's requests go over one connection, in their order."""
    lanes: list[list[bytes]] = [[] for _ in range(CONNECTIONS)]
    body = msgspec.json.encode(PollRequest(agent_version="0.1.0", boot_id="boot", highest_dispatch=0))
    now = time.time()
    for number in range(count):
        index, sequence = number % len(fleet), number // len(fleet) + 1
        headers = sign_request(
            path=POLL_PATH,
            body=body,
            installation=installation_id,
            key_id=f"n-{index:06d}",
            key=fleet[index][1],
            epoch=1,
            lane="h",
            sequence=sequence,
            now=now,
        )
        lines = "".join(f"{name}: {value}\r\n" for name, value in headers.items())
        head = f"POST {POLL_PATH} HTTP/1.1\r\nHost: bench\r\nContent-Length: {len(body)}\r\n{lines}\r\n"
        lanes[index % CONNECTIONS].append(head.encode() + body)
    return lanes


def started(directory: Path, workers: int, threads: int) -> tuple[subprocess.Popen[bytes], int]:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    command = [
        sys.executable, "-m", "granian", "--interface", "wsgi", "--factory", "--host", "127.0.0.1", "--port", str(port),
        "--workers", str(workers), "--blocking-threads", str(threads), "--runtime-threads", "1", "--http", "1",
        "--no-ws", "--log-level", "warning", "bench.polls:serve",
    ]  # fmt: skip
    environment = {**os.environ, "TOQUE_BENCH_DIR": str(directory)}
    environment["PYTHONPATH"] = os.pathsep.join(entry for entry in sys.path if entry)
    server = subprocess.Popen(command, env=environment, start_new_session=True)
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline:
        try:
            socket.create_connection(("127.0.0.1", port), timeout=1).close()
            return server, port
        except OSError:
            time.sleep(0.1)
    raise SystemExit("the server did not start")


def run(port: int, lanes: list[list[bytes]], seconds: float) -> tuple[int, float, list[float]]:
    """Keep one request open on each connection; answers how many succeeded, in what time, and how long each took."""
    poller = select.epoll()
    connections: dict[int, tuple[socket.socket, list[bytes]]] = {}
    asked: dict[int, float] = {}
    for lane in lanes:
        lane.reverse()
        connection = socket.create_connection(("127.0.0.1", port))
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        poller.register(connection, select.EPOLLIN)
        connections[connection.fileno()] = (connection, lane)
    begin = now = time.perf_counter()
    end = begin + seconds
    for number, (connection, lane) in connections.items():
        asked[number] = begin
        connection.send(lane.pop())
    late: list[float] = []
    waiting = len(connections)
    while waiting:
        for number, _ in poller.poll():
            connection, lane = connections[number]
            answer = connection.recv(4096)
            now = time.perf_counter()
            if not answer.startswith(b"HTTP/1.1 200"):
                raise SystemExit(f"a poll failed: {answer[:400]!r}")
            late.append(now - asked[number])
            if now < end and lane:
                asked[number] = now
                connection.send(lane.pop())
            else:
                waiting -= 1
    late.sort()
    return len(late), now - begin, late


def wait_for_contacts(made: Any, expected: int) -> int:
    deadline = time.monotonic() + 10
    found = 0
    while time.monotonic() < deadline and found < expected:
        with made.database.read() as conn:
            found = len(contacts.last(conn))
        time.sleep(0.1)
    return found


if __name__ == "__main__":
    sys.exit(main())
