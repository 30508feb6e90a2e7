"""subversion: a working copy, or an export, of a Subversion repository at a revision."""

from __future__ import annotations

from dataclasses import KW_ONLY, dataclass, field
from typing import ClassVar

from toque.core import BadProperty, Change, Host, Resource, ToqueError, recipe_word, resource
from toque.core.accounts import check_name
from toque.core.files import absolute, user_id
from toque.core.gitclient import Access
from toque.core.svnclient import SvnClient
from toque.core.urls import BadUrl, Url, parse_url

_NOTE = ".toque-subversion"
_NEWEST = "the newest"


@dataclass(frozen=True)
class SubversionState:
    revision: str
    repository: str


@resource("subversion")
@dataclass(frozen=True)
class Subversion(Resource[SubversionState]):
    """Keep a working copy, or an export, of a Subversion repository at a revision. Changes that were made to its files
    on the machine are lost when it moves to another revision.

    destination  the folder's path; made where it is missing (its parents too), else empty or from Subversion already
    repository   https://host/path or svn+ssh://user@host/path, with the trunk, branch or tag in it
    revision     a number; without it the newest, which is looked up in each run
    export       True: the files alone, without .svn; replaced as a whole when the revision is another
    user         who owns the files and runs svn (root)
    username, password  for https, the password as a Secret; never on a command line, and kept nowhere
    ssh_key      a private deploy key without a passphrase, as a Secret; a file only while svn runs
    known_hosts  lines for ssh's known_hosts; without it any host key is believed
    externals    True: fetch svn:externals too, from wherever the repository says
    timeout      seconds that each step may take (600)
    size_limit   bytes that any one file may have (2 GiB)
    allow_insecure  allow http, svn, files of this machine, and hosts that are not on the public internet

    Never asks a question and reads no user's configuration of svn. After its line `old_revision` and `new_revision` are
    the revisions before and after.

        subversion("/srv/www/shop", repository="https://example.org/svn/shop/trunk", revision=1138, user="deploy")
    """

    known_before: ClassVar[frozenset[str]] = frozenset({"old_revision"})

    destination: str
    _: KW_ONLY
    repository: str
    revision: int | None = None
    export: bool = False
    user: str | None = None
    username: str | None = None
    password: str | None = None
    ssh_key: str | None = None
    known_hosts: str | None = None
    externals: bool = False
    timeout: float = 600.0
    size_limit: int = 2 << 30
    allow_insecure: bool = False
    old_revision: str | None = field(default=None, init=False, repr=False, compare=False)
    new_revision: str | None = field(default=None, init=False, repr=False, compare=False)
    _fetched: str | None = field(default=None, init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        absolute("subversion", self.destination)
        if "@" in self.destination:
            raise BadProperty("subversion destination must be without @, which svn takes for a revision")
        url = self._url()
        if self.revision is not None and self.revision < 1:
            raise BadProperty(f"subversion revision must be a number, 1 or more, got {self.revision}")
        if self.user is not None:
            check_name("subversion user:", self.user)
        if self.username is not None and (self.username.startswith("-") or not self.username.isprintable()):
            raise BadProperty(f"subversion username must be a name, got {self.username!r}")
        if self.password is not None and (url.scheme == "svn+ssh" or self.username is None):
            raise BadProperty("subversion password goes with username, over https; for ssh give ssh_key")
        for name in ("ssh_key", "known_hosts", "password"):
            if "\0" in (getattr(self, name) or ""):
                raise BadProperty(f"subversion {name} must be text")
        if "\n" in (self.password or ""):
            raise BadProperty("subversion password must be a single line")

    def desired(self) -> SubversionState:
        return SubversionState(_NEWEST if self.revision is None else str(self.revision), self._wanted_url)

    def current(self, host: Host) -> SubversionState | None:
        if host.which("svn") is None or not self._is_ours(host):
            return None
        with self._client(host) as svn:
            url, revision, changed = self._here(host, svn)
            wanted = self._fetched or (self._newest(svn) if self.revision is None else str(self.revision))
        if self._fetched is None:
            self._note("old_revision", revision or None)
        self._note("new_revision", revision or None)
        self._note("_fetched", None)
        is_right = wanted in (revision, changed if self.revision is None else revision)
        return SubversionState(self.desired().revision if is_right else revision, url)

    def apply(self, host: Host, change: Change[SubversionState]) -> None:
        if host.which("svn") is None:
            raise ToqueError('svn is not installed on this machine: package("subversion") comes first')
        with self._client(host) as svn:
            revision = self._newest(svn) if self.revision is None else str(self.revision)
            source = f"{self._wanted_url}@{revision}"
            if self.export:
                self._export(host, svn, source, revision)
            elif change.was is None:
                self._make_folder(host, self.destination)
                svn.remote("checkout", "--quiet", *self._switches, "--", source, self.destination)
            else:
                svn.run("revert", "--quiet", "--recursive", "--", self.destination)
                way = ["switch", "--ignore-ancestry", "--revision", revision, *self._switches]
                svn.remote(*way, "--quiet", "--accept", "theirs-full", "--", source, self.destination)
        # The repository may move on before the second look, which asks whether we are where we went.
        self._note("_fetched", revision)

    def _export(self, host: Host, svn: SvnClient, source: str, revision: str) -> None:
        if host.entry(self.destination) is not None and not self._is_ours(host):
            self._refuse_strangers(host)
        beside = f"{self.destination}.toque-new"
        if host.entry(beside) is not None:
            host.remove(beside, recursive=True)
        self._make_folder(host, beside)
        svn.remote("export", "--quiet", "--force", *self._switches, "--", source, beside)
        host.write(f"{beside}/{_NOTE}", f"{revision} {self._wanted_url}\n".encode(), mode=0o600)
        if host.entry(self.destination) is not None:
            host.remove(self.destination, recursive=True)
        host.rename(beside, self.destination)

    def _make_folder(self, host: Host, path: str) -> None:
        if host.entry(path) is None:
            host.make_directory(path, mode=0o755, parents=True)
            if self.user is not None:
                host.chown(path, user_id(host, self.user), None)
        else:
            self._refuse_strangers(host)

    def _refuse_strangers(self, host: Host) -> None:
        if host.names_in(self.destination):
            kind = "export" if self.export else "working copy"
            raise ToqueError(f"{self.destination} has files in it and is no {kind} of svn: move them away first")

    def _is_ours(self, host: Host) -> bool:
        return host.entry(f"{self.destination}/{_NOTE if self.export else '.svn'}") is not None

    def _here(self, host: Host, svn: SvnClient) -> tuple[str, str, str]:
        """Where it comes from, the revision it was brought to, and the one that last changed it."""
        if self.export:
            note = (host.read(f"{self.destination}/{_NOTE}") or b"").decode(errors="replace").strip()
            revision, _, url = note.partition(" ")
            return url, revision, revision
        items = [svn.item(name, self.destination) for name in ("url", "revision", "last-changed-revision")]
        return items[0], items[1], items[2]

    def _newest(self, svn: SvnClient) -> str:
        return svn.item("last-changed-revision", f"{self._wanted_url}@HEAD")

    @property
    def _wanted_url(self) -> str:
        return self.repository.rstrip("/")

    @property
    def _switches(self) -> list[str]:
        return [] if self.externals else ["--ignore-externals"]

    def _url(self) -> Url:
        try:
            return parse_url(
                self.repository,
                ("https", "svn+ssh"),
                insecure=("http", "svn", "file"),
                allow_insecure=self.allow_insecure,
            )
        except BadUrl as error:
            raise BadProperty(f"subversion repository {error}") from None

    def _client(self, host: Host) -> SvnClient:
        access = Access(
            self.ssh_key,
            self.known_hosts,
            self.username,
            self.password,
            self.allow_insecure,
            self.timeout,
            self.size_limit,
        )
        return SvnClient(host, self._url(), access, self.user)

    def _note(self, name: str, value: str | None) -> None:
        object.__setattr__(self, name, value)


subversion = recipe_word(Subversion)
