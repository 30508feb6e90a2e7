"""The cookbooks that those of a stack's source need: what cookbooks.lock says, and nothing else (S-16, ruling 18).

This server never solves. It fetches each locked cookbook with its own hardened fetchers, holds it against the digest of
the lock, and keeps it by that digest: what it has once had needs no repository any more, so one that is offline fails
nothing. Merged per file, the later wins: built-in < dependency < the stack's own.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

from toque.cookbook.bundle import unpack
from toque.cookbook.deps import manifest
from toque.cookbook.deps.assemble import assemble
from toque.cookbook.deps.cache import Cache
from toque.cookbook.deps.errors import NotToBeHad
from toque.cookbook.deps.lock import Lock, Locked
from toque.cookbook.deps.origin import Archive, Git, Local, Published
from toque.cookbook.deps.places import folder_in
from toque.cookbook.deps.repository import Repository
from toque_server.cookbooks import archive, git
from toque_server.cookbooks.address import FetchRefused, split
from toque_server.domain.world import SourceOf

KEPT = "dependencies"
"""The folder of the data directory where dependencies are kept by digest."""


@dataclass(frozen=True)
class Dependencies:
    """Of one installation. `bundle` gives the size and the file of a bundle that was published here, or None."""

    data_dir: Path
    builtin: Mapping[str, Path]
    bundle: Callable[[str], tuple[int, Path] | None]
    allow_insecure: bool

    def merged(self, root: Path, source: SourceOf, into: Path) -> dict[str, Path] | None:
        """The cookbooks of the repository at `root` with all they need, below `into`; None if it asks for none.

        `source` is where the repository came from: only there its credentials are used. Raises FetchRefused, and the
        errors of `toque.cookbook.deps`, each with what to do.
        """
        if not (root / manifest.FILE).exists():
            return None
        lock = _locked(root)
        cache = Cache(self.data_dir / KEPT)
        for locked in lock.cookbooks.values():
            if isinstance(locked.origin, Local) or not cache.has(locked.digest):
                self._bring(locked, root, source, cache)
        return assemble(root, lock, cache, into, builtin=self.builtin)

    def _bring(self, locked: Locked, root: Path, source: SourceOf, cache: Cache) -> None:
        with cache.scratch() as place:
            tree = place / "tree"
            tree.mkdir()
            try:
                found = cache.add(self._fetched(locked, root, source, tree))
            except (FetchRefused, NotToBeHad) as error:
                raise FetchRefused(f"{locked.name} {locked.version} of cookbooks.lock: {error}") from error
        if found != locked.digest:
            raise FetchRefused(
                f"{locked.name} {locked.version} from {locked.origin} is not what was locked: its digest is "
                f"{found[:12]}, not {locked.digest[:12]}; if that is as it should be, run "
                f"`toque cookbook deps update {locked.name}` and commit cookbooks.lock"
            )

    def _fetched(self, locked: Locked, root: Path, source: SourceOf, tree: Path) -> Path:
        """The cookbook's folder, below `tree` but for one that is in the repository itself."""
        match locked.origin:
            case Git(url=url, commit=commit, path=path):
                wanted = _with_credentials(SourceOf(type="git", url=url, revision=commit), source)
                if (got := git.fetch(wanted, tree, allow_insecure=self.allow_insecure)) != commit:
                    raise FetchRefused(f"{url} gave commit {got[:12]}, not {commit[:12]}")
                return folder_in(tree, path or ".")
            case Archive(url=url, sha256=sha256, path=path):
                wanted = _with_credentials(SourceOf(type="archive", url=url), source)
                if (got := archive.fetch(wanted, tree, allow_insecure=self.allow_insecure)) != sha256:
                    raise FetchRefused(f"{url} has sha256 {got}, not {sha256}")
                return folder_in(tree, path or ".")
            case Local(path=path):
                return _inside(root, path)
            case Published(bundle=digest):
                return self._published(locked, digest, tree)

    def _published(self, locked: Locked, digest: str, tree: Path) -> Path:
        """A server has no account on another: only what was published on this one is to be had."""
        found = self.bundle(digest)
        if found is None:
            raise FetchRefused(
                f"it was published on the server {locked.origin}, and this one has no such bundle: publish all "
                "cookbooks together with `toque cookbook publish`"
            )
        size, path = found
        unpack(path, tree / "bundle", digest=digest, size=size)
        return folder_in(tree, f"bundle/{locked.name}")


def _locked(root: Path) -> Lock:
    for each in (root / manifest.FILE, root / "cookbooks.lock"):
        if each.is_symlink():
            raise FetchRefused(f"{each.name} is a link: a repository must have the file itself")
    return Repository.read(root).lock()


def _inside(root: Path, path: str) -> Path:
    """A folder of the repository; what lies beside it was on the author's disk and is not here."""
    parts = [part for part in path.split("/") if part not in ("", ".")]
    if path.startswith("/") or ".." in parts:
        raise FetchRefused(
            f"the folder {path} is outside the repository: give git or archive in cookbooks.toml, or publish with "
            "`toque cookbook publish`"
        )
    return folder_in(root, "/".join(parts) or ".")


def _with_credentials(wanted: SourceOf, source: SourceOf) -> SourceOf:
    """The same account serves for a repository on the same host; no other host is told of it."""
    if wanted.type != source.type or _host_of(wanted.url or "") != _host_of(source.url or ""):
        return wanted
    return SourceOf(
        type=wanted.type,
        url=wanted.url,
        revision=wanted.revision,
        username=source.username,
        password=source.password,
        ssh_key=source.ssh_key,
    )


def _host_of(url: str) -> tuple[str, str, int] | str:
    """Scheme, host and port; of `user@host:path` what ssh makes of it."""
    if "://" not in url and "@" in url:
        return ("ssh", url.partition("@")[2].partition(":")[0], 22)
    try:
        return split(url, allow_insecure=True)
    except FetchRefused:
        return url
