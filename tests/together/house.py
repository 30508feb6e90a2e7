"""Real processes for the tests: a server, and agents that run as ordinary processes of this machine."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import socket
import sqlite3
import subprocess
import sys
import textwrap
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import psutil
import requests

from toque_server.cli.demo.api import Api, wait_until
from toque_server.cli.demo.repository import Repository

LONG = 90.0
"""Seconds that anything may take on a busy machine. No test waits for it when all is well."""

TOQUE = [sys.executable, "-m", "toque.cli"]


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as probe:
        return int(probe.getsockname()[1])


@dataclass
class Server:
    """`toque server run` on a data directory of its own; it can be killed and started again."""

    directory: Path
    database: str | None = None
    workers: int = 1
    port: int = field(default_factory=free_port)
    secrets: dict[str, str] = field(default_factory=dict)
    process: subprocess.Popen[bytes] | None = None

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    @property
    def data_dir(self) -> Path:
        return self.directory / "server"

    def init(self) -> Server:
        argv = [*TOQUE, "server", "init", f"--data-dir={self.data_dir}", f"--listen=127.0.0.1:{self.port}"]
        argv += ["--allow-insecure-sources", "--profile=demo", "--output=json"]
        if self.database:
            argv.append(f"--database={self.database}")
        done = subprocess.run(argv, capture_output=True, text=True, check=False, timeout=60)
        assert done.returncode == 0, done.stderr
        self.secrets = json.loads(done.stdout)
        return self

    def settings(self, toml: str) -> None:
        """Add lines to the settings file, for the next start."""
        with (self.data_dir / "server.toml").open("a") as file:
            file.write(f"\n{toml}\n")

    def start(self) -> Server:
        with (self.directory / "server.log").open("ab") as log:
            self.process = subprocess.Popen(
                [
                    *[*TOQUE, "server", "run", f"--data-dir={self.data_dir}", f"--listen=127.0.0.1:{self.port}"],
                    *([f"--workers={self.workers}"] if self.workers > 1 else []),
                ],
                stdout=log,
                stderr=log,
                start_new_session=True,
            )
        wait_until("the server to be ready", self._ready, seconds=LONG, every=0.05)
        return self

    def _ready(self) -> bool:
        assert self.process is not None
        assert self.process.poll() is None, f"the server ended:\n{self.log()[-3000:]}"
        with contextlib.suppress(requests.RequestException):
            return requests.get(f"{self.url}/readyz", timeout=2).status_code == 200
        return False

    def log(self) -> str:
        return (self.directory / "server.log").read_text(errors="replace")

    def kill(self) -> None:
        """SIGKILL to the server and its workers, as a power cut would."""
        assert self.process is not None
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self.process.pid, signal.SIGKILL)
        self.process.wait(timeout=10)

    def stop(self) -> int:
        assert self.process is not None
        self.process.terminate()
        return self.process.wait(timeout=30)

    @property
    def api(self) -> Api:
        return Api(self.url, self.secrets["api_token"])

    def aws_environment(self) -> dict[str, str]:
        return {
            "PATH": os.environ["PATH"],
            "HOME": str(self.directory),
            "AWS_ACCESS_KEY_ID": self.secrets["access_key_id"],
            "AWS_SECRET_ACCESS_KEY": self.secrets["secret_access_key"],
            "AWS_DEFAULT_REGION": "us-east-1",
            "AWS_ENDPOINT_URL_OPSWORKS": self.url,
        }


@dataclass
class Node:
    """An agent of a server, as a process of this machine; its recipes run here, so they only write below `home`."""

    server: Server
    home: Path
    settings: dict[str, str] = field(default_factory=dict)
    """Further keys of `agent.toml`."""
    inside: tuple[str, ...] = ()
    """A program that starts the agent, such as `unshare`; its last words are the agent's command."""
    process: subprocess.Popen[bytes] | None = None

    def environment(self) -> dict[str, str]:
        return os.environ | {
            "TOQUE_AGENT_SERVER_URL": self.server.url,
            "TOQUE_AGENT_STATE_DIR": str(self.home / "state"),
            "TOQUE_AGENT_LOG_DIR": str(self.home / "log"),
            "TOQUE_AGENT_JOIN_TOKEN_FILE": str(self.home / "token"),
            "TOQUE_AGENT_HOSTNAME": self.home.name,
            **{f"TOQUE_AGENT_{key.upper()}": value for key, value in self.settings.items()},
        }

    def start(self, token: str | None = None) -> Node:
        self.home.mkdir(parents=True, exist_ok=True)
        if token is not None:
            (self.home / "token").write_text(token)
            (self.home / "token").chmod(0o600)
        with (self.home / "agent.log").open("ab") as log:
            self.process = subprocess.Popen(
                [*self.inside, *TOQUE, "agent", "run"],
                env=self.environment(),
                stdout=log,
                stderr=log,
                start_new_session=True,
            )
        return self

    def log(self) -> str:
        return (self.home / "agent.log").read_text(errors="replace")

    def kill(self) -> None:
        """SIGKILL to the agent alone: its run lives on (R6)."""
        assert self.process is not None
        self.process.kill()
        self.process.wait(timeout=10)

    def stop(self) -> None:
        if self.process is not None and self.process.poll() is None:
            self.process.terminate()
            try:
                self.process.wait(timeout=20)
            except subprocess.TimeoutExpired:
                self.kill()


