"""Fetching cookbooks on the author's machine, into the cache.

Whatever comes in from outside comes through the hardened git client, downloader and unpacker that nodes use too.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Protocol

from toque.cookbook import archive
from toque.cookbook.archive import BadArchive
from toque.cookbook.bundle import BadBundle, unpack
from toque.cookbook.deps.cache import Cache
from toque.cookbook.deps.content import digest_of, inspect
from toque.cookbook.deps.errors import BadDependencies, NotToBeHad
from toque.cookbook.deps.lock import FILE, Lock, Locked
from toque.cookbook.deps.manifest import ServerSource, Wanted
from toque.cookbook.deps.origin import Archive, Builtin, Git, Local, Origin, Published
from toque.cookbook.deps.places import find, folder_in, info_of
from toque.cookbook.layout import CookbookInfo, load_cookbook
from toque.core.download import DownloadFailed, Rules, download
from toque.core.errors import ToqueError
from toque.core.gitclient import Access, GitClient, is_sha
from toque.core.local import LocalHost
from toque.core.urls import BadUrl, parse_repository, parse_url
from toque.protocol.canonical import digest


class Shelves(Protocol):
    """The servers of `[sources]`: what is published there, and the bundles. Raises NotToBeHad."""

    def listed(self, source: ServerSource) -> Mapping[str, Mapping[str, str]]:
        """{cookbook: {version: digest of the newest bundle that holds it}}."""

    def bundle(self, source: ServerSource, digest: str) -> bytes: ...


class NoShelves:
    """Where no server can be asked."""

    def listed(self, source: ServerSource) -> Mapping[str, Mapping[str, str]]:
        raise NotToBeHad(f"no server can be asked here, {source.server} neither")

    def bundle(self, source: ServerSource, digest: str) -> bytes:
        raise NotToBeHad(f"no server can be asked here, {source.server} neither")


@dataclass(frozen=True)
class Fetcher:
    """`root` is the folder of cookbooks.toml. Offline, only what the cache knows is to be had."""

    root: Path
    cache: Cache
    sources: Mapping[str, ServerSource] = field(default_factory=dict)
    shelves: Shelves = field(default_factory=NoShelves)
    allow_insecure: bool = False
    offline: bool = False
    ssh_key: str | None = None
    known_hosts: str | None = None
    say: Callable[[str], None] = lambda _: None

    def resolve(self, wanted: Wanted) -> Locked:
        """The newest of what a line of cookbooks.toml asks for, now in the cache. Raises BadDependencies."""
        try:
            return self._resolve(wanted.name, wanted.origin)
        except NotToBeHad as error:
            raise BadDependencies(self.root / "cookbooks.toml", f"{wanted.name}: {error}", wanted.line) from error

    def bring(self, locked: Locked) -> CookbookInfo:
        """Let the cache have exactly what was locked. Raises NotToBeHad."""
        if not self.cache.has(locked.digest):
            found = self._resolve(locked.name, self._exact(locked.origin))
            if found.digest != locked.digest:
                raise NotToBeHad(
                    f"{locked.name} from {locked.origin} is not what was locked: its digest is {found.digest[:12]}, "
                    f"not {locked.digest[:12]}; if that is as it should be, run "
                    f"`toque cookbook deps update {locked.name}`"
                )
        elif isinstance(locked.origin, Local):
            self._refuse_changed(locked, locked.origin)
        return load_cookbook(self.cache.folder(locked.digest))

    def bring_all(self, lock: Lock) -> None:
        """Let the cache have everything that is locked. Raises BadDependencies, with the line of the lock."""
        for locked in lock.cookbooks.values():
            try:
                self.bring(locked)
            except NotToBeHad as error:
                raise BadDependencies(self.root / FILE, str(error), locked.line) from error

    def _refuse_changed(self, locked: Locked, origin: Local) -> None:
        folder = (self.root / origin.path).resolve()
        if folder.is_dir() and digest_of(inspect(folder)) != locked.digest:
            raise NotToBeHad(
                f"{locked.name} in {origin.path} was changed since it was locked: "
                f"run `toque cookbook deps update {locked.name}`"
            )

    def _exact(self, origin: Origin) -> Origin:
        if isinstance(origin, Git):
            return Git(origin.url, "rev", origin.commit, origin.path, origin.commit)
        return origin

    def _resolve(self, name: str, origin: Origin) -> Locked:
        match origin:
            case Git():
                return self._git(name, origin)
            case Archive():
                return self._archive(name, origin)
            case Local():
                folder = (self.root / origin.path).resolve()
                if not folder.is_dir():
                    raise NotToBeHad(f"there is no folder {origin.path}")
                return self._keep(name, folder, ".", origin)
            case Published():
                return self.published(name, origin)
            case Builtin():
                raise NotToBeHad(f"{name} is built-in, and is never fetched")

    # --- git

    def _git(self, name: str, origin: Git) -> Locked:
        commit = self._commit(origin)
        asked = ["git", origin.url, commit, origin.path, name]
        if (known := self._known(name, asked)) is not None:
            path, content = known
            return self._locked(name, content, replace(origin, commit=commit, path=path))
        self._refuse_offline(f"{origin} at {commit[:12]}")
        self.say(f"fetching {name} from {origin}")
        with self.cache.scratch() as place, self._client(origin.url) as git:
            tree = place / "tree"
            git.local("init", "--quiet", "--template=", "--", str(tree))
            self._fetch(git, origin, commit, str(tree))
            git.local("checkout", "--quiet", "--force", "--detach", commit, "--", cwd=str(tree))
            path = find(tree, name, origin.path)
            locked = self._keep(name, tree, path, replace(origin, commit=commit, path=path))
        for asked_path in (origin.path, path):
            self.cache.note(["git", origin.url, commit, asked_path, name], {"path": path, "digest": locked.digest})
        return locked

    def _commit(self, origin: Git) -> str:
        """The commit that a tag, a branch or the default branch is at now; offline, was at when it was last seen."""
        if origin.kind == "rev":
            return origin.ref
        about = ["ref", origin.url, origin.kind, origin.ref]
        if self.offline:
            commit = self.cache.noted(about).get("commit", "")
            if not is_sha(commit):
                self._refuse_offline(str(origin))
            return commit
        with self._client(origin.url) as git:
            commit, _ = git.resolve(origin.ref or None, kind=origin.kind or "branch or tag")
        self.cache.note(about, {"commit": commit})
        return commit

    @contextmanager
    def _client(self, url: str) -> Iterator[GitClient]:
        access = Access(
            ssh_key=self.ssh_key,
            known_hosts=self.known_hosts,
            allow_insecure=self.allow_insecure,
            size_limit=512 << 20,
        )
        try:
            with GitClient(LocalHost(), parse_repository(url, allow_insecure=self.allow_insecure), access) as git:
                yield git
        except BadUrl as refused:
            raise NotToBeHad(_hint(refused)) from None
        except NotToBeHad:
            raise
        except ToqueError as failed:
            raise NotToBeHad(str(failed)) from failed

    def _fetch(self, git: GitClient, origin: Git, commit: str, tree: str) -> None:
        switches = ["fetch", "--quiet", "--force", "--no-tags", "--no-recurse-submodules"]
        try:
            git.remote(*switches, "--depth=1", "--", origin.url, commit, cwd=tree)
        except ToqueError:
            # Not every server hands out a commit by its id; all of them hand out their branches and tags.
            everything = ["+refs/heads/*:refs/remotes/origin/*", "+refs/tags/*:refs/tags/*"]
            git.remote(*switches, "--", origin.url, *everything, cwd=tree)

    # --- archives

    def _archive(self, name: str, origin: Archive) -> Locked:
        asked = ["archive", origin.url, origin.sha256, origin.path, name]
        known = self._known(name, asked) if origin.sha256 is not None or self.offline else None
        if known is not None:
            path, content = known
            sha256 = origin.sha256 or self.cache.noted(asked).get("sha256", "")
            return self._locked(name, content, replace(origin, sha256=sha256, path=path))
        self._refuse_offline(str(origin))
        self.say(f"fetching {name} from {origin}")
        with self.cache.scratch() as place:
            try:
                parse_url(origin.url, ("https",), insecure=("http",), allow_insecure=self.allow_insecure)
                with (place / "archive").open("wb") as file:
                    got = download(origin.url, file, Rules(origin.sha256, allow_insecure=self.allow_insecure))
                archive.unpack(place / "archive", place / "tree", name=origin.url)
            except BadUrl as refused:
                raise NotToBeHad(_hint(refused)) from None
            except (DownloadFailed, BadArchive) as error:
                raise NotToBeHad(_hint(error)) from None
            path = find(place / "tree", name, origin.path)
            exact = replace(origin, sha256=got.sha256, path=path)
            locked = self._keep(name, place / "tree", path, exact)
        # Asked for as cookbooks.toml has it today, with its digest, or as the lock has it.
        for each in (origin, replace(origin, sha256=got.sha256), exact):
            said = {"path": path, "digest": locked.digest, "sha256": got.sha256}
            self.cache.note(["archive", each.url, each.sha256, each.path, name], said)
        return locked

    # --- servers

    def published(self, name: str, origin: Published) -> Locked:
        source = self.sources.get(origin.source)
        if source is None:
            raise NotToBeHad(f"cookbooks.toml has no source {origin.source}")
        self._refuse_offline(f"{name} of {origin}")
        self.say(f"fetching {name} from {origin}")
        raw = self.shelves.bundle(source, origin.bundle)
        with self.cache.scratch() as place:
            (place / "bundle").write_bytes(raw)
            try:
                unpack(place / "bundle", place / "tree", digest=digest(raw), size=len(raw))
            except BadBundle as error:
                raise NotToBeHad(f"the bundle of {origin}: {error}") from None
            return self._keep(name, place / "tree", name, origin)

    # --- what they have in common

    def _keep(self, name: str, tree: Path, path: str, origin: Git | Archive | Local | Published) -> Locked:
        info = info_of(tree, name, path)
        return _as_locked(info, self.cache.add(folder_in(tree, path)), origin)

    def _known(self, name: str, asked: object) -> tuple[str, str] | None:
        """Path and digest of what was fetched before, and is in the cache still."""
        said = self.cache.noted(asked)
        if "path" in said and len(said.get("digest", "")) == 64 and self.cache.has(said["digest"]):
            return said["path"], said["digest"]
        return None

    def _locked(self, name: str, content: str, origin: Git | Archive) -> Locked:
        return _as_locked(info_of(self.cache.folder(content), name, "."), content, origin)

    def _refuse_offline(self, what: str) -> None:
        if self.offline:
            raise NotToBeHad(f"{what} was never fetched before, and --offline forbids to do it now")


def _as_locked(info: CookbookInfo, content: str, origin: Git | Archive | Local | Published) -> Locked:
    return Locked(info.name, info.version, content, origin, info.requires)


def _hint(refused: Exception) -> str:
    """Nodes have a setting and recipes a property for this; authors have an option."""
    text = str(refused)
    start = text.find("(allowed only where")
    return f"{text[:start]}(allow it with --allow-insecure-sources)" if start >= 0 else text
