"""compose: the containers that a compose file describes, by podman or docker."""

from __future__ import annotations

import hashlib
import json
import re
import shlex
from collections.abc import Mapping, Sequence
from dataclasses import KW_ONLY, dataclass
from typing import Any, Literal

from toque.core import BadProperty, Change, Host, Resource, ToqueError, recipe_word, resource
from toque.core.files import absolute
from toque.core.planned import Planned
from toque.core.variables import check_variables
from toque.platforms.containers import ENGINES, engine_of

_PROJECT = re.compile(r"[a-z0-9][a-z0-9_-]*")
_PROFILE = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]*")
_OF_PROJECT, _OF_SERVICE = "com.docker.compose.project", "com.docker.compose.service"
_UP = "as the file says"


@dataclass(frozen=True)
class ComposeState:
    content: bytes | None = None
    services: tuple[str, ...] | None = None
    """Those that run."""
    up: str | None = None


@resource("compose")
@dataclass(frozen=True)
class Compose(Resource[ComposeState]):
    """Keep what a compose file describes up: all its services run, as the file says.

    path      the compose file, absolute, in a folder that is there
    content   what the file says, kept there with mode 0600; without it the file is somebody else's, and only brought up
    project   the name of the project; without it the name of the file's folder
    environment  a mapping of names to text or Secrets that the file uses as ${NAME}; never on our command line, though
              podman-compose itself hands what the file calls `environment` on by one
    profiles  profiles of services that run too
    once      services that end by themselves, such as a migration: they need not run
    engine    "podman" or "docker"; without it the one that is there, podman first
    engine_options  arguments before the verb, e.g. ["--root", "/srv/containers"]
    options   more arguments for `up`, e.g. ["--build"]
    running   True; False: its services are stopped; None: the file alone is kept
    present   False takes its containers away; the file and the volumes stay

    When the file, `environment` or `profiles` are others than when it was brought up it is brought up again. By `docker
    compose`, or for podman by `podman-compose` or else `podman compose`.

        shop = "services: {web: {image: 'docker.io/library/nginx:1.27', environment: {TOKEN: '${TOKEN}'}}}\\n"
        compose("/srv/shop/compose.yaml", content=shop, environment={"TOKEN": Secret("sesame!")})
    """

    path: str
    _: KW_ONLY
    content: str | None = None
    project: str | None = None
    environment: Mapping[str, str] | None = None
    profiles: Sequence[str] = ()
    once: Sequence[str] = ()
    engine: Literal["podman", "docker"] | None = None
    engine_options: Sequence[str] = ()
    options: Sequence[str] = ()
    running: bool | None = True
    present: bool = True

    def __post_init__(self) -> None:
        absolute("compose", self.path)
        if not _PROJECT.fullmatch(self._project):
            raise BadProperty(
                f"compose project must be small letters, digits, hyphens and underscores, got {self._project!r}"
            )
        for name in (*self.profiles, *self.once):
            if not _PROFILE.fullmatch(name):
                raise BadProperty(f"compose profiles and once must be names, got {name!r}")
        check_variables("compose", self.environment)
        if self.content is not None:
            self._services(self.content.encode())

    def desired(self) -> ComposeState | None:
        return ComposeState(self._content, None, _UP if self.running else None) if self.present else None

    def wanted(self, was: ComposeState | None) -> ComposeState | None:
        """Which services shall run, the file says: the recipe's, or the one that is there."""
        want, content = self.desired(), self._content or (was.content if was is not None else None)
        if want is None or self.running is None or (content is None and self.running):
            return want
        services = self._services(content or b"") if self.running else ()
        return ComposeState(want.content, services, want.up)

    def current(self, host: Host) -> ComposeState | None:
        content = host.read(self.path)
        found = self._containers(host)
        if not found and (content is None or not self.present):
            return None
        running = {str(name) for name, each in found if each.get("State", {}).get("Running")}
        is_up = content is not None and (host.read(self._note) or b"").decode().strip() == self._digest(content)
        # One that somebody took away by hand is not up, whatever the note says.
        return ComposeState(
            content, tuple(sorted(running - set(self.once))), _UP if is_up and found else "otherwise, or not at all"
        )

    def apply(self, host: Host, change: Change[ComposeState]) -> None:
        engine = engine_of(host, self.engine)
        if engine is None and (self.running is not None or change.want is None):
            wanted = self.engine or " or ".join(ENGINES)
            raise ToqueError(f'{wanted} is not on this machine: package("{self.engine or "podman"}") comes first')
        if change.want is None:
            self._tool(host, str(engine), "down")
            if host.entry(self._note) is not None:
                host.remove(self._note)
            return
        if "content" in change and self._content is not None:
            host.write(self.path, self._content, mode=0o600)
        if self.running is None or engine is None:
            return
        if not self.running:
            self._tool(host, engine, "stop")
            return
        content = host.read(self.path)
        if content is None:
            raise ToqueError(f"there is no compose file at {self.path}: give its content, or put it there first")
        if engine == "podman" and self._containers(host):
            # podman-compose starts what is there as it is, whatever the file says by now.
            self._tool(host, engine, "down")
        self._tool(host, engine, "up", "--detach", "--remove-orphans", *self.options)
        host.write(self._note, f"{self._digest(content)}\n".encode(), mode=0o600)

    def foretell(self, plan: Planned, change: Change[ComposeState]) -> None:
        plan.cloud(self.path)

    @property
    def _content(self) -> bytes | None:
        return None if self.content is None else self.content.encode()

    @property
    def _project(self) -> str:
        return self.project if self.project is not None else self.path.split("/")[-2].lower()

    @property
    def _note(self) -> str:
        folder, _, name = self.path.rpartition("/")
        return f"{folder}/.{name}.toque-up"

    def _digest(self, content: bytes) -> str:
        said = json.dumps([dict(self.environment or {}), list(self.profiles), self._project], sort_keys=True)
        return hashlib.sha256(content + said.encode()).hexdigest()

    def _services(self, content: bytes) -> tuple[str, ...]:
        """The names of the services that shall run."""
        import yaml

        try:
            found = yaml.safe_load(content)
        except yaml.YAMLError as error:
            raise BadProperty(f"compose content of {self.path} is no YAML: {error}") from None
        services = found.get("services") if isinstance(found, dict) else None
        if not isinstance(services, dict) or not services:
            raise BadProperty(f"compose content of {self.path} must have a mapping `services` with at least one")
        wanted = {str(name) for name, each in services.items() if self._is_asked_for(each)}
        return tuple(sorted(wanted - set(self.once)))

    def _is_asked_for(self, service: Any) -> bool:
        profiles = service.get("profiles") if isinstance(service, dict) else None
        return not profiles or not set(profiles).isdisjoint(self.profiles)

    def _containers(self, host: Host) -> list[tuple[str, Mapping[str, Any]]]:
        """The project's containers, each with the service that it is of."""
        engine = engine_of(host, self.engine)
        if engine is None:
            return []
        argv = [engine, *self.engine_options]
        label = f"label={_OF_PROJECT}={self._project}"
        listed = host.run([*argv, "ps", "--all", "--quiet", "--no-trunc", "--filter", label], ok=range(256), cwd="/")
        names = listed.out.split() if listed.code == 0 else []
        if not names:
            return []
        found = json.loads(host.run([*argv, "container", "inspect", *names], cwd="/").out)
        return [((each.get("Config", {}).get("Labels") or {}).get(_OF_SERVICE, ""), each) for each in found]

    def _tool(self, host: Host, engine: str, verb: str, *words: str) -> None:
        argv = [engine, *self.engine_options, "compose"]
        if engine == "podman" and host.which("podman-compose") is not None:
            given = ["--podman-args", shlex.join(self.engine_options)] if self.engine_options else []
            argv = ["podman-compose", *given]
        profiles = [word for name in self.profiles for word in ("--profile", name)]
        where = ["--project-name", self._project, "--file", self.path, *profiles]
        host.run(
            [*argv, *where, verb, *words], env=dict(self.environment or {}), cwd=self.path.rpartition("/")[0] or "/"
        )


compose = recipe_word(Compose)