@dataclass
class House:
    """A server, one stack with one custom layer, cookbooks in a git repository, and nodes that joined."""

    server: Server
    directory: Path
    cookbooks: Repository
    stack_id: str = ""
    layer_id: str = ""
    nodes: dict[str, Node] = field(default_factory=dict)

    @property
    def api(self) -> Api:
        return self.server.api

    def join(self, name: str, *, inside: tuple[str, ...] = (), **settings: str) -> str:
        """Start an agent with a fresh join token; returns its instance id as soon as the server knows it."""
        before = {each["InstanceId"] for each in self.instances()}
        token = self.api("CreateJoinToken", StackId=self.stack_id, LayerIds=[self.layer_id])["Token"]
        self.nodes[name] = Node(self.server, self.directory / name, settings, inside).start(token)
        wait_until(f"{name} to join", lambda: {e["InstanceId"] for e in self.instances()} > before, seconds=LONG)
        [new] = {each["InstanceId"] for each in self.instances()} - before
        return str(new)

    def instances(self) -> list[dict[str, Any]]:
        return list(self.api("DescribeInstances", StackId=self.stack_id)["Instances"])

    def status(self, instance_id: str) -> str:
        return str(self.api("DescribeInstances", InstanceIds=[instance_id])["Instances"][0]["Status"])

    def wait_for(self, instance_id: str, status: str, *, seconds: float = LONG) -> None:
        wait_until(f"status {status}", lambda: self.status(instance_id) == status, seconds=seconds)

    def order(
        self,
        name: str,
        *,
        on: list[str] | None = None,
        args: dict[str, Any] | None = None,
        wait: bool = True,
        **members: Any,
    ) -> list[dict[str, Any]]:
        """CreateDeployment; returns its commands, ended unless `wait` is off."""
        if on is not None:
            members["InstanceIds"] = on
        command = {"Name": name, "Args": args or {}}
        deployment = self.api("CreateDeployment", StackId=self.stack_id, Command=command, **members)["DeploymentId"]
        if wait:
            self.wait_for_end(deployment)
        return self.api.commands(deployment)

    def run(self, *recipes: str, on: list[str], wait: bool = True, **members: Any) -> dict[str, Any]:
        """Execute recipes; returns the first command, ended unless `wait` is off."""
        return self.order("execute_recipes", on=on, args={"recipes": list(recipes)}, wait=wait, **members)[0]

    def deployment(self, id: str) -> dict[str, Any]:
        return dict(self.api("DescribeDeployments", DeploymentIds=[id])["Deployments"][0])

    def wait_for_end(self, deployment_id: str, *, seconds: float = LONG) -> str:
        """Wait for a deployment's end; its status."""
        wait_until(
            "the deployment to end", lambda: self.deployment(deployment_id)["Status"] != "running", seconds=seconds
        )
        return str(self.deployment(deployment_id)["Status"])

    def wait_for_quiet(self, *, seconds: float = LONG) -> None:
        """Wait until no command is open and no Configure is due any more."""

        def is_quiet() -> bool:
            with contextlib.closing(sqlite3.connect(f"file:{self.server.data_dir}/toque.db?mode=ro", uri=True)) as db:
                [due] = db.execute("select count(*) from configures").fetchone()
                [open_ones] = db.execute("select count(*) from commands where completed_at is null").fetchone()
            return not due and not open_ones

        wait_until("no command and no Configure to be open", is_quiet, seconds=seconds)

    def publish(self, **recipes: str) -> None:
        """Write recipes (name to text) of the cookbook `work`, and make the stack take them."""
        for name, text in recipes.items():
            (self.cookbooks.path / "work" / "recipes" / f"{name}.py").write_text(textwrap.dedent(text))
        self.cookbooks.commit("New recipes")
        command = {"Name": "update_custom_cookbooks"}
        self.wait_for_end(self.api("CreateDeployment", StackId=self.stack_id, Command=command)["DeploymentId"])

    def runs(self) -> list[psutil.Process]:
        """The shims of this house's agents that are at work now."""
        found = []
        for process in psutil.process_iter(["cmdline"]):
            words = process.info["cmdline"] or []
            if "toque.daemon.shim" in words and any(word.startswith(f"{self.directory}/") for word in words):
                found.append(process)
        return found

    def close(self) -> None:
        for node in self.nodes.values():
            node.stop()
        for shim in self.runs():
            # SIGKILL to a shim ends its run with it; the runs of a test outlive their agents otherwise (R6).
            with contextlib.suppress(psutil.Error):
                shim.kill()
        if self.server.process is not None and self.server.process.poll() is None:
            self.server.kill()


