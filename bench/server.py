"""A real server with sandbox instances, for the benchmarks that measure the way through all of it.

    with Server("demo") as server:
        stack = server.stack()
        instance = server.instance(stack, server.layer(stack))
        server.start(instance)
        server.wait_for_status(instance, "online")

At the end of the block nothing runs and nothing is mounted any more, however it ended.
"""

from __future__ import annotations

import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import requests
import sqlalchemy as sa

from toque import sandbox
from toque_server.cli.demo.api import Api
from toque_server.cli.demo.fleet import new_data_dir, remove_sandboxes
from toque_server.store import tables as t
from toque_server.store.database import Database

_READY_WITHIN = 60.0
_STATUS_WITHIN = 120.0


def refuse_where_impossible() -> None:
    """End the benchmark with the remedy on a machine that cannot run sandboxes."""
    if (refusal := sandbox.ready()) is not None:
        raise SystemExit(f"this benchmark needs sandboxes: {refusal}")


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def wait_for(what: str, ready: Callable[[], Any], *, seconds: float, every: float = 0.02) -> Any:
    """What `ready()` answers once that is true; ends the benchmark when it does not become so."""
    until = time.monotonic() + seconds
    while not (answer := ready()):
        if time.monotonic() > until:
            raise SystemExit(f"waited {seconds:.0f} s for {what}")
        time.sleep(every)
    return answer


class Server:
    """`toque server run` in processes of its own, with a data directory that goes with it.

    `database`: the URL of an empty PostgreSQL database; without one, SQLite. `workers` counts on PostgreSQL only.
    """

    def __init__(self, profile: str = "default", *, database: str = "", workers: int = 2) -> None:
        self._profile = profile
        self._url, self._workers = database, workers
        self.port = free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        self.data_dir = new_data_dir().resolve()
        self._process: subprocess.Popen[bytes] | None = None
        self.database: Database | None = None

    def __enter__(self) -> Server:
        try:
            self._start()
        except BaseException:
            self.__exit__()
            raise
        return self

    def __exit__(self, *_: object) -> None:
        if self._process is not None:
            self._process.send_signal(signal.SIGTERM)
            try:
                self._process.wait(timeout=30)
            except subprocess.TimeoutExpired:
                os.killpg(self._process.pid, signal.SIGKILL)
                self._process.wait(timeout=10)
        if self.database is not None:
            self.database.close()
        remove_sandboxes(self.data_dir)
        shutil.rmtree(self.data_dir, ignore_errors=True)

    def _start(self) -> None:
        toque = [sys.executable, "-c", "from toque.cli import main; main()", "server"]
        where = [f"--data-dir={self.data_dir}", f"--listen=127.0.0.1:{self.port}"]
        init = [*toque, "init", *where, "--allow-insecure-sources", f"--profile={self._profile}", "--output=json"]
        init += [f"--database={self._url}"] if self._url else []
        run = [*toque, "run", *where, f"--workers={self._workers}"]
        said = json.loads(subprocess.run(init, check=True, stdout=subprocess.PIPE, text=True).stdout)
        with (self.data_dir / "server.log").open("ab") as log:
            self._process = subprocess.Popen(run, stdout=log, stderr=log, start_new_session=True)
        self.api = Api(self.url, said["api_token"])
        self.database = Database(self._url or f"sqlite:///{self.data_dir}/toque.db")
        wait_for("the server to be ready", self._ready, seconds=_READY_WITHIN)

    def _ready(self) -> bool:
        assert self._process is not None
        if self._process.poll() is not None:
            raise SystemExit(f"the server ended:\n{(self.data_dir / 'server.log').read_text()[-2000:]}")
        try:
            return requests.get(f"{self.url}/readyz", timeout=2).status_code == 200
        except requests.ConnectionError:
            return False

    def stack(self) -> str:
        return str(
            self.api(
                "CreateStack",
                Name="real",
                Region="local",
                ServiceRoleArn="arn:aws:iam::123456789012:role/bench",
                DefaultInstanceProfileArn="arn:aws:iam::123456789012:instance-profile/bench",
            )["StackId"]
        )

    def layer(self, stack_id: str) -> str:
        """A custom layer without recipes of its own."""
        return str(self.api("CreateLayer", StackId=stack_id, Type="custom", Name="App", Shortname="app")["LayerId"])

    def instance(self, stack_id: str, layer_id: str) -> str:
        made = self.api("CreateInstance", StackId=stack_id, LayerIds=[layer_id], InstanceType="sandbox.small")
        return str(made["InstanceId"])

    def start(self, instance_id: str) -> None:
        self.api("StartInstance", InstanceId=instance_id)

    def described(self, instance_id: str) -> dict[str, Any]:
        return dict(self.api("DescribeInstances", InstanceIds=[instance_id])["Instances"][0])

    def wait_for_status(self, instance_id: str, status: str) -> None:
        def reached() -> bool:
            found = self.described(instance_id)["Status"]
            if found in {"setup_failed", "start_failed"}:
                raise SystemExit(f"the instance is {found}")
            return bool(found == status)

        wait_for(f"an instance to be {status}", reached, seconds=_STATUS_WITHIN, every=0.1)

    def became(self, instance_id: str, status: str) -> float:
        """When an instance took a status last, in seconds since the epoch, from the event stream; 0 for never."""
        query = (
            sa.select(t.events.c.at, t.events.c.data)
            .where(t.events.c.instance_id == instance_id, t.events.c.kind == "instance.status")
            .order_by(t.events.c.number.desc())
        )
        assert self.database is not None
        with self.database.read() as conn:
            for at, data in conn.execute(query):
                if json.loads(data)["status"] == status:
                    return float(at.timestamp())
        return 0.0

    def sandbox_of(self, instance_id: str) -> Path:
        """The folder of an instance's sandbox."""
        return self.data_dir / "sandboxes" / str(self.described(instance_id)["Ec2InstanceId"])
