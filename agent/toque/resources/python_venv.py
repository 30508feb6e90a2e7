"""python_venv: a virtual environment of Python."""

from __future__ import annotations

import re
from dataclasses import KW_ONLY, dataclass

from toque.core import BadProperty, Change, Host, Resource, ToqueError, recipe_word, resource
from toque.core.accounts import check_name
from toque.core.files import absolute, followed, owner_of, user_id

INTERPRETER = re.compile(r"/[^\0\n]*|[A-Za-z0-9][A-Za-z0-9._+-]*")
WHICH_PYTHON = "import os, sys; print(os.path.dirname(sys._base_executable), '%d.%d' % sys.version_info[:2])"
"""Prints what an environment remembers of the Python that made it: its folder and its version."""

_PARTS = ("bin", "include", "lib", "lib64", "pyvenv.cfg", "share")


@dataclass(frozen=True)
class VenvState:
    interpreter: str
    owner: str | None = None
    system_site_packages: bool | None = None


@resource("python_venv")
@dataclass(frozen=True)
class PythonVenv(Resource[VenvState]):
    """Keep a virtual environment of Python, for `pip_package` to install into.

    path         its folder, absolute; made where it is missing (its parents too), else empty or an environment already
    interpreter  the Python it is made from: "python3" (without it), "python3.12" or an absolute path
    owner        who makes it and owns everything in it
    system_site_packages  True: what the interpreter itself has can be imported too; False: not (a new one without it)
    pip          False makes one without pip, which takes no package python3-venv (pip_package then needs uv)
    present      False removes it, with everything in the folder; what is no environment is left alone

    One that was made by another Python, or by another version of it (3.11 and 3.12), or whose Python is gone, is made
    anew: its packages are gone then, and the `pip_package` of the next line brings them back. On Debian's family
    package("python3-venv") comes first.

        package("python3-venv")
        environment = python_venv("/srv/shop/venv", owner="deploy")
        pip_package(["flask", "gunicorn"], venv=environment.path)
    """

    path: str
    _: KW_ONLY
    interpreter: str = "python3"
    owner: str | None = None
    system_site_packages: bool | None = None
    pip: bool = True
    present: bool = True

    def __post_init__(self) -> None:
        absolute("python_venv", self.path)
        if not INTERPRETER.fullmatch(self.interpreter):
            raise BadProperty(
                f"python_venv interpreter must be a program such as python3.12 or its absolute path, "
                f"got {self.interpreter!r}"
            )
        if self.owner is not None and not self.owner.isdecimal():
            check_name("python_venv owner:", self.owner)

    def desired(self) -> VenvState | None:
        return VenvState(self.interpreter, self.owner, self.system_site_packages) if self.present else None

    def current(self, host: Host) -> VenvState | None:
        folder = host.entry(self.path)
        said = host.read(f"{self.path}/pyvenv.cfg")
        if folder is None or said is None:
            return None
        pairs = (line.partition("=") for line in said.decode(errors="replace").splitlines())
        settings = {key.strip(): value.strip() for key, _, value in pairs}
        return VenvState(
            interpreter=self._made_by(host, settings),
            owner=owner_of(host, folder, self.owner),
            system_site_packages=settings.get("include-system-site-packages") == "true",
        )

    def apply(self, host: Host, change: Change[VenvState]) -> None:
        if change.want is None:
            host.remove(self.path, recursive=True)
            return
        if change.was is None:
            self._make_folder(host)
        elif "owner" in change:
            host.run(["chown", "-R", "-h", str(self.owner), "--", self.path])
        if "interpreter" in change:
            for part in set(_PARTS) & set(host.names_in(self.path)):
                host.remove(f"{self.path}/{part}", recursive=True)
        if change.was is None or not change.fields <= {"owner"}:
            self._make(host, change)

    def _make_folder(self, host: Host) -> None:
        if host.entry(self.path) is None:
            host.make_directory(self.path, mode=0o755, parents=True)
        elif host.names_in(self.path):
            raise ToqueError(f"{self.path} has files in it and is no virtual environment: move them away first")
        if self.owner is not None:
            host.chown(self.path, user_id(host, self.owner), None)

    def _make(self, host: Host, change: Change[VenvState]) -> None:
        if host.which(self.interpreter) is None:
            raise ToqueError(f'{self.interpreter} is not on this machine: package("python3-venv") comes first')
        wide = self.system_site_packages
        if wide is None:  # made anew it stays as it was
            wide = change.was is not None and bool(change.was.system_site_packages)
        brings_pip = self.pip and "interpreter" in change
        options = [*(["--system-site-packages"] if wide else []), *([] if brings_pip else ["--without-pip"])]
        host.run([self.interpreter, "-m", "venv", *options, "--", self.path], user=self.owner, cwd="/")

    def _made_by(self, host: Host, settings: dict[str, str]) -> str:
        """The interpreter, in the recipe's words where it is the one that the recipe names."""
        version = ".".join((settings.get("version") or settings.get("version_info", "")).split(".")[:2])
        made_by = f"{settings.get('home', '')} {version}"
        if host.entry(followed(host, f"{self.path}/bin/python")) is None:
            return f"a Python that is gone, of {made_by}"
        if host.which(self.interpreter) is None:
            return f"Python of {made_by}"
        here = host.run([self.interpreter, "-c", WHICH_PYTHON], cwd="/").out.strip()
        return self.interpreter if here == made_by else f"Python of {made_by}"


python_venv = recipe_word(PythonVenv)
