"""The installer's archive: a folder with `boot-registration`, the agent's wheel, its unit and what to trust.

    opsworks-agent-installer/
      boot-registration          what `register` starts, as root (see the script beside this module)
      toque-<version>-py3-none-any.whl
      toque-agent.service
      ca.pem                     where the server's certificate is of an authority of its own
      wheels/                    what the operator put into <data directory>/installer-wheels, for machines without
                                 a package index:  pip download --dest <data directory>/installer-wheels toque

Anybody may fetch it: it holds nothing secret. It is made when it is first asked for, and again when one of its parts
has changed; the same parts give the same bytes.
"""

from __future__ import annotations

import gzip
import hashlib
import io
import os
import tarfile
import tempfile
from pathlib import Path
from typing import Final

from toque_server.installer import wheel
from toque_server.settings import Settings
from toque_server.shipped import systemd

FOLDER: Final = "opsworks-agent-installer"
"""The folder in the archive; the OpsWorks clients know it by this name."""

_BOOT: Final = Path(__file__).with_name("boot-registration")


class Installer:
    """The archive of one installation, kept under `<data directory>/installer/`.

    path = Installer(settings).path()
    """

    def __init__(self, settings: Settings) -> None:
        self._ca_file = Path(settings.ca_file) if settings.ca_file else None
        self._wheels = settings.data_dir / "installer-wheels"
        self._folder = settings.data_dir / "installer"

    def path(self) -> Path:
        """The archive's file. Raises NotPackaged, NotShipped, OSError."""
        path = self._folder / f"{self._fingerprint()}.tgz"
        if not path.exists():
            self._folder.mkdir(mode=0o700, exist_ok=True)
            self._keep(path, pack(self._members()))
        return path

    def _keep(self, path: Path, data: bytes) -> None:
        handle, name = tempfile.mkstemp(dir=self._folder, prefix=".packing-")
        with os.fdopen(handle, "wb") as file:
            file.write(data)
        # Several server processes may do this at once; each writes the same.
        Path(name).replace(path)
        for other in self._folder.glob("*.tgz"):
            if other != path:
                other.unlink(missing_ok=True)

    def _parts(self) -> list[Path]:
        """Every file that the archive is made of."""
        found = [_BOOT, systemd() / "toque-agent.service", *wheel.sources(wheel.package())]
        if self._ca_file is not None:
            found.append(self._ca_file)
        return [*found, *sorted(self._wheels.glob("*.whl"))]

    def _fingerprint(self) -> str:
        text = hashlib.sha256()
        for path in self._parts():
            seen = path.stat()
            text.update(f"{path} {seen.st_size} {seen.st_mtime_ns}\n".encode())
        return text.hexdigest()[:32]

    def _members(self) -> dict[str, tuple[bytes, int]]:
        folder = wheel.package()
        name, made = wheel.build(folder, wheel.about(folder))
        members = {
            "boot-registration": (_BOOT.read_bytes(), 0o755),
            "toque-agent.service": ((systemd() / "toque-agent.service").read_bytes(), 0o644),
            name: (made, 0o644),
        }
        if self._ca_file is not None:
            members["ca.pem"] = (self._ca_file.read_bytes(), 0o644)
        for each in sorted(self._wheels.glob("*.whl")):
            members[f"wheels/{each.name}"] = (each.read_bytes(), 0o644)
        return members


def pack(members: dict[str, tuple[bytes, int]]) -> bytes:
    """A gzip tar of these files (content and mode) in the folder: root's, in order, without a time."""
    out = io.BytesIO()
    with (
        gzip.GzipFile(fileobj=out, mode="wb", mtime=0, filename="") as packed,
        tarfile.open(fileobj=packed, mode="w", format=tarfile.GNU_FORMAT) as archive,
    ):
        folders = {FOLDER, *(f"{FOLDER}/{name}".rpartition("/")[0] for name in members)}
        for folder in sorted(folders):
            entry = tarfile.TarInfo(folder)
            entry.type, entry.mode = tarfile.DIRTYPE, 0o755
            archive.addfile(entry)
        for name, (data, mode) in sorted(members.items()):
            entry = tarfile.TarInfo(f"{FOLDER}/{name}")
            entry.size, entry.mode = len(data), mode
            archive.addfile(entry, io.BytesIO(data))
    return out.getvalue()
