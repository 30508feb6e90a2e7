"""Bundle archives as files, named by their digest: `<data directory>/bundles/<sha256>`."""

from __future__ import annotations

import os
import re
import tempfile
from collections.abc import Iterator, Mapping
from datetime import datetime
from functools import cached_property
from pathlib import Path

from toque.cookbook.bundle import pack
from toque.cookbook.layout import find_cookbooks
from toque.protocol.durable import sync_directory
from toque.protocol.messages import BundleRef
from toque_server.store.cookbooks import Bundle

_DIGEST = re.compile(r"[0-9a-f]{64}")
_PIECE = 256 * 1024
_LONGEST_SETTINGS = 64 * 1024


class NoShippedCookbooks(Exception):
    """Neither the wheel nor a checkout with cookbooks is where this server runs from."""


class Bundles:
    """The archives of one installation.

    bundles = Bundles(settings.data_dir)
    kept = bundles.keep(find_cookbooks(checkout), at=now)     # packs, stores the file, describes it
    cookbooks.add(conn, kept)
    """

    def __init__(self, data_dir: Path, *, shipped: Path | None = None) -> None:
        self.directory = data_dir / "bundles"
        self.directory.mkdir(mode=0o700, parents=True, exist_ok=True)
        self._shipped = shipped

    @property
    def shipped(self) -> Path:
        """The folder of the cookbooks that come with Toque. Raises NoShippedCookbooks."""
        return self._shipped or shipped_cookbooks()

    @cached_property
    def builtin(self) -> BundleRef:
        """The bundle of the shipped cookbooks: packed when it is first asked for, the same from then on."""
        return self._keep(find_cookbooks(self.shipped))[0]

    def keep(self, found: Mapping[str, Path], *, at: datetime) -> Bundle:
        """Pack cookbooks (name to folder) and keep the archive. Equal content is one file. Raises BadCookbook."""
        ref, contents = self._keep(found)
        return Bundle(digest=ref.digest, size=ref.size, created_at=at, contents=contents)

    def path(self, digest: str) -> Path | None:
        """The archive's file, or None where there is none."""
        if _DIGEST.fullmatch(digest) is None:
            return None
        path = self.directory / digest
        return path if path.is_file() else None

    def pieces(self, path: Path) -> Iterator[bytes]:
        """The archive, piece by piece."""
        with path.open("rb") as file:
            while piece := file.read(_PIECE):
                yield piece

    def _keep(self, found: Mapping[str, Path]) -> tuple[BundleRef, dict[str, object]]:
        handle, name = tempfile.mkstemp(dir=self.directory, prefix=".packing-")
        os.close(handle)
        packing = Path(name)
        try:
            info = pack(found, packing)
            with packing.open("rb") as file:
                os.fsync(file.fileno())
            packing.replace(self.directory / info.digest)
        finally:
            packing.unlink(missing_ok=True)
        sync_directory(self.directory)
        texts = {name: _settings_text(root) for name, root in found.items()}
        contents: dict[str, object] = {name: {**of, "settings": texts[name]} for name, of in info.contents.items()}
        return BundleRef(info.digest, info.size), contents


def _settings_text(root: Path) -> str | None:
    """The text of a settings.py, so that values can be judged without opening the archive; None for a very long one."""
    path = root / "settings.py"
    if not path.is_file() or path.stat().st_size > _LONGEST_SETTINGS:
        return None
    return path.read_text(encoding="utf-8", errors="replace")


def shipped_cookbooks() -> Path:
    """The folder of the cookbooks that come with Toque: in the wheel, or in the checkout. Raises NoShippedCookbooks."""
    package = Path(__file__).resolve().parents[1]
    for place in (package / "shipped" / "cookbooks", package.parents[1] / "cookbooks"):
        if place.is_dir():
            return place
    raise NoShippedCookbooks(f"there are no cookbooks in {package / 'shipped'}: is this installation whole?")
