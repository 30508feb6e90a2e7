"""The copy of Toque that every clone sees at /opt/toque, with the interpreter and the packages of this process.

It is a small tree, made once per data directory and kind of Toque; the interpreter and the packages are not copied but
bound into it. It looks like a virtual environment, so that nothing needs PYTHONPATH and nothing leaks to children:

    bin/python  bin/toque  bin/supervisord  bin/supervisorctl  bin/toque-init
    pyvenv.cfg               home = where the interpreter is, seen from the clone
    site/toque/              a copy: an editable or bare source tree may change while instances run
    base/  packages/0 …      mount points: the interpreter's prefix; the directories the packages are in
    lib/python3.N/site-packages/toque.pth
"""

from __future__ import annotations

import compileall
import hashlib
import os
import shutil
import sys
import sysconfig
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path

from toque.sandbox.places import TOQUE

# What the agent, its runs and supervisord import; each is found where it is, whatever way it was installed.
_PACKAGES = (
    "_cffi_backend",
    "certifi",
    "charset_normalizer",
    "cffi",
    "click",
    "cryptography",
    "idna",
    "jinja2",
    "luqum",
    "markupsafe",
    "msgspec",
    "pkg_resources",
    "ply",
    "psutil",
    "requests",
    "supervisor",
    "urllib3",
    "yaml",
)

_SCRIPTS = {
    "toque": "from toque.cli import main\nsys.exit(main())\n",
    "supervisord": "from supervisor.supervisord import main\nsys.exit(main())\n",
    "supervisorctl": "from supervisor.supervisorctl import main\nsys.exit(main())\n",
}
_INIT = f"""\
import sys
sys.path.insert(0, "{TOQUE}/site")
from toque.sandbox.init import main
main()
"""


@dataclass(frozen=True)
class Toolchain:
    """A tree to bind at /opt/toque, and what to bind into it: (source, place beneath the tree)."""

    tree: Path
    binds: tuple[tuple[Path, str], ...]


def toolchain(where: Path) -> Toolchain:
    """Find the toolchain of this process under `where`, or make it. Several processes may ask at once."""
    base = Path(sys.base_prefix).resolve()
    packages = tuple(dict.fromkeys(_package_directories()))
    binds = ((base, "base"), *((path, f"packages/{n}") for n, path in enumerate(packages)))
    source = Path(__file__).resolve().parent.parent
    tree = where / _fingerprint(source, base, packages)
    if not tree.is_dir():
        where.mkdir(parents=True, exist_ok=True)
        made = Path(tempfile.mkdtemp(prefix=".making-", dir=where))
        _make(made, source, base, len(packages))
        try:
            made.rename(tree)
        except OSError:  # another process was first
            shutil.rmtree(made)
    return Toolchain(tree, binds)


def shared_library_home() -> Path | None:
    """The interpreter's prefix, where its own library is found by an absolute path that must exist in the clone too."""
    return Path(sys.base_prefix).resolve() if sysconfig.get_config_var("Py_ENABLE_SHARED") else None


def _package_directories() -> Iterator[Path]:
    for name in _PACKAGES:
        spec = find_spec(name)
        if spec is None or spec.origin is None:
            continue
        origin = Path(spec.origin).resolve()
        yield origin.parent.parent if spec.submodule_search_locations else origin.parent


def _sources(package: Path) -> Iterator[Path]:
    for folder, folders, files in os.walk(package):
        folders[:] = sorted(name for name in folders if name != "__pycache__")
        yield from (Path(folder, name) for name in sorted(files) if not name.endswith(".pyc"))


def _fingerprint(package: Path, base: Path, packages: tuple[Path, ...]) -> str:
    """What the tree depends on: another file, time, interpreter or place of packages is another tree."""
    text = hashlib.sha256(repr((sys.version, base, packages)).encode())
    for path in _sources(package):
        seen = path.stat()
        text.update(f"{path} {seen.st_size} {seen.st_mtime_ns}\n".encode())
    return text.hexdigest()[:16]


def _make(tree: Path, package: Path, base: Path, packages: int) -> None:
    version = f"python{sys.version_info.major}.{sys.version_info.minor}"
    interpreter = Path(getattr(sys, "_base_executable", sys.executable)).resolve()
    inside = f"{TOQUE}/base/{interpreter.relative_to(base)}" if interpreter.is_relative_to(base) else str(interpreter)
    site = tree / "lib" / version / "site-packages"
    for folder in (
        tree / "bin",
        tree / "base",
        tree / "site",
        site,
        *(tree / f"packages/{n}" for n in range(packages)),
    ):
        folder.mkdir(parents=True)
    shutil.copytree(package, tree / "site" / "toque")
    compileall.compile_dir(tree / "site", quiet=2, stripdir=str(tree), prependdir=TOQUE)
    (tree / "pyvenv.cfg").write_text(f"home = {Path(inside).parent}\ninclude-system-site-packages = false\n")
    lines = [f"{TOQUE}/site", *(f"{TOQUE}/packages/{n}" for n in range(packages))]
    (site / "toque.pth").write_text("".join(f"{line}\n" for line in lines))
    for name in ("python", "python3", version):
        (tree / "bin" / name).symlink_to(inside)
    for name, text in _SCRIPTS.items():
        _write_script(tree / "bin" / name, f"#!{TOQUE}/bin/python -I\nimport sys\n{text}")
    _write_script(tree / "bin" / "toque-init", f"#!{TOQUE}/bin/python -IS\n{_INIT}")
    tree.chmod(0o755)


def _write_script(path: Path, text: str) -> None:
    path.write_text(text)
    path.chmod(0o755)
