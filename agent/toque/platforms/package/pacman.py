"""Packages of Arch Linux and its family, by pacman."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from toque.platforms.package import rpm
from toque.platforms.package.terms import Manager, NotSupported, Scope, Step
from toque.platforms.package.word_list import with_words, words_of

_CONFIGURATION = "/etc/pacman.conf"
_IGNORED = ("IgnorePkg",)
_FAILED = 1
_LOCKED = "unable to lock database"


class Pacman(Manager):
    title = "pacman"
    lists = ("/var/lib/pacman/sync",)
    list_name = "*.db"

    def installed(self, names: Sequence[str], *, remains: bool = False) -> Mapping[str, str]:
        own = self._pairs("-Q", "--", *names)
        found = {name: own[name] for name in names if name in own}
        for name in names:
            # A name that some package provides is answered with that package.
            if name not in found and (providers := self._pairs("-Q", "--", name)):
                found[name] = next(iter(providers.values()))
        return found

    def outdated(self, names: Sequence[str]) -> list[str]:
        newer = self._newer(*names)
        return [name for name in names if name in newer]

    def held(self, names: Sequence[str]) -> list[str]:
        held = words_of(self._text(), "options", _IGNORED)
        return [name for name in names if name in held]

    def versions(self, name: str) -> list[str]:
        shown = self._host.run(["pacman", "-Si", "--", name], ok={0, _FAILED}).out.splitlines()
        return [line.partition(":")[2].strip() for line in shown if line.startswith("Version ")]

    def compare(self, one: str, other: str) -> int:
        return rpm.compare(one, other)  # pacman took its rules from rpm

    def in_file(self, path: str) -> tuple[str, str]:
        name, version = self._host.run(["pacman", "-Qp", "--", path]).out.split()
        return name, version

    def refresh(self, names: Sequence[str]) -> list[str]:
        unknown = self._unknown(names)
        if unknown or not self.is_fresh(self._terms.max_age):
            self.update()
            unknown = self._unknown(names)
        return unknown

    def update(self) -> None:
        self._pacman("-Sy")
        self._note_fetched()

    def similar(self, name: str) -> list[str]:
        names = self._host.run(["pacman", "-Slq"], ok={0, _FAILED}).out.split()
        return [each for each in names if each.startswith(name[:2])]

    def install(self, names: Sequence[str], *, version: str | None = None, downgrade: bool = False) -> None:
        self._no_release()
        self._pacman("-S", *self._terms.options, "--", *names)

    def install_file(self, path: str, *, downgrade: bool = False) -> None:
        self._no_release()
        self._pacman("-U", *self._terms.options, "--", path)

    def remove(self, names: Sequence[str], *, purge: bool = False) -> None:
        self._pacman("-Rn" if purge else "-R", *self._terms.options, "--", *names)

    def hold(self, names: Sequence[str]) -> None:
        text = with_words(self._text(), "options", _IGNORED, add=names)
        self._host.write(_CONFIGURATION, text.encode(errors="surrogateescape"))

    def unhold(self, names: Sequence[str]) -> None:
        text = with_words(self._text(), "options", _IGNORED, drop=names)
        self._host.write(_CONFIGURATION, text.encode(errors="surrogateescape"))

    def pending(self, scope: Scope) -> list[Step]:
        if scope.security:
            raise NotSupported("pacman does not say which upgrades are security fixes: upgrade everything")
        steps = [Step(name, was, to) for name, (was, to) in self._newer().items() if not scope.excludes(name)]
        if scope.autoremove:
            steps += [Step(name, version) for name, version in self._pairs("-Qdt").items()]
        return steps

    def upgrade(self, scope: Scope) -> None:
        ignored = [name for name in self._newer() if scope.excludes(name)]
        self._pacman("-Su", *(["--ignore", ",".join(ignored)] if ignored else []))
        unneeded = list(self._pairs("-Qdt")) if scope.autoremove else []
        if unneeded:
            self._pacman("-Rs", "--", *unneeded)

    def _newer(self, *names: str) -> dict[str, tuple[str, str]]:
        """`name 1.0-1 -> 2.0-1`; those that pacman is told to ignore are marked so."""
        rows = [
            line.split() for line in self._host.run(["pacman", "-Qu", "--", *names], ok={0, _FAILED}).out.splitlines()
        ]
        return {row[0]: (row[1], row[3]) for row in rows if len(row) == 4}

    def _pairs(self, *arguments: str) -> dict[str, str]:
        rows = [line.split() for line in self._host.run(["pacman", *arguments], ok={0, _FAILED}).out.splitlines()]
        return {row[0]: row[1] for row in rows if len(row) == 2}

    def _pacman(self, verb: str, *arguments: str) -> None:
        self._until_unlocked(["pacman", verb, "--noconfirm", *arguments], _LOCKED)

    def _unknown(self, names: Sequence[str]) -> list[str]:
        ask = ["pacman", "-Sp", "--print-format", "%n", "--"]
        known = self.installed(names)
        return [n for n in names if n not in known and self._host.run([*ask, n], ok={0, _FAILED}).code != 0]

    def _text(self) -> str:
        return (self._host.read(_CONFIGURATION) or b"[options]\n").decode(errors="surrogateescape")
