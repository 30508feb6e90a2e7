"""Packages of SUSE and openSUSE, by zypper."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from toque.platforms.package import rpm
from toque.platforms.package.terms import Manager, Scope, Step

if TYPE_CHECKING:
    from xml.etree.ElementTree import Element

_LOCKS = "/etc/zypp/locks"
_NOTHING_FOUND = 104
_DONE = {0, 102, 103}
"""Done; done, and the machine needs a restart; done, and zypper itself was replaced."""


class Zypper(Manager):
    title = "zypper"
    lists = ("/var/cache/zypp/raw",)
    list_name = "repomd.xml"

    def installed(self, names: Sequence[str], *, remains: bool = False) -> Mapping[str, str]:
        return rpm.installed(self._host, names)

    def outdated(self, names: Sequence[str]) -> list[str]:
        newer = {each.get("name") for each in self._ask("list-updates").iter("update")}
        return [name for name in names if name in newer]

    def held(self, names: Sequence[str]) -> list[str]:
        text = (self._host.read(_LOCKS) or b"").decode(errors="replace")
        held = [line.partition(":")[2].strip() for line in text.splitlines() if line.startswith("solvable_name:")]
        return [name for name in names if name in held]

    def versions(self, name: str) -> list[str]:
        found = self._ask("search", "--details", "--type", "package", "--match-exact", "--", name).iter("solvable")
        return list(dict.fromkeys(each.get("edition", "") for each in found))

    def compare(self, one: str, other: str) -> int:
        return rpm.compare(one, other)

    def in_file(self, path: str) -> tuple[str, str]:
        return rpm.in_file(self._host, path)

    def refresh(self, names: Sequence[str]) -> list[str]:
        unknown = self._unknown(names)
        if unknown or not self.is_fresh(self._terms.max_age):
            self.update()
            unknown = self._unknown(names)
        return unknown

    def update(self) -> None:
        self._zypper("refresh")
        self._note_fetched()

    def update_repository(self, name: str) -> None:
        """Fetch the lists of one repository."""
        self._zypper("refresh", "--", name)

    def similar(self, name: str) -> list[str]:
        return [each.get("name", "") for each in self._ask("search", "--", f"{name[:2]}*").iter("solvable")]

    def install(self, names: Sequence[str], *, version: str | None = None, downgrade: bool = False) -> None:
        self._install([name if version is None else f"{name}={version}" for name in names], downgrade)

    def install_file(self, path: str, *, downgrade: bool = False) -> None:
        self._install([path], downgrade)

    def remove(self, names: Sequence[str], *, purge: bool = False) -> None:
        self._zypper("remove", *self._terms.options, "--", *names)

    def hold(self, names: Sequence[str]) -> None:
        self._zypper("addlock", "--", *names)

    def unhold(self, names: Sequence[str]) -> None:
        self._zypper("removelock", "--", *names)

    def pending(self, scope: Scope) -> list[Step]:
        steps = []
        for summary in self._ask(*self._upgrading(scope), "--dry-run").iter("install-summary"):
            for group in summary:
                for each in group.iter("solvable"):
                    if each.get("type") != "package" or scope.excludes(each.get("name", "")):
                        continue
                    name, edition, old = each.get("name", ""), each.get("edition", ""), each.get("edition-old", "")
                    steps.append(Step(name, edition) if group.tag == "to-remove" else Step(name, old, edition))
        if scope.autoremove:
            steps += [Step(name, version) for name, version in self._unneeded().items()]
        return steps

    def upgrade(self, scope: Scope) -> None:
        if scope.exclude:
            named = [step.name for step in self.pending(Scope(scope.security, scope.exclude)) if step.was and step.to]
            if named:
                self._zypper("update", "--auto-agree-with-licenses", "--", *named)
        else:
            self._zypper(*self._upgrading(scope))
        unneeded = list(self._unneeded()) if scope.autoremove else []
        if unneeded:
            self._zypper("remove", "--", *unneeded)

    def needs_reboot(self) -> bool:
        return self._host.run([self.title, "needs-rebooting"], ok=range(256)).code == 102

    def _upgrading(self, scope: Scope) -> list[str]:
        kind = ["patch", "--category", "security"] if scope.security else ["update"]
        return [*kind, "--auto-agree-with-licenses"]

    def _unneeded(self) -> dict[str, str]:
        """What was installed for others that are gone, in the table that zypper makes even when asked for XML."""
        out = self._host.run([self.title, "--non-interactive", "packages", "--unneeded"]).out
        rows = [[cell.strip() for cell in line.split("|")] for line in out.splitlines() if line.count("|") == 4]
        return {row[2]: row[3] for row in rows if row[0].startswith("i")}

    def _install(self, wanted: list[str], downgrade: bool) -> None:
        self._no_release()
        switches = ["--recommends" if self._terms.recommends else "--no-recommends"]
        switches += ["--oldpackage"] if downgrade else []
        self._zypper("install", "--auto-agree-with-licenses", *switches, *self._terms.options, "--", *wanted)

    def _zypper(self, *arguments: str) -> None:
        env = {"ZYPP_LOCK_TIMEOUT": str(self._terms.lock_timeout), **self._terms.environment}
        self._host.run([self.title, "--non-interactive", "--quiet", *arguments], ok=_DONE, env=env)

    def _ask(self, *arguments: str) -> Element:
        from xml.etree import ElementTree

        ran = self._host.run(
            [self.title, "--non-interactive", "--no-refresh", "--xmlout", *arguments], ok={*_DONE, _NOTHING_FOUND}
        )
        return ElementTree.fromstring(ran.out)

    def _unknown(self, names: Sequence[str]) -> list[str]:
        known = set(self.installed(names))
        asked = [name for name in names if name not in known]
        if not asked:
            return []
        found = self._ask("search", "--type", "package", "--match-exact", "--", *asked).iter("solvable")
        known |= {each.get("name", "") for each in found}
        return [name for name in asked if name not in known and not self._is_provided(name)]

    def _is_provided(self, name: str) -> bool:
        found = self._ask("search", "--provides", "--match-exact", "--", name)
        return next(found.iter("solvable"), None) is not None
