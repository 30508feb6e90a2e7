"""npm of the fake machine: packages in the folders that they are in."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from toque.core.host import Ran
from toque.testing.machine import Answer, FakeHost

_GLOBAL = "/usr/local/lib/node_modules"


@dataclass
class Npm:
    """`archive` has the versions of each package, the newest last; what it does not name comes as 1.0.0.

    Of ranges it knows `^N`: the same first number.
    """

    archive: Mapping[str, tuple[str, ...]] = field(default_factory=dict)

    def look(self, argv: list[str], host: FakeHost) -> Answer:
        match argv:
            case ["npm", "root", "--global"]:
                return Ran(out=f"{_GLOBAL}\n")
            case ["npm", "ls", "--json", "--depth=0", *words]:
                name, _, asked = words[-1].rpartition("@")
                there = json.loads(host.read(f"{self._root(words, host)}/{name}/package.json") or b"{}").get("version")
                fits = there is not None and _fits(there, asked)
                return Ran(0 if fits else 1, json.dumps({"dependencies": {name: {"version": there}}} if fits else {}))
            case ["npm", "view", "--json", "--", asked, "version"]:
                return Ran(out=json.dumps(self._versions(asked)[-1:]))
        return None

    def do(self, argv: list[str], host: FakeHost) -> Answer:
        match argv:
            case ["npm", "ci", *words]:
                return self._ci(words, host)
            case ["npm", "install", *words]:
                what = words[-1]
                if what.startswith("/"):
                    said = json.loads(host.read(f"{what}/package.json") or b"{}")
                    name, versions = str(said.get("name", "")), [str(said.get("version", "1.0.0"))]
                else:
                    name, versions = _name(what), self._versions(what)
                if not versions:
                    return Ran(1, err=f"npm ERR! code ETARGET\nnpm ERR! notarget No matching version found for {what}.")
                said = json.dumps({"name": name, "version": versions[-1]})
                host.add(f"{self._root(words, host)}/{name}/package.json", said)
            case ["npm", "uninstall", *words]:
                host.discard(f"{self._root(words, host)}/{words[-1]}")
            case _:
                return None
        return Ran()

    def _ci(self, words: list[str], host: FakeHost) -> Ran:
        lock = json.loads(host.read(f"{host.cwd}/package-lock.json") or b"{}")
        kept: dict[str, Any] = {
            path: each
            for path, each in lock["packages"].items()
            if path and not ("--omit=dev" in words and each.get("dev"))
        }
        host.discard(f"{host.cwd}/node_modules")
        for path, each in kept.items():
            host.add(f"{host.cwd}/{path}/package.json", json.dumps({"version": each.get("version")}))
        host.add(f"{host.cwd}/node_modules/.package-lock.json", json.dumps({"packages": kept}))
        return Ran()

    def _root(self, words: list[str], host: FakeHost) -> str:
        return _GLOBAL if "--global" in words else f"{host.cwd}/node_modules"

    def _versions(self, asked: str) -> list[str]:
        wanted = asked.removeprefix(_name(asked)).removeprefix("@")
        known = self.archive.get(_name(asked), ("1.0.0",))
        return [each for each in known if wanted in ("", "latest") or _fits(each, wanted)]


def _name(asked: str) -> str:
    """What is before the version: `@babel/core@7` is a version of `@babel/core`."""
    return asked[0] + asked[1:].partition("@")[0]


def _fits(version: str, wanted: str) -> bool:
    if wanted.startswith("^"):
        return version.partition(".")[0] == wanted[1:].partition(".")[0]
    return version == wanted
