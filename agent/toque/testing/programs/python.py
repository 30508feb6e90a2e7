"""Python of the fake machine: virtual environments, and packages in them by pip or uv."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from itertools import pairwise
from typing import Any

from toque.core.host import Ran
from toque.platforms.python import program
from toque.platforms.python.probe import judged, plain
from toque.platforms.python.requirements import requirements_in
from toque.resources.python_venv import WHICH_PYTHON
from toque.testing.machine import Answer, FakeHost, Node


@dataclass
class Python:
    """`archive` has the versions of each package, the newest first; what it does not name comes as 1.0."""

    archive: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    version: str = "3.11.2"

    def look(self, argv: list[str], host: FakeHost) -> Answer:
        match argv:
            case [_, "-c", text] if text == WHICH_PYTHON:
                return Ran(out=f"/usr/bin {self.version.rpartition('.')[0]}\n")
            case [python, "-B", "-c", text, question] if text == program():
                from packaging.requirements import Requirement

                return Ran(out=json.dumps(judged(json.loads(question), self._there(python, host), Requirement)))
            case [python, "-m", "pip", "install", *words] if "--dry-run" in words:
                would = [{"metadata": {"name": n, "version": v}} for n, v in self._brought(python, words, host)]
                return Ran(out=json.dumps({"install": would}))
            case ["uv", "pip", "install", "--python", python, *words] if "--dry-run" in words:
                return Ran(err="".join(f" + {n}=={v}\n" for n, v in self._brought(python, words, host)))
        return None

    def do(self, argv: list[str], host: FakeHost) -> Answer:
        match argv:
            case [_, "-m", "venv", *options, path]:
                return self._venv(path, options, host)
            case [python, "-m", "pip", verb, *words] | ["uv", "pip", verb, "--python", python, *words]:
                if argv[0] != "uv" and host.entry(f"{python.removesuffix('python')}pip") is None and "/bin/" in python:
                    return Ran(1, err=f"{python}: No module named pip")
                return self._install(python, words, host) if verb == "install" else self._remove(python, words, host)
        return None

    def _venv(self, path: str, options: list[str], host: FakeHost) -> Ran:
        wide = str("--system-site-packages" in options).lower()
        uid = host.uid_of(host.acting or "root") or 0
        made: dict[str, str | Node] = {
            "pyvenv.cfg": f"home = /usr/bin\ninclude-system-site-packages = {wide}\nversion = {self.version}\n",
            "bin/python": Node("file", mode=0o755),
        }
        if "--without-pip" not in options:
            made["bin/pip"] = Node("file", mode=0o755)
        for name, what in made.items():
            host.add(f"{path}/{name}", what)
            host.nodes[f"{path}/{name}"].uid = uid
        return Ran()

    def _install(self, python: str, words: list[str], host: FakeHost) -> Ran:
        for name, version in self._brought(python, words, host):
            known = self.archive.get(name, ("1.0",))
            if version not in known:
                return Ran(1, err=f"ERROR: No matching distribution found for {name}")
            self._put(python, name, version, host)
        folder = _after("--editable", words)
        if folder is not None:
            origin = json.dumps({"url": f"file://{folder}", "dir_info": {"editable": True}})
            self._put(python, folder.rpartition("/")[2], "1.0", host, origin)
        return Ran()

    def _remove(self, python: str, words: list[str], host: FakeHost) -> Ran:
        for name in words[words.index("--") + 1 :]:
            for each in host.names_in(_site(python)):
                if plain(each.removesuffix(".dist-info").rpartition("-")[0]) == plain(name):
                    host.discard(f"{_site(python)}/{each}")
        return Ran()

    def _brought(self, python: str, words: list[str], host: FakeHost) -> list[tuple[str, str]]:
        """What an installation of these words would bring: what is missing or does not fit, or is older."""
        from packaging.requirements import Requirement

        there, brought = self._there(python, host), []
        for text in self._texts(words, host):
            wanted = Requirement(text)
            fitting = [v for v in self.archive.get(wanted.name, ("1.0",)) if wanted.specifier.contains(v)]
            [now] = judged([text], there, Requirement)
            if not now["meets"] or ("--upgrade" in words and fitting and fitting[0] != now["version"]):
                brought.append((wanted.name, fitting[0] if fitting else "none"))
        return brought

    def _texts(self, words: Sequence[str], host: FakeHost) -> list[str]:
        file = _after("--requirement", words)
        named = words[words.index("--") + 1 :] if "--" in words else ()
        return [*named, *(() if file is None else requirements_in(host, file))]

    def _there(self, python: str, host: FakeHost) -> dict[str, Any]:
        found = {}
        for each in host.names_in(_site(python)):
            name, _, version = each.removesuffix(".dist-info").rpartition("-")
            origin = json.loads(host.read(f"{_site(python)}/{each}/direct_url.json") or b"{}")
            found[plain(name)] = {"version": version, "requires": [], "origin": origin}
        return found

    def _put(self, python: str, name: str, version: str, host: FakeHost, origin: str = "{}") -> None:
        self._remove(python, ["--", name], host)
        host.add(f"{_site(python)}/{name}-{version}.dist-info/direct_url.json", origin)


def _site(python: str) -> str:
    """Where the packages of an interpreter are."""
    own = python.endswith("/bin/python")
    return (
        f"{python.removesuffix('/bin/python')}/lib/python3/site-packages" if own else "/usr/lib/python3/dist-packages"
    )


def _after(option: str, words: Sequence[str]) -> str | None:
    return next((value for word, value in pairwise(words) if word == option), None)
