"""archive: the content of a packed archive, unpacked into a folder."""

from __future__ import annotations

import json
import os
import re
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import KW_ONLY, dataclass, field
from pathlib import Path

from toque.core import BadProperty, Change, Host, Resource, ToqueError, recipe_word, resource
from toque.core.archives import FORMATS, Limits, extract
from toque.core.digests import sha256_of
from toque.core.download import Rules, check_proxy, check_source, download
from toque.core.files import absolute, group_id, mode_bits, user_id
from toque.core.trees import give, merge, permit
from toque.core.urls import BadUrl, check_headers

_MARK = ".toque-archive"
_SHA256 = re.compile(r"[0-9a-fA-F]{64}")
_AS_THERE = "that of the source"


@dataclass(frozen=True)
class ArchiveState:
    checksum: str
    strip: int


@resource("archive")
@dataclass(frozen=True)
class Archive(Resource[ArchiveState]):
    """Keep a folder with the content of an archive (tar.gz, tar.bz2, tar.xz, zip or war; tar.zst where Python
    is 3.14 or later) in it.

    destination       the folder; made where it is missing, with those above it
    source            a path on this machine, or a URL by the rules of `remote_file`
    sha256            the digest that the archive must have
    strip_components  how many leading folders of each name to leave out
    owner, group      who gets what is unpacked
    mode              of the folders and programs that are unpacked, as text; other files get it without the right to
                      execute, so that "0750" makes them 0640. Without it 0755 and 0644
    creates           a path (in the folder, or absolute): where it is, everything counts as unpacked
    overwrite         False leaves files alone that are in the folder already
    username, password, headers, timeout, proxy, ca_file, cert_file, key_file, allow_insecure   as for `remote_file`
    size_limit        bytes that the archive may unpack to (512 MiB)

    Files of the archive replace those in the folder; others there are left alone. What was unpacked is noted in the
    folder, in `.toque-archive`, and unpacked again when the archive is another one: another digest, or, for a URL
    without sha256, another URL. An archive with anything but files, folders and relative
    links that stay inside is refused, as is one of more than 20,000 entries; `.git` is left out. A plain .tar is not
    taken.

        archive("/opt/tool", source="https://example.org/tool-1.2.tar.gz", strip_components=1,
                sha256="9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08")
    """

    destination: str
    _: KW_ONLY
    source: str
    sha256: str | None = None
    strip_components: int = 0
    owner: str | None = None
    group: str | None = None
    headers: Mapping[str, str] | None = None
    username: str | None = None
    password: str | None = None
    timeout: float = 600.0
    ca_file: str | None = None
    size_limit: int = 512 << 20
    allow_insecure: bool = False
    mode: str | None = None
    creates: str | None = None
    overwrite: bool = True
    proxy: str | None = None
    cert_file: str | None = None
    key_file: str | None = None
    digest: str | None = field(default=None, init=False, repr=False, compare=False)
    """The sha256 of what was unpacked, once it is known."""

    def __post_init__(self) -> None:
        absolute("archive", self.destination)
        if self.sha256 is not None and not _SHA256.fullmatch(self.sha256):
            raise BadProperty(f"archive sha256 must be 64 hexadecimal digits, got {self.sha256!r}")
        if self.strip_components < 0:
            raise BadProperty(f"archive strip_components must be 0 or more, got {self.strip_components}")
        mode_bits("archive", self.mode)
        check_proxy("archive", self.proxy)
        check_headers("archive", self.headers or {})
        if self.key_file is not None and self.cert_file is None:
            raise BadProperty("archive key_file needs cert_file, the certificate that it belongs to")
        if self.creates == "":
            raise BadProperty("archive creates must be a path, got an empty text")
        if self._is_url:
            try:
                check_source(self.source, self._rules())
            except BadUrl as error:
                raise BadProperty(f"archive source {error}") from None
        else:
            absolute("archive source:", self.source)

    def desired(self) -> ArchiveState:
        return ArchiveState(self.sha256.lower() if self.sha256 else _AS_THERE, self.strip_components)

    def current(self, host: Host) -> ArchiveState | None:
        if self.creates is not None and host.entry(os.path.join(self.destination, self.creates)) is not None:  # noqa: PTH118
            return self.desired()
        try:
            noted = json.loads(host.read(f"{self.destination}/{_MARK}") or b"")
            source, checksum, strip = str(noted["source"]), str(noted["sha256"]), int(noted["strip"])
        except (ValueError, KeyError, TypeError):
            return None
        if self.sha256 is None and self._is_as_there(host, source, checksum):
            return ArchiveState(_AS_THERE, strip)
        return ArchiveState(checksum, strip)

    def apply(self, host: Host, change: Change[ArchiveState]) -> None:
        uid, gid = user_id(host, self.owner), group_id(host, self.group)
        if host.entry(self.destination) is None:
            host.make_directory(self.destination, mode=0o755, parents=True)
            host.chown(self.destination, uid, gid)
        with _room_beside(self.destination) as room:
            checksum = self._obtain(host, room / "archive")
            extract(
                room / "archive",
                room / "content",
                strip=self.strip_components,
                limits=Limits(size=self.size_limit),
                name=self.source,
            )
            give(room / "content", uid, gid)
            if (mode := mode_bits("archive", self.mode)) is not None:
                permit(room / "content", mode)
            merge(room / "content", Path(self.destination), overwrite=self.overwrite)
        note = {"source": self.source, "sha256": checksum, "strip": self.strip_components}
        # Last: a run that ends before this line unpacks again.
        host.write(f"{self.destination}/{_MARK}", json.dumps(note).encode(), mode=0o644)
        object.__setattr__(self, "digest", checksum)

    def _is_as_there(self, host: Host, source: str, checksum: str) -> bool:
        if self._is_url:
            return source == self.source
        found = sha256_of(host, self.source)
        # An archive that was cleaned away after it was unpacked has not changed.
        return found == checksum or (found == "" and source == self.source)

    def _obtain(self, host: Host, into: Path) -> str:
        """Bring the archive to where nobody else can change it, and prove what it is."""
        if not self._is_url and host.entry(self.source) is None:
            raise ToqueError(f"there is no archive {self.source} on this machine")
        url = self.source if self._is_url else Path(self.source).as_uri()
        rules = self._rules()
        if not self._is_url:
            rules = Rules(sha256=self.sha256, allow_insecure=True, size_limit=rules.size_limit)
        with into.open("xb") as file:
            return download(url, file, rules).sha256

    @property
    def _is_url(self) -> bool:
        return "://" in self.source

    def _rules(self) -> Rules:
        return Rules(
            sha256=self.sha256,
            headers=self.headers or {},
            username=self.username,
            password=self.password,
            allow_insecure=self.allow_insecure,
            size_limit=max(self.size_limit, 512 << 20),
            timeout=self.timeout,
            ca_file=self.ca_file,
            proxy=self.proxy,
            cert_file=self.cert_file,
            key_file=self.key_file,
        )


@contextmanager
def _room_beside(destination: str) -> Iterator[Path]:
    """A private folder on the file system of the destination, reached by its handle: its name may be taken from us."""
    above = str(Path(destination).parent)
    with tempfile.TemporaryDirectory(prefix=".toque-unpack-", dir=above) as name:
        handle = os.open(name, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC)
        try:
            if os.fstat(handle).st_uid != os.geteuid():
                raise ToqueError(f"somebody replaced {name}, the folder for unpacking")
            yield Path(f"/proc/self/fd/{handle}")
        finally:
            os.close(handle)


archive = recipe_word(Archive)

__all__ = ["FORMATS", "Archive", "ArchiveState", "archive"]
