"""podman and docker of the fake machine: images by what they are called, containers as the engine shows them."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from toque.core.host import Ran
from toque.testing.machine import Answer, FakeHost

_ENGINES = ("podman", "docker")
_FLAGS = ("--detach",)
_PROJECT = "com.docker.compose.project"


@dataclass
class Containers:
    """`images` are those that the machine has; every other one can be pulled."""

    images: set[str] = field(default_factory=set)
    containers: dict[str, dict[str, Any]] = field(default_factory=dict)

    def look(self, argv: list[str], host: FakeHost) -> Answer:
        match argv:
            case [engine, "container", "inspect", name] if engine in _ENGINES:
                found = self.containers.get(name)
                return Ran(125, "[]\n", f"Error: no such container {name}") if found is None else _shown(found)
            case [engine, "container", "inspect", *names] if engine in _ENGINES:
                return Ran(out=json.dumps([self.containers[name] for name in names]))
            case [engine, "ps", "--all", "--quiet", "--no-trunc", "--filter", label] if engine in _ENGINES:
                return Ran(out="".join(f"{name}\n" for name in self._of_project(label.rpartition("=")[2])))
            case [engine, "image", "inspect", name] if engine in _ENGINES:
                return _shown({"Id": identity(name)}) if name in self.images else Ran(125, "[]\n", "no such image")
        return None

    def do(self, argv: list[str], host: FakeHost) -> Answer:
        if (told := _composed(argv)) is not None:
            return self._compose(*told, host)
        if argv[0] not in _ENGINES:
            return None
        match argv[1:]:
            case ["pull", "--quiet", "--", name]:
                self.images.add(name)
            case ["rm", "--force", "--", name]:
                self.containers.pop(name, None)
            case [("start" | "stop" | "restart") as verb, "--", name]:
                self.containers[name]["State"] = {"Running": verb != "stop"}
            case [("run" | "create") as verb, *words]:
                text = host.inputs[-1] or ""
                made = _made(words, text)
                name = made.pop("Name")
                if name in self.containers:
                    return Ran(125, err=f"Error: the container name {name} is already in use")
                self.containers[name] = made | {"State": {"Running": verb == "run"}}
            case _:
                return None
        return Ran()

    def _of_project(self, project: str) -> list[str]:
        return [n for n, each in self.containers.items() if each["Config"]["Labels"].get(_PROJECT) == project]

    def _compose(self, project: str, path: str, profiles: list[str], verb: str, host: FakeHost) -> Ran:
        import yaml

        described = yaml.safe_load(host.read(path) or b"{}").get("services", {})
        if verb == "down":
            for name in self._of_project(project):
                del self.containers[name]
        elif verb == "stop":
            for name in self._of_project(project):
                self.containers[name]["State"] = {"Running": False}
        else:
            for name, each in described.items():
                if set(each.get("profiles", profiles)) & set(profiles) or "profiles" not in each:
                    labels = {_PROJECT: project, "com.docker.compose.service": name}
                    made = {"Image": identity(each["image"]), "Config": {"Labels": labels}, "State": {"Running": True}}
                    self.containers[f"{project}_{name}_1"] = made
        return Ran()


def _composed(argv: list[str]) -> tuple[str, str, list[str], str] | None:
    """Project, file, profiles and verb of a call of compose; None for another program."""
    if argv[0] != "podman-compose" and (argv[0] not in _ENGINES or argv[1:2] != ["compose"]):
        return None
    start = argv.index("--project-name")
    project, path, rest = argv[start + 1], argv[start + 3], argv[start + 4 :]
    profiles = []
    while rest[0] == "--profile":
        profiles.append(rest[1])
        rest = rest[2:]
    return project, path, profiles, rest[0]


def identity(image: str) -> str:
    """The id of an image."""
    return hashlib.sha256(image.encode()).hexdigest()


def _shown(what: Mapping[str, Any]) -> Ran:
    return Ran(out=json.dumps([what]))


def _made(words: list[str], env: str) -> dict[str, Any]:
    """A container as it is inspected, from the arguments of `run`."""
    given: dict[str, list[str]] = {}
    rest = list(words)
    while rest and rest[0] != "--":
        word = rest.pop(0)
        if word not in _FLAGS and "=" not in word:
            given.setdefault(word, []).append(rest.pop(0))
    ports: dict[str, list[dict[str, str]]] = {}
    for each in given.get("--publish", []):
        outside, _, inside = each.rpartition(":")
        address, _, port = outside.rpartition(":")
        inside = inside if "/" in inside else f"{inside}/tcp"
        ports.setdefault(inside, []).append({"HostIp": address.strip("[]"), "HostPort": port})
    mounts = []
    for each in given.get("--volume", []):
        source, inside, *options = each.split(":")
        kind = {"Type": "bind", "Source": source} if source.startswith("/") else {"Type": "volume", "Name": source}
        mounts.append({**kind, "Destination": inside, "RW": "ro" not in "".join(options).split(",")})
    return {
        "Name": given["--name"][0],
        "Image": identity(rest[1]),
        "Config": {
            "Env": ["PATH=/usr/bin", *env.splitlines()],
            "Cmd": rest[2:],
            "Labels": dict(each.split("=", 1) for each in given.get("--label", [])),
        },
        "HostConfig": {"PortBindings": ports, "RestartPolicy": {"Name": given["--restart"][0]}},
        "Mounts": mounts,
    }
