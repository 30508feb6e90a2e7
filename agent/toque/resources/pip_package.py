"""pip_package: packages of Python, in a virtual environment or in an interpreter's own."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import KW_ONLY, dataclass

from toque.core import BadProperty, Change, Host, Resource, ToqueError, recipe_word, resource
from toque.core.accounts import check_name
from toque.core.files import absolute
from toque.core.planned import Planned
from toque.platforms.python import Environment, Found, Installer, Order, look
from toque.platforms.python.pip import Pip
from toque.platforms.python.requirements import requirements_in
from toque.platforms.python.uv import Uv
from toque.resources.python_venv import INTERPRETER

_NAME = re.compile(r"[A-Za-z0-9]([A-Za-z0-9._-]*[A-Za-z0-9])?")
_CLAUSE = re.compile(r"(?P<sign>==|>=|<=|!=|~=|>|<)? *(?P<version>[0-9A-Za-z][0-9A-Za-z.!+*_-]*)")
_INDEX = re.compile(r"(https|http|file)://[^\s]+")


@dataclass(frozen=True)
class PipState:
    unmet: tuple[str, ...] = ()
    """What is wanted and not so, each with what is there instead."""
    outdated: tuple[str, ...] | None = None


@resource("pip_package")
@dataclass(frozen=True)
class PipPackage(Resource[PipState]):
    """Keep packages of Python installed, or away: by uv where the machine has it, else by pip.

    name         a name or a list of names
    version      for a single name: "3.0.2", "3.0.*", or a range such as ">= 3, < 4"
    extras       for a single name: its extras, such as ["async"]
    requirements   a file of requirements on the machine, instead of names; with hashes they are checked
    require_hashes  True: refuse what has no hash in that file
    editable     the folder of a project on the machine, installed in place, instead of names
    constraints  a file of constraints on the machine
    venv         the folder of the virtual environment (`python_venv`); without it the interpreter's own packages
    interpreter  that interpreter: "python3" (without it), "python3.12" or an absolute path
    break_system_packages  True: also where the system says that its Python is its own affair (Debian 12 and newer)
    index_url, extra_index_urls   where packages come from; one with a password in it as a Secret. Never on a command
                 line
    upgrade      True: the newest that the index has and the version allows; the index is asked in each run
    user         who installs; without it the owner of the virtual environment
    uv           False: pip, even where uv is; True: uv and nothing else. uv reads no pip.conf
    options      more arguments for whoever installs, e.g. ["--no-build-isolation"]
    present      False removes the names; what they needed stays

    Whether a requirement is met the environment's own Python judges, with markers and extras, without asking anybody.
    Lines of a requirements file that begin with an option are for pip alone; a path without a name is not understood.

        package("python3-venv")
        environment = python_venv("/srv/shop/venv", owner="deploy")
        pip_package("flask", version=">= 3, < 4", extras=["async"], venv=environment.path)
        pip_package("gunicorn", venv=environment.path, index_url="https://pypi.example.org/simple")
    """

    name: str | Sequence[str] = ()
    _: KW_ONLY
    version: str | None = None
    extras: Sequence[str] = ()
    requirements: str | None = None
    require_hashes: bool = False
    editable: str | None = None
    constraints: str | None = None
    venv: str | None = None
    interpreter: str = "python3"
    break_system_packages: bool = False
    index_url: str | None = None
    extra_index_urls: Sequence[str] = ()
    upgrade: bool = False
    user: str | None = None
    uv: bool | None = None
    options: Sequence[str] = ()
    present: bool = True

    def __post_init__(self) -> None:
        sources = [bool(self._names), self.requirements is not None, self.editable is not None]
        if sum(sources) != 1:
            raise BadProperty("pip_package needs one of: a name or a list of names, requirements, editable")
        for kind, names in (("name", self._names), ("extras", self.extras)):
            for each in names:
                if not _NAME.fullmatch(each):
                    raise BadProperty(f"pip_package {kind} must be letters, digits and . - _, got {each!r}")
        if (self.version is not None or self.extras) and len(self._names) != 1:
            raise BadProperty("pip_package version and extras go with a single name")
        if self.version is not None and not all(_CLAUSE.fullmatch(each.strip()) for each in self.version.split(",")):
            raise BadProperty(
                f"pip_package version must be one such as '3.0.2', '3.0.*' or '>= 3, < 4', got {self.version!r}"
            )
        for path in (self.requirements, self.editable, self.constraints, self.venv):
            if path is not None:
                absolute("pip_package", path)
        self._check_terms()

    def desired(self) -> PipState | None:
        return PipState((), () if self.upgrade else None) if self.present else None

    def current(self, host: Host) -> PipState | None:
        if self.requirements is not None and host.read(self.requirements) is None:
            return None
        wanted = self._wanted(host)
        found = look(host, self._environment(host), wanted)
        if wanted and not any(each.version or each.meets for each in found):
            return None
        unmet = tuple(_told(text, each) for text, each in zip(wanted, found, strict=True) if not each.meets)
        outdated = None
        if self.upgrade and self.present and not unmet:
            outdated = tuple(self._installer(host).outdated(self._order(wanted)))
        return PipState(unmet, outdated)

    def apply(self, host: Host, change: Change[PipState]) -> None:
        installer = self._installer(host)
        if change.want is None:
            there = [name for name, found in zip(self._names, self._look(host), strict=True) if found.version]
            installer.uninstall(there, self._order(()))
        else:
            installer.install(self._order(self._wanted(host)))

    def foretell(self, plan: Planned, change: Change[PipState]) -> None:
        if self.venv is not None:
            plan.cloud(self.venv)

    def identity(self) -> str:
        return " ".join(self._names) or self.requirements or self.editable or ""

    @property
    def _names(self) -> tuple[str, ...]:
        return (self.name,) if isinstance(self.name, str) else tuple(self.name)

    def _wanted(self, host: Host) -> list[str]:
        """The requirements, one by one."""
        if self.requirements is not None:
            return list(dict.fromkeys(requirements_in(host, self.requirements)))
        if self.editable is not None:
            return [f"-e {self.editable}"]
        if not self.present:
            return list(self._names)
        extras = f"[{','.join(self.extras)}]" if self.extras else ""
        return [f"{name}{extras}{self._specifier()}" for name in self._names]

    def _specifier(self) -> str:
        clauses = filter(None, (_CLAUSE.fullmatch(each.strip()) for each in (self.version or "").split(",")))
        return ",".join(f"{each['sign'] or '=='}{each['version']}" for each in clauses)

    def _look(self, host: Host) -> list[Found]:
        return look(host, self._environment(host), self._wanted(host))

    def _order(self, wanted: Sequence[str]) -> Order:
        return Order(
            words=wanted if self._names else (),
            files=[self.requirements] if self.requirements else (),
            editable=self.editable,
            constraints=self.constraints,
            upgrade=self.upgrade,
            require_hashes=self.require_hashes,
            break_system_packages=self.break_system_packages,
            options=self.options,
        )

    def _environment(self, host: Host) -> Environment:
        python = self.interpreter if self.venv is None else f"{self.venv}/bin/python"
        user = self.user
        if user is None and self.venv is not None and (folder := host.entry(self.venv)) is not None and folder.uid:
            owner = host.user_name(folder.uid)
            user = None if owner.isdecimal() else owner
        return Environment(python, user, self.index_url, self.extra_index_urls)

    def _installer(self, host: Host) -> Installer:
        environment = self._environment(host)
        if self.venv is not None and host.entry(environment.python) is None:
            raise ToqueError(f"{self.venv} is no virtual environment: python_venv({self.venv!r}) comes first")
        if self.uv is not False and host.which("uv") is not None:
            return Uv(host, environment)
        if self.uv:
            raise ToqueError("uv is not on this machine; without uv=True pip is used")
        return Pip(host, environment)

    def _check_terms(self) -> None:
        if not INTERPRETER.fullmatch(self.interpreter):
            raise BadProperty(
                f"pip_package interpreter must be a program such as python3.12 or its absolute path, "
                f"got {self.interpreter!r}"
            )
        for url in (self.index_url, *self.extra_index_urls):
            if url is not None and not _INDEX.fullmatch(url):
                raise BadProperty("pip_package index_url and extra_index_urls must be https://… without blanks")
        if self.user is not None:
            check_name("pip_package user:", self.user)
        if not self.present and (self._names == () or self.version is not None or self.upgrade):
            raise BadProperty("pip_package present=False goes with names, and without version and upgrade")


def _told(text: str, found: Found) -> str:
    return f"{text} (not there)" if found.version is None else f"{text} ({found.version} is there)"


pip_package = recipe_word(PipPackage)
