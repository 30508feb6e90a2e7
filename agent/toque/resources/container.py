"""container: a container of podman or docker."""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import KW_ONLY, dataclass
from typing import Any, Literal

from toque.core import BadProperty, Change, Host, Resource, ToqueError, action, recipe_word, resource
from toque.core.host import SCRIPT
from toque.core.planned import Planned
from toque.platforms.containers import (
    ENGINES,
    MOUNT,
    PORT,
    engine_of,
    inspected,
    mounts_of,
    plain_mount,
    plain_port,
    ports_of,
)

_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]{0,200}")
_IMAGE = re.compile(r"[a-z0-9][A-Za-z0-9._:/-]{0,254}")
_DIGEST = re.compile(r"sha256:[0-9a-f]{64}")
_VARIABLE = re.compile(r"[A-Za-z_][A-Za-z0-9_.-]*")
_WORD = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.:/-]*")
_LABEL = "toque.settings"
_AS_SAID = "as the recipe says"


@dataclass(frozen=True)
class ContainerState:
    image: str
    environment: tuple[str, ...] | None = None
    """The names of those variables that have the right value."""
    ports: tuple[str, ...] | None = None
    mounts: tuple[str, ...] | None = None
    restart_policy: str | None = None
    settings: str | None = None
    running: bool | None = None


