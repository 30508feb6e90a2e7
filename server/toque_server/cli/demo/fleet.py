"""The demo's fleet: a server of its own, a stack with a balancer and two app instances, an app deployed from git."""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import requests

from toque_server.cli.demo.api import Api, TookTooLong, wait_until
from toque_server.cli.demo.repository import GitDaemon, Repository
from toque_server.shipped import examples

APP_PORT, BALANCER_PORT, STATS_PORT = 8081, 8080, 8079
ONLINE_WITHIN, DEPLOYED_WITHIN = 180.0, 90.0


@dataclass
class Credentials:
    """What `toque server init` printed."""

    console_user: str
    console_password: str
    access_key_id: str
    secret_access_key: str
    api_token: str


@dataclass
class Fleet:
    """Everything the demo started, and how to take it down again. Use it as a context manager."""

    listen: str
    data_dir: Path
    keep: bool
    balancer: bool = True
    _server: subprocess.Popen[bytes] | None = None
    _git: GitDaemon | None = None
    credentials: Credentials = field(init=False)
    api: Api = field(init=False)
    stack_id: str = ""
    layer_ids: dict[str, str] = field(default_factory=dict)
    app_id: str = ""
    guestbook: Repository = field(init=False)
    cookbooks: Repository = field(init=False)

    @property
    def url(self) -> str:
        return f"http://{self.listen}"

    def start_server(self) -> None:
        """Initialise the data directory and serve it; returns when the server is ready."""
        init = [
            *_toque(),
            "server",
            "init",
            f"--data-dir={self.data_dir}",
            f"--listen={self.listen}",
            "--allow-insecure-sources",
            "--profile=demo",
            "--output=json",
        ]
        printed = subprocess.run(init, check=True, stdout=subprocess.PIPE, text=True).stdout
        said = json.loads(printed)
        self.credentials = Credentials(
            console_user=said["console_user"],
            console_password=said["console_password"],
            access_key_id=said["access_key_id"],
            secret_access_key=said["secret_access_key"],
            api_token=said["api_token"],
        )
        log = (self.data_dir / "server.log").open("ab")
        with log:
            self._server = subprocess.Popen(
                [*_toque(), "server", "run", f"--data-dir={self.data_dir}", f"--listen={self.listen}"],
                stdout=log,
                stderr=log,
                start_new_session=True,
            )
        self.api = Api(self.url, self.credentials.api_token)
        wait_until("the server to be ready", self._ready, seconds=30)

    def _ready(self) -> bool:
        if self._server is not None and self._server.poll() is not None:
            tail = (self.data_dir / "server.log").read_text(errors="replace")[-2000:]
            raise TookTooLong(f"the server ended with status {self._server.returncode}:\n{tail}")
        with contextlib.suppress(requests.ConnectionError):
            return requests.get(f"{self.url}/readyz", timeout=2).status_code == 200
        return False

    def serve_sources(self) -> None:
        """Make git repositories of the app and the cookbooks, and serve them."""
        folder = self.data_dir / "git"
        folder.mkdir()
        self.guestbook = Repository(folder / "guestbook", examples("guestbook"))
        self.guestbook.commit("The guestbook", RELEASE="1\n")
        self.cookbooks = Repository(folder / "cookbooks", examples("demo-cookbooks"))
        self.cookbooks.commit("Two recipes to try")
        self._git = GitDaemon(folder)

    def describe(self) -> None:
        """Create the stack, its layers, the app and the instances: records only, nothing runs yet."""
        assert self._git is not None
        settings = {
            "haproxy": {"port": BALANCER_PORT, "stats_port": STATS_PORT, "backend_port": APP_PORT},
            "python-app": {"port": APP_PORT},
        }
        self.stack_id = self.api(
            "CreateStack",
            Name="demo",
            Region="local",
            ServiceRoleArn="arn:aws:iam::123456789012:role/demo",
            DefaultInstanceProfileArn="arn:aws:iam::123456789012:instance-profile/demo",
            CustomJson=json.dumps(settings),
            UseCustomCookbooks=True,
            CustomCookbooksSource={"Type": "git", "Url": self._git.url("cookbooks"), "Revision": "main"},
        )["StackId"]
        kinds = [("lb", "Balancer"), ("python-app", "Guestbook servers")]
        for kind, name in kinds if self.balancer else kinds[1:]:
            layer = self.api("CreateLayer", StackId=self.stack_id, Type=kind, Name=name, Shortname=kind)
            self.layer_ids[kind] = layer["LayerId"]
        self.app_id = self.api(
            "CreateApp",
            StackId=self.stack_id,
            Name="Guestbook",
            Type="other",
            AppSource={"Type": "git", "Url": self._git.url("guestbook"), "Revision": "main"},
            Environment=[{"Key": "GREETING", "Value": "The demo's guestbook"}],
        )["AppId"]
        for kind in ["lb", "python-app", "python-app"] if self.balancer else ["python-app", "python-app"]:
            self.api(
                "CreateInstance", StackId=self.stack_id, LayerIds=[self.layer_ids[kind]], InstanceType="sandbox.small"
            )

    def start(self) -> None:
        self.api("StartStack", StackId=self.stack_id)

    def statuses(self) -> dict[str, str]:
        return {name: each["Status"] for name, each in self.api.instances(self.stack_id).items()}

    def all_online(self) -> bool:
        statuses = self.statuses()
        failed = {name: status for name, status in statuses.items() if status in {"setup_failed", "start_failed"}}
        if failed:
            raise TookTooLong(f"{', '.join(f'{name} is {status}' for name, status in failed.items())}\n{self.why()}")
        return set(statuses.values()) == {"online"}

    def why(self) -> str:
        """The end of the log of the newest failed command, and the newest service errors."""
        said = [error["Message"] for error in self.api("DescribeServiceErrors", StackId=self.stack_id)["ServiceErrors"]]
        for each in self.api.instances(self.stack_id).values():
            commands = self.api("DescribeCommands", InstanceId=each["InstanceId"])["Commands"]
            said += [self.api.log_of(c)[-3000:] for c in commands if c["Status"] == "failed" and c.get("LogUrl")][:1]
        return "\n".join(said)

    def deploy(self, name: str, *, app: bool = True, **members: Any) -> list[dict[str, Any]]:
        """Run a deployment command to its end; returns its commands, failed or not."""
        if app:
            members["AppId"] = self.app_id
        deployment = self.api(
            "CreateDeployment",
            StackId=self.stack_id,
            Command={"Name": name, "Args": members.pop("Args", {})},
            **members,
        )["DeploymentId"]
        wait_until(f"the deployment {name!r} to end", lambda: self._ended(deployment), seconds=DEPLOYED_WITHIN)
        return self.api.commands(deployment)

    def _ended(self, deployment_id: str) -> bool:
        found = self.api("DescribeDeployments", DeploymentIds=[deployment_id])["Deployments"]
        return bool(found[0]["Status"] != "running")

    def app_urls(self) -> list[str]:
        """The app on each of its instances."""
        found = self.api.instances(self.stack_id)
        return [
            f"http://{each['PrivateIp']}:{APP_PORT}/" for name, each in found.items() if name.startswith("python-app")
        ]

    def sandbox_of(self, hostname: str) -> Path:
        """The folder of an instance's sandbox."""
        return self.data_dir / "sandboxes" / str(self.api.instances(self.stack_id)[hostname]["Ec2InstanceId"])

    def front_url(self) -> str:
        """Where a user opens the app: the balancer, or the first app instance where there is none."""
        if not self.balancer:
            return self.app_urls()[0]
        found = self.api.instances(self.stack_id)
        return f"http://{found['lb1']['PrivateIp']}:{BALANCER_PORT}/"

    def __enter__(self) -> Fleet:
        return self

    def __exit__(self, *_: object) -> None:
        self.tear_down()

    def tear_down(self) -> None:
        """End everything that the demo started, in the order in which nothing is started again behind our back."""
        if self._server is not None:
            self._server.send_signal(signal.SIGTERM)
            try:
                self._server.wait(timeout=30)
            except subprocess.TimeoutExpired:
                os.killpg(self._server.pid, signal.SIGKILL)
                self._server.wait(timeout=10)
            self._server = None
        remove_sandboxes(self.data_dir)
        if self._git is not None:
            self._git.stop()
            self._git = None
        if not self.keep:
            shutil.rmtree(self.data_dir, ignore_errors=True)


def remove_sandboxes(data_dir: Path) -> None:
    """End and remove every sandbox below a data directory."""
    from toque import sandbox

    for directory in sorted((data_dir / "sandboxes").glob("*")):
        if directory.is_dir():
            sandbox.remove(directory)


def new_data_dir() -> Path:
    """A folder of our own on a real file system: sandbox disks do not fit into every /tmp."""
    base = Path("/var/tmp") if os.access("/var/tmp", os.W_OK) else Path(tempfile.gettempdir())
    return Path(tempfile.mkdtemp(prefix="toque-demo-", dir=base))


def _toque() -> list[str]:
    return [sys.executable, "-m", "toque.cli"]
