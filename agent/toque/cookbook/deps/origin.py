"""Where a cookbook comes from, and the grammar of such places (S20, S22).

The same classes say what an author wants (cookbooks.toml) and what was found (cookbooks.lock): there `commit`,
`sha256`, `bundle` and `path` are filled in.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any, Final

from toque.core.errors import BadProperty
from toque.core.gitclient import check_revision, is_sha
from toque.core.urls import BadUrl, parse_repository, parse_url
from toque.protocol.names import BadName, check_file_name

_DIGEST = re.compile(r"[0-9a-f]{64}")

REFS: Final = ("tag", "branch", "rev")


class BadOrigin(ValueError):
    """What is wrong with a place; who reads the file adds where it says so."""


@dataclass(frozen=True)
class Git:
    """A folder of a repository, at a tag, a branch or a commit (`rev`), or at its default branch."""

    url: str
    kind: str = ""
    ref: str = ""
    path: str | None = None
    commit: str = ""

    def __str__(self) -> str:
        at = f"commit {self.commit[:12]}" if self.commit and not self.kind else f"{self.kind} {self.ref}".strip()
        return f"git {self.url}{f' ({at})' if at else ''}"


@dataclass(frozen=True)
class Archive:
    """A folder of an archive behind a URL."""

    url: str
    sha256: str | None = None
    path: str | None = None

    def __str__(self) -> str:
        return f"archive {self.url}"


@dataclass(frozen=True)
class Local:
    """A folder on this disk, relative to cookbooks.toml."""

    path: str

    def __str__(self) -> str:
        return f"folder {self.path}"


@dataclass(frozen=True)
class Published:
    """Published in a stack of a Toque server: of the source of this name, or of the first that has it."""

    source: str = ""
    bundle: str = ""

    def __str__(self) -> str:
        return f"server {self.source}".strip()


@dataclass(frozen=True)
class Builtin:
    """Comes with every Toque server."""

    def __str__(self) -> str:
        return "built-in"


Origin = Git | Archive | Local | Published | Builtin

KEYS: Final[dict[str, set[str]]] = {
    "git": {"git", "tag", "branch", "rev", "path", "version"},
    "archive": {"archive", "sha256", "path", "version"},
    "path": {"path", "version"},
    "source": {"source", "version"},
    "builtin": {"builtin", "version"},
}
"""What each kind of place may say in cookbooks.toml; the first match in this order is the kind."""


def kind_of(table: Mapping[str, Any]) -> str:
    return next((kind for kind in KEYS if kind in table), "source")


def read_origin(table: Mapping[str, Any]) -> Origin:
    """A place as cookbooks.toml says it; keys are known and texts are texts. Raises BadOrigin."""
    match kind_of(table):
        case "git":
            kinds = [each for each in REFS if each in table]
            if len(kinds) > 1:
                raise BadOrigin(f"{' and '.join(kinds)} exclude each other: choose one")
            kind = kinds[0] if kinds else ""
            return checked(Git(table["git"], kind, table.get(kind, ""), table.get("path")))
        case "archive":
            return checked(Archive(table["archive"], table.get("sha256"), table.get("path")))
        case "path":
            return checked(Local(table["path"]))
        case "builtin":
            return Builtin()
    return Published(table.get("source", ""))


def checked(origin: Origin) -> Origin:
    """The place, if its texts are within the grammar. Raises BadOrigin; whether it may be fetched is asked later."""
    try:
        match origin:
            case Git():
                return _checked_git(origin)
            case Archive():
                parse_url(origin.url, ("https",), insecure=("http",), allow_insecure=True)
                if origin.sha256 is not None:
                    check_digest(origin.sha256, "sha256")
                return replace(origin, path=_checked_path(origin.path))
            case Local():
                if not origin.path or "\0" in origin.path or not origin.path.isprintable() or len(origin.path) > 1024:
                    raise BadOrigin(f"path {origin.path[:80]!a} is no folder such as ../nginx")
    except BadUrl as refused:
        raise BadOrigin(str(refused)) from None
    return origin


def _checked_git(origin: Git) -> Git:
    parse_repository(origin.url, allow_insecure=True)
    if origin.kind:
        try:
            check_revision(origin.ref)
        except BadProperty as refused:
            raise BadOrigin(f"{origin.kind}: {refused}") from None
    if origin.kind == "rev" and not is_sha(origin.ref):
        raise BadOrigin(f"rev must be a whole commit id of 40 digits, got {origin.ref!r} (or use tag or branch)")
    if origin.commit and not is_sha(origin.commit):
        raise BadOrigin(f"commit must be a whole commit id of 40 digits, got {origin.commit[:80]!r}")
    return replace(origin, path=_checked_path(origin.path))


def _checked_path(path: str | None) -> str | None:
    """A folder inside a repository or an archive: `cookbooks/nginx`, or `.` for its root."""
    if path is None or path == ".":
        return path
    try:
        for part in path.rstrip("/").split("/"):
            check_file_name(part)
    except BadName:
        raise BadOrigin(f"path {path[:80]!a} must be a folder inside, such as cookbooks/nginx") from None
    if ".git" in path.lower().split("/") or len(path) > 1024:
        raise BadOrigin(f"path {path[:80]!a} must be a folder inside, such as cookbooks/nginx")
    return path.rstrip("/")


def check_digest(text: str, what: str) -> str:
    if _DIGEST.fullmatch(text) is None:
        raise BadOrigin(f"{what} must be 64 digits of a SHA-256 (0-9 a-f), got {text[:80]!a}")
    return text
