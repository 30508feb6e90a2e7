"""remote_file: a file as it is at some URL."""

from __future__ import annotations

import json
import os
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import KW_ONLY, dataclass, field
from pathlib import Path
from typing import IO

from toque.core import BadProperty, Change, Host, Resource, recipe_word, resource
from toque.core.digests import sha256_of
from toque.core.download import DownloadFailed, Fetched, Rules, beside, check_proxy, check_source, download
from toque.core.files import absolute, back_up, four_digits, group_id, group_of, mode_bits, owner_of, user_id
from toque.core.urls import BadUrl, check_headers
from toque.core.verification import check_verify, judged

_CACHE = "/var/cache/toque/remote_file"
_SHA256 = re.compile(r"[0-9a-fA-F]{64}")
_AS_THERE = "that of the source"


@dataclass(frozen=True)
class RemoteFileState:
    checksum: str | None = None
    owner: str | None = None
    group: str | None = None
    mode: str | None = None


@resource("remote_file")
@dataclass(frozen=True)
class RemoteFile(Resource[RemoteFileState]):
    """Keep a file as it is at a URL, with this owner, group and mode; what is not named is left alone.

    path        absolute; its folder must exist
    source      a URL, or several that are tried in order: https://…; http://… and file:///… only with sha256 or
                allow_insecure
    sha256      the digest (64 hex digits) that the content must have; then nothing is asked for once the file is right.
                Without it the server is asked in each run whether its file has changed
    owner, group, mode  as for `file`; a new file gets 0644
    headers     more request headers; not sent to another host that a redirect leads to
    username, password  for basic authentication, the password as a Secret; sent to the source's own host only
    proxy       "http://proxy:3128", a Secret where a password is in it; "" for none; without it that of the environment
    size_limit  bytes (512 MiB)
    timeout     seconds for the whole
    ca_file     a file of certificates to trust instead of the system's
    cert_file, key_file   a certificate, and its key where it is not in the same file, to show to the server
    verify, backup        as of `file`
    allow_insecure  allow http and file without sha256, and hosts that are not on the public internet
    present     False removes the file

    A download that is cut off is taken up where it ended, if the server can say that its file is still the same.

        remote_file("/opt/tool.tar.gz", source="https://example.org/tool-1.2.tar.gz",
                    sha256="9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08")
    """

    path: str
    _: KW_ONLY
    source: str | Sequence[str] = ()
    sha256: str | None = None
    owner: str | None = None
    group: str | None = None
    mode: str | None = None
    headers: Mapping[str, str] | None = None
    username: str | None = None
    password: str | None = None
    size_limit: int = 512 << 20
    timeout: float = 600.0
    ca_file: str | None = None
    allow_insecure: bool = False
    present: bool = True
    proxy: str | None = None
    cert_file: str | None = None
    key_file: str | None = None
    verify: str | Sequence[str] | Callable[[str], bool] | None = None
    backup: int = 0
    _placed: str | None = field(default=None, init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        absolute("remote_file", self.path)
        mode_bits("remote_file", self.mode)
        if self.sha256 is not None and not _SHA256.fullmatch(self.sha256):
            raise BadProperty(f"remote_file sha256 must be 64 hexadecimal digits, got {self.sha256!r}")
        check_headers("remote_file", self.headers or {})
        check_proxy("remote_file", self.proxy)
        check_verify("remote_file", self.verify)
        if self.key_file is not None and self.cert_file is None:
            raise BadProperty("remote_file key_file needs cert_file, the certificate that it belongs to")
        if self.present and not self._sources:
            raise BadProperty("remote_file needs a source, e.g. https://example.org/tool.tar.gz")
        for url in self._sources:
            try:
                check_source(url, self._rules())
            except BadUrl as error:
                raise BadProperty(f"remote_file source {error}") from None

    def desired(self) -> RemoteFileState | None:
        if not self.present:
            return None
        wanted = self.sha256.lower() if self.sha256 is not None else _AS_THERE
        return RemoteFileState(wanted, self.owner, self.group, four_digits(self.mode))

    def current(self, host: Host) -> RemoteFileState | None:
        found = host.entry(self.path)
        if found is None or found.kind == "directory":
            return None
        here = sha256_of(host, self.path) if self.present and found.kind == "file" else ""
        return RemoteFileState(
            checksum=here if self.sha256 is not None or not self._is_as_there(host, here) else _AS_THERE,
            owner=owner_of(host, found, self.owner),
            group=group_of(host, found, self.group),
            mode=f"{found.mode:04o}",
        )

    def apply(self, host: Host, change: Change[RemoteFileState]) -> None:
        if change.want is None:
            host.remove(self.path)
            return
        if "checksum" in change:
            self._fetch(host)
            return
        if self.mode is not None and "mode" in change:
            host.chmod(self.path, int(self.mode, 8))
        if "owner" in change or "group" in change:
            host.chown(self.path, user_id(host, self.owner), group_id(host, self.group))
            if self.mode is not None:
                host.chmod(self.path, int(self.mode, 8))  # a change of owner takes set-user-id bits away

    def _fetch(self, host: Host) -> None:
        """Put it in place at once, with owner and mode: it never stands there half, or open to the wrong people."""
        was = host.entry(self.path)
        uid, gid, mode = user_id(host, self.owner), group_id(host, self.group), mode_bits("remote_file", self.mode)
        if was is not None and was.kind == "file":
            uid, gid = was.uid if uid is None else uid, was.gid if gid is None else gid
            mode = was.mode if mode is None else mode
        with beside(Path(self.path)) as (file, name):
            url, got = self._download(file)
            file.flush()
            if uid is not None or gid is not None:
                os.fchown(file.fileno(), -1 if uid is None else uid, -1 if gid is None else gid)
            os.fchmod(file.fileno(), 0o644 if mode is None else mode)
            judged(host, self.verify, self.path, name)
            back_up(host, self.path, self.backup)
            host.rename(name, self.path)
        self._note(got.sha256)
        if self.sha256 is None:
            self._remember(host, url, got)

    def _download(self, file: IO[bytes] | None) -> tuple[str, Fetched]:
        """Fetch from the first source that gives it; into nothing, only to know its digest."""
        failures = []
        for url in self._sources:
            try:
                if file is not None:
                    file.seek(0)
                    file.truncate()
                return url, download(url, file, self._rules())
            except DownloadFailed as failed:
                failures.append(failed)
        if len(failures) == 1:
            raise failures[0]
        raise DownloadFailed(self._sources[0], "; ".join([failures[0].why, *map(str, failures[1:])]))

    def _is_as_there(self, host: Host, here: str) -> bool:
        """Whether the content is still that of the URL: by its etag or date, else by fetching it once more."""
        if self._placed is not None:
            placed = self._placed
            self._note(None)  # the server may change it before the second look, which asks whether it arrived
            return here == placed
        url, known = self._remembered(host)
        if url in self._sources and known.sha256 == here and (known.etag or known.modified):
            return download(url, None, self._rules(), known=known).sha256 == here
        return self._download(None)[1].sha256 == here

    def _remember(self, host: Host, url: str, got: Fetched) -> None:
        if host.entry(_CACHE) is None:
            host.make_directory(_CACHE, mode=0o700, parents=True)
        note = {"path": self.path, "url": url, "sha256": got.sha256, "etag": got.etag, "modified": got.modified}
        host.write(self._note_path(), json.dumps(note).encode(), mode=0o600)

    def _remembered(self, host: Host) -> tuple[str, Fetched]:
        try:
            note = json.loads(host.read(self._note_path()) or b"{}")
            return note["url"], Fetched(note["sha256"], note["etag"], note["modified"])
        except (ValueError, KeyError, TypeError):
            return "", Fetched()

    def _note_path(self) -> str:
        import hashlib

        return f"{_CACHE}/{hashlib.sha256(self.path.encode()).hexdigest()[:32]}.json"

    @property
    def _sources(self) -> tuple[str, ...]:
        return (self.source,) if isinstance(self.source, str) else tuple(self.source)

    def _rules(self) -> Rules:
        return Rules(
            sha256=self.sha256,
            headers=self.headers or {},
            username=self.username,
            password=self.password,
            allow_insecure=self.allow_insecure,
            size_limit=self.size_limit,
            timeout=self.timeout,
            ca_file=self.ca_file,
            proxy=self.proxy,
            cert_file=self.cert_file,
            key_file=self.key_file,
        )

    def _note(self, value: str | None) -> None:
        object.__setattr__(self, "_placed", value)


remote_file = recipe_word(RemoteFile)
