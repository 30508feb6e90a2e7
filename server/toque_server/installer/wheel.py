"""The agent's package as a wheel, made of the files that this server runs, so that a node gets what its server knows.

It holds `toque` without `toque_server`, and asks for what a node needs. The same files give the same bytes.
"""

from __future__ import annotations

import base64
import hashlib
import io
import os
import tomllib
import zipfile
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from importlib import metadata
from importlib.util import find_spec
from pathlib import Path
from typing import Final

_SCRIPTS: Final = "[console_scripts]\ntoque = toque.cli:main\nopsworks-agent-cli = toque.cli.opsworks_agent_cli:main\n"
_WHEEL: Final = "Wheel-Version: 1.0\nGenerator: toque\nRoot-Is-Purelib: true\nTag: py3-none-any\n"
# The first moment that a zip file can name.
_LONG_AGO: Final = (1980, 1, 1, 0, 0, 0)


class NotPackaged(Exception):
    """This server's own files are not where a wheel or a checkout has them."""


@dataclass(frozen=True)
class About:
    """What stands in the wheel's metadata."""

    version: str
    requires_python: str
    requires: tuple[str, ...]

    @property
    def text(self) -> str:
        lines = [
            "Metadata-Version: 2.1",
            "Name: toque",
            f"Version: {self.version}",
            f"Requires-Python: {self.requires_python}",
            *(f"Requires-Dist: {each}" for each in self.requires),
        ]
        return "\n".join(lines) + "\n"


def package() -> Path:
    """The folder of the package `toque`. Raises NotPackaged."""
    spec = find_spec("toque")
    if spec is None or spec.origin is None:
        raise NotPackaged("the package toque has no files on this machine: install it from a wheel or a checkout")
    return Path(spec.origin).resolve().parent


def sources(folder: Path) -> Iterator[Path]:
    """Every file of the package that belongs in a wheel, in order."""
    for here, folders, files in os.walk(folder):
        folders[:] = sorted(name for name in folders if name != "__pycache__")
        yield from (Path(here, name) for name in sorted(files) if not name.endswith(".pyc"))


def about(folder: Path) -> About:
    """Version and needs: of the installed distribution, or of the checkout that `folder` is in. Raises NotPackaged."""
    project = folder.parents[1] / "pyproject.toml"
    if folder.parent.name == "agent" and project.is_file():
        return _of_checkout(tomllib.loads(project.read_text(encoding="utf-8"))["project"])
    try:
        return _of_distribution(metadata.distribution("toque"))
    except metadata.PackageNotFoundError:
        raise NotPackaged(f"{folder} belongs to no distribution: install toque from a wheel or a checkout") from None


def build(folder: Path, described: About) -> tuple[str, bytes]:
    """The wheel's file name and its bytes."""
    info = f"toque-{described.version}.dist-info"
    members = {f"toque/{path.relative_to(folder).as_posix()}": path.read_bytes() for path in sources(folder)}
    members |= {
        f"{info}/METADATA": described.text.encode(),
        f"{info}/WHEEL": _WHEEL.encode(),
        f"{info}/entry_points.txt": _SCRIPTS.encode(),
    }
    record = f"{info}/RECORD"
    members[record] = _record(members, record)
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as wheel:
        for name, data in members.items():
            member = zipfile.ZipInfo(name, _LONG_AGO)
            member.compress_type, member.external_attr = zipfile.ZIP_DEFLATED, 0o644 << 16
            wheel.writestr(member, data)
    return f"toque-{described.version}-py3-none-any.whl", out.getvalue()


def _record(members: Mapping[str, bytes], itself: str) -> bytes:
    lines = [
        f"{name},sha256={base64.urlsafe_b64encode(hashlib.sha256(data).digest()).rstrip(b'=').decode()},{len(data)}"
        for name, data in members.items()
    ]
    return "".join(f"{line}\n" for line in (*lines, f"{itself},,")).encode()


def _of_checkout(project: Mapping[str, object]) -> About:
    wanted = project["dependencies"]
    assert isinstance(wanted, list)
    return About(str(project["version"]), str(project["requires-python"]), tuple(wanted))


def _of_distribution(found: metadata.Distribution) -> About:
    wanted = [each for each in found.requires or () if "extra ==" not in each]
    return About(found.version, found.metadata["Requires-Python"], tuple(wanted))