@resource("container")
@dataclass(frozen=True)
class Container(Resource[ContainerState]):
    """Keep a container of podman or docker: made from an image, with this configuration, running or not.

    name         the container's name
    image        what it is made from: "docker.io/library/nginx:1.27"; pulled where the machine does not have it
    digest       the image's digest, "sha256:…": exactly that one, whatever the tag says
    ports        such as "8080:80", "127.0.0.1:8080:80" or "53:53/udp": the machine's port first
    environment  a mapping of names to text, Secrets or numbers; never on a command line
    mounts       such as "/srv/data:/data", "/etc/shop:/etc/shop:ro" or "volume:/data"
    restart_policy  "no", "always", "on-failure" or "unless-stopped": what the engine does when it ends
    healthcheck  a shell command that tells inside whether it is well
    health_interval  seconds between two of them (30)
    command      what it runs, as a list, instead of what the image says
    entrypoint   the program that gets `command`, instead of the image's
    user, network, labels   as the engine has them
    restart_on   resources at whose change it is restarted
    options      more arguments for `run`, e.g. ["--memory=512m"]
    engine       "podman" or "docker"; without it the one that is there, podman first
    engine_options  arguments before the verb, e.g. ["--root", "/srv/containers"]
    running      True; False: made, and stopped; None: left as it is
    present      False removes it; volumes stay

    When its image or configuration is another than the recipe's it is removed and made anew; otherwise it is only
    started or stopped. An image that was pulled since under the same tag counts as another one. That podman starts it
    after a boot takes its service `podman-restart`. Action for `notify=[...]`: `restart`.

        settings = file("/srv/shop.toml", content="port = 80\\n")
        container("shop", image="docker.io/library/nginx:1.27", ports=["8080:80"], restart_policy="always",
                  mounts=["/srv/shop.toml:/shop.toml:ro"], environment={"TOKEN": Secret("sesame!")},
                  restart_on=[settings])
    """

    name: str
    _: KW_ONLY
    image: str = ""
    digest: str | None = None
    ports: Sequence[str] = ()
    environment: Mapping[str, str | int | float] | None = None
    mounts: Sequence[str] = ()
    restart_policy: Literal["no", "always", "on-failure", "unless-stopped"] = "no"
    healthcheck: str | None = None
    health_interval: int | None = None
    command: Sequence[str] | None = None
    entrypoint: str | None = None
    user: str | None = None
    network: str | None = None
    labels: Mapping[str, str] | None = None
    options: Sequence[str] = ()
    engine: Literal["podman", "docker"] | None = None
    engine_options: Sequence[str] = ()
    running: bool | None = True
    restart_on: Sequence[Resource[Any]] = ()
    present: bool = True

    def __post_init__(self) -> None:
        if not _NAME.fullmatch(self.name):
            raise BadProperty(f"container name must be letters, digits and _ . -, got {self.name!r}")
        if (self.present or self.image) and not _IMAGE.fullmatch(self.image):
            raise BadProperty(f"container image must be one such as docker.io/library/nginx:1.27, got {self.image!r}")
        if self.digest is not None and not _DIGEST.fullmatch(self.digest):
            raise BadProperty(f"container digest must be sha256: and 64 hexadecimal digits, got {self.digest!r}")
        for port in self.ports:
            if not PORT.fullmatch(port):
                raise BadProperty(f"container ports must be such as '8080:80' or '127.0.0.1:53:53/udp', got {port!r}")
        if self.ports and self.network in ("host", "none"):
            raise BadProperty(f"container ports go without network={self.network!r}, which has none of its own")
        for mount in self.mounts:
            if not MOUNT.fullmatch(mount):
                raise BadProperty(f"container mounts must be such as '/srv/data:/data:ro', got {mount!r}")
        for name, value in (self.environment or {}).items():
            if not _VARIABLE.fullmatch(str(name)) or not isinstance(value, str | int | float) or "\n" in str(value):
                raise BadProperty(
                    f"container environment must map names such as PORT to single lines of text; {name!r} does not"
                )
        self._check_words()

    def desired(self) -> ContainerState | None:
        if not self.present:
            return None
        return ContainerState(
            image=self._reference,
            environment=tuple(sorted(self.environment or {})),
            ports=tuple(sorted({plain_port(each) for each in self.ports})),
            mounts=tuple(sorted({plain_mount(each) for each in self.mounts})),
            restart_policy=self.restart_policy,
            settings=_AS_SAID,
            running=self.running,
        )

    def current(self, host: Host) -> ContainerState | None:
        engine = engine_of(host, self.engine)
        if engine is None:
            return None
        found = inspected(host, self._argv(engine, "container", "inspect", self.name))
        if found is None:
            return None
        config, policy = found.get("Config", {}), found.get("HostConfig", {}).get("RestartPolicy") or {}
        there = {line.partition("=")[0]: line.partition("=")[2] for line in config.get("Env") or ()}
        labelled = (config.get("Labels") or {}).get(_LABEL)
        return ContainerState(
            image=self._reference if found["Image"] == self._image_here(host, engine) else str(found["Image"])[:19],
            environment=tuple(
                sorted(name for name, value in (self.environment or {}).items() if there.get(name) == str(value))
            ),
            ports=ports_of(found),
            mounts=mounts_of(found),
            restart_policy=policy.get("Name") or "no",
            settings=_AS_SAID if labelled == self._settings() else "made from another recipe",
            running=bool(found.get("State", {}).get("Running")),
        )

    def apply(self, host: Host, change: Change[ContainerState]) -> None:
        engine = engine_of(host, self.engine)
        if engine is None:
            wanted = self.engine or " or ".join(ENGINES)
            raise ToqueError(f'{wanted} is not on this machine: package("{self.engine or "podman"}") comes first')
        if change.want is None:
            self._run(host, engine, "rm", "--force", "--", self.name)
        elif change.fields == {"running"}:
            self._run(host, engine, "start" if self.running else "stop", "--", self.name)
        else:
            # What takes long, and may fail, comes before the one that is there goes.
            if self._image_here(host, engine) is None:
                self._run(host, engine, "pull", "--quiet", "--", self._reference)
            if change.was is not None:
                self._run(host, engine, "rm", "--force", "--", self.name)
            starts = self.running or (self.running is None and (change.was is None or bool(change.was.running)))
            self._make(host, engine, ["run", "--detach"] if starts else ["create"])

    @action
    def restart(self, host: Host) -> None:
        """Stop and start it."""
        engine = engine_of(host, self.engine)
        if engine is not None:
            self._run(host, engine, "restart", "--", self.name)

    def has_done(self, name: str, change: Change[ContainerState] | None) -> bool:
        """One that was made anew, or started, has read everything."""
        return change is not None

    def foretell(self, plan: Planned, change: Change[ContainerState]) -> None:
        """Nothing that another line could look at."""

    def _make(self, host: Host, engine: str, verb: Sequence[str]) -> None:
        words = ["--name", self.name, "--label", f"{_LABEL}={self._settings()}", "--restart", self.restart_policy]
        for option, values in (
            ("--publish", self.ports),
            ("--volume", self.mounts),
            ("--label", [f"{name}={value}" for name, value in (self.labels or {}).items()]),
            ("--user", [self.user]),
            ("--network", [self.network]),
            ("--entrypoint", [self.entrypoint]),
            ("--health-cmd", [self.healthcheck]),
            ("--health-interval", [None if self.health_interval is None else f"{self.health_interval}s"]),
        ):
            words += [word for value in values if value is not None for word in (option, value)]
        text = "".join(f"{name}={value}\n" for name, value in (self.environment or {}).items())
        env = ["--env-file", SCRIPT] if self.environment else []
        argv = self._argv(engine, *verb, *words, *env, *self.options, "--", self._reference, *(self.command or ()))
        host.run(argv, script=text if self.environment else None, cwd="/")

    def _image_here(self, host: Host, engine: str) -> str | None:
        """The id of the image that the recipe names, where the machine has it."""
        found = inspected(host, self._argv(engine, "image", "inspect", self._reference)) if self.image else None
        return None if found is None else str(found["Id"])

    def _run(self, host: Host, engine: str, *words: str) -> None:
        host.run(self._argv(engine, *words), cwd="/")

    def _argv(self, engine: str, *words: str) -> list[str]:
        return [engine, *self.engine_options, *words]

    @property
    def _reference(self) -> str:
        if self.digest is None:
            return self.image
        folder, _, last = self.image.rpartition("/")
        plain = last.partition(":")[0]
        return f"{folder}/{plain}@{self.digest}" if folder else f"{plain}@{self.digest}"

    def _settings(self) -> str:
        """A digest of what cannot be asked back from the engine as it was given: kept as a label of the container."""
        said = {
            "env": sorted(self.environment or {}),
            "healthcheck": [self.healthcheck, self.health_interval],
            "command": None if self.command is None else list(self.command),
            "entrypoint": self.entrypoint,
            "user": self.user,
            "network": self.network,
            "labels": dict(self.labels or {}),
            "options": list(self.options),
        }
        return hashlib.sha256(json.dumps(said, sort_keys=True).encode()).hexdigest()[:32]

    def _check_words(self) -> None:
        for kind, value in (("user", self.user), ("network", self.network), ("entrypoint", self.entrypoint)):
            if value is not None and not (_WORD.fullmatch(value) or (kind == "entrypoint" and value.startswith("/"))):
                raise BadProperty(f"container {kind} must not begin with a hyphen or hold blanks, got {value!r}")
        for name, label in (self.labels or {}).items():
            if not _WORD.fullmatch(str(name)) or not isinstance(label, str):
                raise BadProperty(
                    f"container labels must map names such as org.example.team to text; {name!r} does not"
                )
        if self.health_interval is not None and (self.health_interval < 1 or self.healthcheck is None):
            raise BadProperty("container health_interval must be seconds, 1 or more, and goes with healthcheck")


container = recipe_word(Container)
