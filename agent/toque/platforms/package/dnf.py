"""Packages of Fedora, Red Hat and their family, by dnf; by yum on those that have nothing newer."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import ClassVar

from toque.platforms.package import rpm
from toque.platforms.package.terms import Manager, Scope, Step
from toque.platforms.package.word_list import with_words, words_of

_UPDATES = 100
_FAILED = 1
_ROW = re.compile(r"(\S+)\.(?:noarch|x86_64|aarch64|i[3-6]86|ppc64le|s390x|armv7hl|riscv64)")
_OBSOLETING = "Obsoleting Packages"
_EXCLUDED = ("excludepkgs", "exclude")


class Dnf(Manager):
    title = "dnf"
    lists = ("/var/cache/dnf", "/var/cache/libdnf5", "/var/cache/yum")
    list_name = "repomd.xml"
    configuration: ClassVar[str] = "/etc/dnf/dnf.conf"
    available: ClassVar[tuple[str, ...]] = ("list", "--available", "--showduplicates")

    def installed(self, names: Sequence[str], *, remains: bool = False) -> Mapping[str, str]:
        return rpm.installed(self._host, names)

    def outdated(self, names: Sequence[str]) -> list[str]:
        newer = {name for name, _ in self._rows("check-update", "--", *names)}
        return [name for name in names if name in newer or name.rpartition(".")[0] in newer]

    def held(self, names: Sequence[str]) -> list[str]:
        held = words_of(self._text(), "main", _EXCLUDED)
        return [name for name in names if name in held]

    def versions(self, name: str) -> list[str]:
        return [version for _, version in self._rows(*self.available, "--", name)]

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
        self._dnf("makecache", "--refresh")
        self._note_fetched()

    def update_repository(self, name: str) -> None:
        """Fetch the lists of one repository."""
        self._dnf("makecache", "--assumeyes", "--refresh", *self._only(name))

    def _only(self, name: str) -> list[str]:
        """This repository, and an error when it cannot be read: by its configuration it might be skipped."""
        return ["--disablerepo=*", f"--enablerepo={name}", f"--setopt={name}.skip_if_unavailable=False"]

    def similar(self, name: str) -> list[str]:
        return [found for found, _ in self._rows(*self.available, "--", f"{name[:2]}*")]

    def install(self, names: Sequence[str], *, version: str | None = None, downgrade: bool = False) -> None:
        self._no_release()
        there = rpm.installed(self._host, names)
        if version is not None:
            wanted = [f"{name}-{version}" for name in names]
            back = downgrade and any(self.compare(there[name], version) > 0 for name in names if name in there)
            self._transact("downgrade" if back else "install", wanted)
            return
        # `install` leaves what is installed as it is, whatever newer version there is.
        for verb, these in (
            ("install", [name for name in names if name not in there]),
            ("upgrade", [name for name in names if name in there]),
        ):
            if these:
                self._transact(verb, these)

    def install_file(self, path: str, *, downgrade: bool = False) -> None:
        self._no_release()
        name, version = self.in_file(path)
        there = rpm.installed(self._host, [name]).get(name)
        back = downgrade and there is not None and self.compare(there, version) > 0
        self._transact("downgrade" if back else "install", [path])

    def remove(self, names: Sequence[str], *, purge: bool = False) -> None:
        keep = "--setopt=clean_requirements_on_remove=False"
        self._dnf("remove", "--assumeyes", keep, *self._terms.options, "--", *names)

    def hold(self, names: Sequence[str]) -> None:
        text = with_words(self._text(), "main", _EXCLUDED, add=names)
        self._host.write(self.configuration, text.encode(errors="surrogateescape"))

    def unhold(self, names: Sequence[str]) -> None:
        text = with_words(self._text(), "main", _EXCLUDED, drop=names)
        self._host.write(self.configuration, text.encode(errors="surrogateescape"))

    def pending(self, scope: Scope) -> list[Step]:
        newer = dict(self._rows("check-update", *self._limits(scope)))
        there = rpm.installed(self._host, list(newer))
        steps = [Step(name, there.get(name, ""), version) for name, version in newer.items()]
        if scope.autoremove:
            steps += [Step(name, version) for name, version in self._rows("list", "--autoremove")]
        return steps

    def upgrade(self, scope: Scope) -> None:
        self._dnf("upgrade", "--assumeyes", *self._limits(scope))
        if scope.autoremove:
            self._dnf("autoremove", "--assumeyes")

    def needs_reboot(self) -> bool:
        if self._host.which("needs-restarting") is None:
            return False
        return self._host.run(["needs-restarting", "-r"], ok={0, _FAILED}).code == _FAILED

    def _limits(self, scope: Scope) -> list[str]:
        return (["--security"] if scope.security else []) + [f"--exclude={name}" for name in scope.exclude]

    def _transact(self, verb: str, wanted: Sequence[str]) -> None:
        weak = [] if self._terms.recommends else ["--setopt=install_weak_deps=False"]
        self._dnf(verb, "--assumeyes", *weak, *self._terms.options, "--", *wanted)

    def _dnf(self, verb: str, *arguments: str) -> None:
        self._host.run([self.title, "--quiet", verb, *arguments], env=self._terms.environment)

    def _rows(self, *arguments: str) -> list[tuple[str, str]]:
        """Names and versions of a table of `name.arch version repository`, in which long lines may be broken."""
        out = self._host.run([self.title, "--quiet", *arguments], ok={0, _FAILED, _UPDATES}).out
        cells = out.partition(_OBSOLETING)[0].split()
        found = []
        for number, cell in enumerate(cells[:-2]):
            if match := _ROW.fullmatch(cell):
                found.append((match[1], cells[number + 1]))
        return found

    def _unknown(self, names: Sequence[str]) -> list[str]:
        known = {name for name, _ in self._rows(*self.available, "--", *names)} | set(self.installed(names))
        return [
            name
            for name in names
            if name not in known and name.rpartition(".")[0] not in known and not self._is_provided(name)
        ]

    def _is_provided(self, name: str) -> bool:
        return self._host.run([self.title, "--quiet", "provides", "--", name], ok={0, _FAILED}).code == 0

    def _text(self) -> str:
        return (self._host.read(self.configuration) or b"[main]\n").decode(errors="surrogateescape")


class Yum(Dnf):
    """What came before dnf, on Amazon Linux 2 and CentOS 7."""

    title = "yum"
    configuration = "/etc/yum.conf"
    available = ("list", "available", "--showduplicates")

    def update(self) -> None:
        self._dnf("clean", "expire-cache")
        self._dnf("makecache", "fast")
        self._note_fetched()

    def update_repository(self, name: str) -> None:
        self._dnf("makecache", "fast", "--assumeyes", *self._only(name))
