"""Packages of Alpine Linux, by apk.

apk keeps the list of what is wanted in /etc/apk/world. A line `name=version` there keeps a package at its version, so
that is what a hold is; a version that a recipe asks for leaves no such line behind.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence

from toque.platforms.package.terms import Manager, NotSupported, Scope, Step

_DATABASE = "/lib/apk/db/installed"
_WORLD = "/etc/apk/world"
_FAILED = 1
_STEP = re.compile(r"\(\d+/\d+\) (Installing|Upgrading|Downgrading|Purging) (\S+) \((\S+)(?: -> (\S+))?\)")
_POLICY_VERSION = re.compile(r"  (\S+):$")


class Apk(Manager):
    title = "apk"
    lists = ("/var/cache/apk", "/etc/apk/cache")
    list_name = "APKINDEX*.tar.gz"

    def installed(self, names: Sequence[str], *, remains: bool = False) -> Mapping[str, str]:
        found: dict[str, str] = {}
        provided: dict[str, str] = {}
        for name, version, provides in self._database():
            found[name] = version
            provided |= {each.partition("=")[0]: version for each in provides}
        found = provided | found
        return {name: found[name] for name in names if name in found}

    def outdated(self, names: Sequence[str]) -> list[str]:
        newer = {step.name for step in self._simulated("upgrade") if step.was and step.to}
        return [name for name in names if name in newer]

    def held(self, names: Sequence[str]) -> list[str]:
        world = (self._host.read(_WORLD) or b"").decode(errors="replace").split()
        held = {each.partition("=")[0] for each in world if "=" in each and not set("<>~") & set(each)}
        return [name for name in names if name in held]

    def versions(self, name: str) -> list[str]:
        return self._policy([name]).get(name, [])

    def compare(self, one: str, other: str) -> int:
        sign = self._host.run(["apk", "version", "-t", one, other]).out.strip()
        return {"<": -1, "=": 0, ">": 1}[sign]

    def in_file(self, path: str) -> tuple[str, str]:
        info = self._host.run(["tar", "-xzOf", path, ".PKGINFO"]).out
        fields = dict(line.split(" = ", 1) for line in info.splitlines() if " = " in line)
        return fields["pkgname"], fields["pkgver"]

    def refresh(self, names: Sequence[str]) -> list[str]:
        unknown = self._unknown(names)
        if unknown or not self.is_fresh(self._terms.max_age):
            self.update()
            unknown = self._unknown(names)
        return unknown

    def update(self) -> None:
        self._apk("update")
        self._note_fetched()

    def similar(self, name: str) -> list[str]:
        return self._host.run(["apk", "search", "--quiet", "--", f"{name[:2]}*"], ok={0, _FAILED}).out.split()

    def install(self, names: Sequence[str], *, version: str | None = None, downgrade: bool = False) -> None:
        self._no_release()
        if version is None:
            self._apk("add", "--upgrade", *self._terms.options, "--", *names)
            return
        self._apk("add", *self._terms.options, "--", *(f"{name}={version}" for name in names))
        self._apk("add", "--", *names)

    def install_file(self, path: str, *, downgrade: bool = False) -> None:
        self._no_release()
        self._apk("add", *self._terms.options, "--", path)

    def remove(self, names: Sequence[str], *, purge: bool = False) -> None:
        self._apk("del", *(["--purge"] if purge else []), *self._terms.options, "--", *names)

    def hold(self, names: Sequence[str]) -> None:
        there = self.installed(names)
        self._apk("add", "--", *(f"{name}={there[name]}" for name in names))

    def unhold(self, names: Sequence[str]) -> None:
        self._apk("add", "--", *names)

    def pending(self, scope: Scope) -> list[Step]:
        named = self._named(scope)
        return self._simulated(*self._upgrading(named)) if named != [] else []

    def upgrade(self, scope: Scope) -> None:
        """What others needed and nobody needs any more, apk removes by itself."""
        named = self._named(scope)
        if named != []:
            self._apk(*self._upgrading(named))

    def _named(self, scope: Scope) -> list[str] | None:
        """The packages to upgrade by name; None where it is all of them."""
        if scope.security:
            raise NotSupported("apk does not say which upgrades are security fixes: upgrade everything")
        if not scope.exclude:
            return None
        steps = self._simulated("upgrade")
        return [step.name for step in steps if step.was and step.to and not scope.excludes(step.name)]

    def _upgrading(self, named: list[str] | None) -> list[str]:
        return ["upgrade"] if named is None else ["fix", "--upgrade", "--", *named]

    def _simulated(self, *arguments: str) -> list[Step]:
        steps = []
        for line in self._host.run(["apk", "--simulate", *arguments]).out.splitlines():
            if match := _STEP.match(line):
                verb, name, one, other = match.groups(default="")
                steps.append(
                    Step(name, one, other) if other else Step(name, one) if verb == "Purging" else Step(name, "", one)
                )
        return steps

    def _apk(self, verb: str, *arguments: str) -> None:
        wait = str(self._terms.lock_timeout)
        self._host.run(["apk", "--no-progress", "--wait", wait, verb, *arguments], env=self._terms.environment)

    def _unknown(self, names: Sequence[str]) -> list[str]:
        known = self._policy(names)
        return [name for name in names if name not in known]

    def _policy(self, names: Sequence[str]) -> dict[str, list[str]]:
        """`nginx policy:`, below it each version, and below that where it is to be had."""
        found: dict[str, list[str]] = {}
        name = ""
        for line in self._host.run(["apk", "policy", *names], ok={0, _FAILED}).out.splitlines():
            if line.endswith(" policy:"):
                name = line.removesuffix(" policy:")
                found[name] = []
            elif match := _POLICY_VERSION.match(line):
                found[name].append(match[1])
        return found

    def _database(self) -> Iterator[tuple[str, str, list[str]]]:
        """Name, version and what it provides, of each package: `P:`, `V:` and `p:` in paragraphs."""
        text = (self._host.read(_DATABASE) or b"").decode(errors="replace")
        for paragraph in text.split("\n\n"):
            fields = dict(line.split(":", 1) for line in paragraph.splitlines() if line[1:2] == ":")
            if "P" in fields:
                yield fields["P"], fields.get("V", ""), fields.get("p", "").split()