def build(
    directory: Path, recipes: dict[str, str], *, database: str | None = None, workers: int = 1, settings: str = ""
) -> House:
    """A house whose cookbook `work` holds `recipes` (name to text). `settings` is further TOML of `server.toml`."""
    source = directory / "cookbooks-source" / "work"
    (source / "recipes").mkdir(parents=True)
    (source / "cookbook.toml").write_text('[cookbook]\nname = "work"\nversion = "1.0.0"\n')
    for name, text in recipes.items():
        (source / "recipes" / f"{name}.py").write_text(textwrap.dedent(text))
    repository = Repository(directory / "cookbooks", source.parent)
    repository.commit("Recipes of the test")
    server = Server(directory, database, workers).init()
    server.settings(settings)
    server.start()
    house = House(server, directory, repository)
    house.stack_id = house.api(
        "CreateStack",
        Name="together",
        Region="local",
        ServiceRoleArn="arn:aws:iam::123456789012:role/toque",
        DefaultInstanceProfileArn="arn:aws:iam::123456789012:instance-profile/toque",
        UseCustomCookbooks=True,
        CustomCookbooksSource={"Type": "git", "Url": f"file://{repository.path}", "Revision": "main"},
        # These agents share this machine: its hosts file and its accounts are not theirs.
        CustomJson=json.dumps({"toque": {"manage_hosts": False, "manage_users": False}}),
    )["StackId"]
    house.layer_id = house.api("CreateLayer", StackId=house.stack_id, Type="custom", Name="Work", Shortname="work")[
        "LayerId"
    ]
    return house


@contextlib.contextmanager
def opened(
    directory: Path, recipes: dict[str, str], *, database: str | None = None, workers: int = 1, settings: str = ""
) -> Iterator[House]:
    house = build(directory, recipes, database=database, workers=workers, settings=settings)
    try:
        yield house
    finally:
        house.close()
