"""git: a working copy of a git repository at a branch, a tag or a commit."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import KW_ONLY, dataclass, field
from typing import ClassVar

from toque.core import BadProperty, Change, Host, Resource, ToqueError, recipe_word, resource
from toque.core.accounts import check_name
from toque.core.files import absolute, group_id, user_id
from toque.core.gitclient import Access, GitClient, check_revision, is_sha
from toque.core.urls import BadUrl, Url, parse_repository

_NONE = 1
_REMOTE = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]{0,63}")


@dataclass(frozen=True)
class GitState:
    revision: str
    repository: str
    remotes: tuple[tuple[str, str], ...] | None = None
    """Further remotes, by name, with where they are."""


@resource("git")
@dataclass(frozen=True)
class Git(Resource[GitState]):
    """Keep a working copy of a repository at a revision. Changes that were made to its files on the machine are lost
    when it moves to another commit; files that the repository does not know are left alone.

    destination  the folder's path; made where it is missing (its parents too), else empty or a working copy already
    repository   https://host/path, ssh://user@host/path or user@host:path
    revision     a branch, a tag or a full commit id; without it the repository's default branch
    user, group  who owns the working copy and runs git (root); without a group it is the user's first
    ssh_key      a private deploy key without a passphrase, as a Secret; a file only while git runs
    known_hosts  lines for ssh's known_hosts; without it any host key is believed
    username, password  for https, the password (or token) as a Secret; sent to the repository's host only
    depth        how many commits of history to fetch; all of them without it
    submodules   fetch submodules too, by the same rules
    remotes      further remotes for people who work in the copy, e.g. {"upstream": "https://example.org/shop.git"};
                 they are kept in its configuration and never fetched. Remotes that are not named stay
    timeout      seconds that each step may take (600)
    size_limit   bytes that any one file may have (2 GiB)
    allow_insecure  allow http, git, files of this machine, and hosts that are not on the public internet

    Never runs a hook, follows a redirect, asks a question or reads anybody's git configuration. After its line
    `old_sha` and `new_sha` are the commits before and after; a branch or a tag is looked up in each run.

        git("/srv/www/shop", repository="https://example.org/team/shop.git", revision="v1.2", user="deploy")
    """

    known_before: ClassVar[frozenset[str]] = frozenset({"old_sha"})

    destination: str
    _: KW_ONLY
    repository: str
    revision: str | None = None
    user: str | None = None
    group: str | None = None
    ssh_key: str | None = None
    known_hosts: str | None = None
    username: str | None = None
    password: str | None = None
    depth: int | None = None
    submodules: bool = False
    remotes: Mapping[str, str] | None = None
    timeout: float = 600.0
    size_limit: int = 2 << 30
    allow_insecure: bool = False
    old_sha: str | None = field(default=None, init=False, repr=False, compare=False)
    new_sha: str | None = field(default=None, init=False, repr=False, compare=False)
    _fetched: str | None = field(default=None, init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        absolute("git", self.destination)
        url = self._url()
        if self.revision is not None:
            check_revision(self.revision)
        if self.user is not None:
            check_name("git user:", self.user)
        if self.group is not None:
            check_name("git group:", self.group)
        if self.depth is not None and self.depth < 1:
            raise BadProperty(f"git depth must be 1 or more, got {self.depth}")
        if self.password is not None and url.scheme not in ("https", "http"):
            raise BadProperty("git password goes with https; for ssh give ssh_key")
        for name, where in (self.remotes or {}).items():
            if name == "origin" or not _REMOTE.fullmatch(name):
                raise BadProperty(f"git remotes must be named by letters, digits, - and _, not origin; got {name!r}")
            try:
                parse_repository(where, allow_insecure=self.allow_insecure)
            except BadUrl as error:
                raise BadProperty(f"git remotes {name} {error}") from None
        for name in ("ssh_key", "known_hosts", "password"):
            if "\0" in (getattr(self, name) or ""):
                raise BadProperty(f"git {name} must be text")

    def desired(self) -> GitState:
        remotes = tuple(sorted(self.remotes.items())) if self.remotes is not None else None
        return GitState(self.revision or "the default branch", self.repository, remotes)

    def current(self, host: Host) -> GitState | None:
        if host.entry(f"{self.destination}/.git") is None or host.which("git") is None:
            return None
        with self._client(host) as git:
            here = git.local("rev-parse", "--verify", "--quiet", "HEAD^{commit}", cwd=self.destination, ok=(0, _NONE))
            sha = here.out.strip()
            origin = git.local("config", "--local", "--get", "remote.origin.url", cwd=self.destination, ok=(0, _NONE))
            wanted = self._fetched or self._wanted(git)
            remotes = self._remotes_here(git)
        if self._fetched is None:
            self._note("old_sha", sha or None)
        self._note("new_sha", sha or None)
        self._note("_fetched", None)
        is_right = sha != "" and sha == wanted
        return GitState(self.desired().revision if is_right else sha[:12], origin.out.strip(), remotes)

    def apply(self, host: Host, change: Change[GitState]) -> None:
        if host.which("git") is None:
            raise ToqueError('git is not installed on this machine: package("git") comes first')
        with self._client(host) as git:
            if change.fields != {"remotes"}:
                self._move(host, git)
            for name, url in (self.remotes or {}).items():
                git.local("config", "--local", f"remote.{name}.url", url, cwd=self.destination)
                fetch = f"+refs/heads/*:refs/remotes/{name}/*"
                git.local("config", "--local", f"remote.{name}.fetch", fetch, cwd=self.destination)

    def _move(self, host: Host, git: GitClient) -> None:
        """Make the working copy where there is none, and bring it to the revision."""
        ref = self.revision if self.revision and is_sha(self.revision) else git.resolve(self.revision)[1]
        self._make_working_copy(host, git)
        sha = self._fetch(git, ref)
        git.local("checkout", "--quiet", "--force", "--detach", sha, "--", cwd=self.destination)
        if self.submodules:
            depth = ["--depth", "1"] if self.depth else []
            git.remote("submodule", "update", "--quiet", "--init", "--recursive", *depth, cwd=self.destination)
        # The branch may move on before the second look, which asks whether we are where we went.
        self._note("_fetched", sha)

    def _remotes_here(self, git: GitClient) -> tuple[tuple[str, str], ...] | None:
        """Of the remotes that the recipe names, those that the copy has."""
        if self.remotes is None:
            return None
        argv = ["config", "--local", "--get-regexp", r"^remote\..*\.url$"]
        lines = git.local(*argv, cwd=self.destination, ok=(0, _NONE)).out.splitlines()
        pairs = (line.partition(" ") for line in lines)
        here = {key.removeprefix("remote.").removesuffix(".url"): url for key, _, url in pairs}
        return tuple(sorted((name, here[name]) for name in self.remotes if name in here))

    def _make_working_copy(self, host: Host, git: GitClient) -> None:
        found = host.entry(self.destination)
        if found is None:
            host.make_directory(self.destination, mode=0o755, parents=True)
            if self.user is not None or self.group is not None:
                host.chown(self.destination, user_id(host, self.user), group_id(host, self.group))
        elif host.entry(f"{self.destination}/.git") is None and host.names_in(self.destination):
            raise ToqueError(f"{self.destination} has files in it and is no working copy of git: move them away first")
        if host.entry(f"{self.destination}/.git") is None:
            git.local("init", "--quiet", "--template=", "--", self.destination)
        git.local("config", "--local", "remote.origin.url", self.repository, cwd=self.destination)
        branches = "+refs/heads/*:refs/remotes/origin/*"
        git.local("config", "--local", "remote.origin.fetch", branches, cwd=self.destination)

    def _fetch(self, git: GitClient, ref: str) -> str:
        """Fetch one ref, or one commit; returns the commit. Not every server gives out a commit by its id."""
        depth = [f"--depth={self.depth}"] if self.depth else []
        switches = ["fetch", "--quiet", "--force", "--no-tags", "--no-recurse-submodules"]
        try:
            git.remote(*switches, *depth, "--", self.repository, ref, cwd=self.destination)
            found = git.local("rev-parse", "--verify", "--quiet", "FETCH_HEAD^{commit}", cwd=self.destination)
        except ToqueError:
            if not is_sha(ref):
                raise
            everything = ["+refs/heads/*:refs/remotes/origin/*", "+refs/tags/*:refs/tags/*"]
            git.remote(*switches, "--", self.repository, *everything, cwd=self.destination)
            found = git.local(
                "rev-parse", "--verify", "--quiet", f"{ref}^{{commit}}", cwd=self.destination, ok=(0, _NONE)
            )
            if found.code == _NONE:
                raise ToqueError(f"the repository {self.repository} has no commit {ref}") from None
        return found.out.strip()

    def _wanted(self, git: GitClient) -> str:
        if self.revision is not None and is_sha(self.revision):
            return self.revision
        return git.resolve(self.revision)[0]

    def _url(self) -> Url:
        try:
            return parse_repository(self.repository, allow_insecure=self.allow_insecure)
        except BadUrl as error:
            raise BadProperty(f"git repository {error}") from None

    def _client(self, host: Host) -> GitClient:
        access = Access(
            self.ssh_key,
            self.known_hosts,
            self.username,
            self.password,
            self.allow_insecure,
            self.timeout,
            self.size_limit,
        )
        return GitClient(host, self._url(), access, self.user, self.group)

    def _note(self, name: str, value: str | None) -> None:
        object.__setattr__(self, name, value)


git = recipe_word(Git)
