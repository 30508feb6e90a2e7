"""cookbooks.lock: exactly which cookbooks, from exactly where, with the digest of their files.

Whoever has the lock needs no solver and decides nothing: he fetches what it says and refuses everything else. So it is
read as strictly as if a stranger had written it, and it must agree with cookbooks.toml about where things come from.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from toque.cookbook.deps import toml
from toque.cookbook.deps.errors import BadDependencies, StaleLock
from toque.cookbook.deps.manifest import MOST, Manifest
from toque.cookbook.deps.origin import (
    REFS,
    Archive,
    BadOrigin,
    Builtin,
    Git,
    Local,
    Origin,
    Published,
    check_digest,
    checked,
)  # fmt: skip
from toque.cookbook.deps.specifiers import wrong_with
from toque.cookbook.layout import VERSION, CookbookInfo
from toque.protocol.canonical import canonical, digest
from toque.protocol.names import BadName, check_cookbook_name

FILE = "cookbooks.lock"
FIX = "run `toque cookbook deps lock` in the folder of cookbooks.toml, and commit cookbooks.lock"
_HEAD = "# Made by `toque cookbook deps lock` of cookbooks.toml: change that, and lock again.\n"
_FORMAT = 1
_KEYS = {
    *("name", "version", "digest", "requires", "path"),
    *("git", *REFS, "commit"),
    *("archive", "sha256"),
    *("source", "bundle"),
}


@dataclass(frozen=True)
class Locked:
    """One cookbook; `digest` is that of its files (`toque.cookbook.deps.content`)."""

    name: str
    version: str
    digest: str
    origin: Git | Archive | Local | Published
    requires: Mapping[str, str]
    line: int = field(default=0, compare=False)
    """Where it stands in cookbooks.lock."""


@dataclass(frozen=True)
class Lock:
    """`wants` tells what was asked for when it was made."""

    wants: str
    cookbooks: Mapping[str, Locked]


def wants_of(manifest: Manifest, own: Mapping[str, CookbookInfo]) -> str:
    """A digest of everything that a lock answers: what cookbooks.toml asks for, and what the own cookbooks require."""
    asked = {
        name: [type(each.origin).__name__, vars(each.origin), each.version] for name, each in manifest.cookbooks.items()
    }
    sources = {name: [each.server, each.stack] for name, each in manifest.sources.items()}
    return digest(canonical([sources, asked, {name: info.requires for name, info in own.items()}]))


def written(lock: Lock) -> bytes:
    """The file: sorted, the same bytes for the same lock."""
    parts = [_HEAD, f"version = {_FORMAT}\n", f"wants = {toml.quoted(lock.wants)}\n"]
    for name, each in sorted(lock.cookbooks.items()):
        parts.append("\n[[cookbook]]\n")
        lines = {"name": name, "version": each.version, "digest": each.digest, **_place(each.origin)}
        parts += [f"{key} = {toml.quoted(value)}\n" for key, value in lines.items()]
        if each.requires:
            inner = ", ".join(f"{need} = {toml.quoted(spec)}" for need, spec in sorted(each.requires.items()))
            parts.append(f"requires = {{ {inner} }}\n")
    return "".join(parts).encode()


def _place(origin: Origin) -> dict[str, str]:
    match origin:
        case Git():
            ref = {origin.kind: origin.ref} if origin.kind else {}
            return {"git": origin.url, **ref, "commit": origin.commit, "path": origin.path or "."}
        case Archive():
            return {"archive": origin.url, "sha256": origin.sha256 or "", "path": origin.path or "."}
        case Local():
            return {"path": origin.path}
        case Published():
            return {"source": origin.source, "bundle": origin.bundle}
    return {}


def read_lock(root: Path) -> Lock | None:
    """The lock of a repository; None where there is none. Raises BadDependencies."""
    path = root / FILE
    try:
        text, data = toml.read(path)
    except FileNotFoundError:
        return None
    except OSError as error:
        raise BadDependencies(path, f"cannot be read: {error.strerror}") from None
    except BadDependencies as error:
        raise BadDependencies(path, f"{error.reason}; {FIX}", error.line) from None
    if data.get("version") != _FORMAT:
        raise BadDependencies(path, f"is of another version of Toque: {FIX}", toml.line_of(text, "", "version"))
    wants, listed = data.get("wants"), data.get("cookbook", [])
    if set(data) - {"version", "wants", "cookbook"} or not isinstance(wants, str) or not isinstance(listed, list):
        raise BadDependencies(path, f"is not what `toque cookbook deps lock` writes: {FIX}", 1)
    if len(listed) > MOST:
        raise BadDependencies(path, f"has more than {MOST} cookbooks", 1)
    lines = _entry_lines(text)
    found: dict[str, Locked] = {}
    for table in listed:
        line = next(lines, 1)
        try:
            locked = replace(_locked(table), line=line)
            if locked.name in found:
                raise BadOrigin(f"{locked.name} is there twice")
        except (BadOrigin, BadName) as error:
            raise BadDependencies(path, f"{error}; {FIX}", line) from None
        found[locked.name] = locked
    return Lock(wants, found)


def _entry_lines(text: str) -> Iterator[int]:
    return (number for number, line in enumerate(text.splitlines(), 1) if line.strip() == "[[cookbook]]")


def _locked(table: Any) -> Locked:
    if not isinstance(table, dict) or set(table) - _KEYS:
        raise BadOrigin("an entry has a key that no lock has")
    requires = table.pop("requires", {})
    if not all(isinstance(value, str) for value in table.values()) or not isinstance(requires, dict):
        raise BadOrigin("an entry has a value that is no text")
    name = check_cookbook_name(table.get("name", ""))
    version = table.get("version", "")
    if VERSION.fullmatch(version) is None:
        raise BadOrigin(f"{name}: {version[:80]!a} is no version")
    for need, spec in requires.items():
        check_cookbook_name(need)
        if why := wrong_with(spec):
            raise BadOrigin(f"{name}: requires {need} {why}")
    content = check_digest(table.get("digest", ""), f"{name}: digest")
    origin = _origin(name, {key: table[key] for key in table if key not in ("name", "version", "digest")})
    return Locked(name, version, content, origin, dict(requires))


def _origin(name: str, place: dict[str, str]) -> Git | Archive | Local | Published:
    refs = [each for each in REFS if each in place]
    keys = set(place) - set(refs)
    origin: Origin
    if keys == {"git", "commit", "path"} and len(refs) <= 1 and place["commit"]:
        ref = refs[0] if refs else ""
        origin = Git(place["git"], ref, place.get(ref, ""), place["path"], place["commit"])
    elif keys == {"archive", "sha256", "path"} and not refs:
        origin = Archive(place["archive"], place["sha256"], place["path"])
    elif keys == {"source", "bundle"} and not refs:
        check_cookbook_name(place["source"])
        origin = Published(place["source"], check_digest(place["bundle"], f"{name}: bundle"))
    elif keys == {"path"} and not refs:
        origin = Local(place["path"])
    else:
        raise BadOrigin(f"{name}: the entry does not say where it comes from")
    try:
        origin = checked(origin)
    except BadOrigin as error:
        raise BadOrigin(f"{name}: {error}") from None
    assert isinstance(origin, Git | Archive | Local | Published)
    return origin


def fresh_lock(manifest: Manifest, own: Mapping[str, CookbookInfo]) -> Lock:
    """The lock, if it answers what is asked for today. Raises StaleLock and BadDependencies, with the fix."""
    path = manifest.root / FILE
    lock = read_lock(manifest.root)
    if lock is None:
        if not manifest.path.exists():
            return Lock(wants_of(manifest, own), {})
        raise StaleLock(path, f"is missing: {FIX}")
    if lock.wants != wants_of(manifest, own):
        raise StaleLock(path, f"is older than cookbooks.toml, or than [requires] of {', '.join(sorted(own))}: {FIX}")
    _agree(path, manifest, lock)
    return lock


def _agree(path: Path, manifest: Manifest, lock: Lock) -> None:
    """A lock that was tampered with is found where it names another place than its author did."""
    for name, wanted in manifest.cookbooks.items():
        if not isinstance(wanted.origin, Builtin) and name not in lock.cookbooks:
            raise StaleLock(path, f"lacks {name}: {FIX}")
    for name, locked in lock.cookbooks.items():
        asked = manifest.cookbooks[name].origin if name in manifest.cookbooks else Published()
        if not comes_from(locked.origin, asked):
            raise StaleLock(path, f"says {name} is from {locked.origin}, and cookbooks.toml from {asked}: {FIX}")
        if isinstance(locked.origin, Published) and locked.origin.source not in manifest.sources:
            raise StaleLock(path, f"names a source {locked.origin.source}, which cookbooks.toml has not: {FIX}")


def comes_from(locked: Origin, asked: Origin) -> bool:
    """Whether what was locked may stand for what is asked for."""
    match locked, asked:
        case Git(), Git():
            same = replace(locked, commit="", path=asked.path) == asked
            exact = asked.kind != "rev" or locked.commit == asked.ref
            return same and exact and asked.path in (None, locked.path)
        case Archive(), Archive():
            return (
                locked.url == asked.url and asked.sha256 in (None, locked.sha256) and asked.path in (None, locked.path)
            )
        case Published(), Published():
            return asked.source in ("", locked.source)
    return locked == asked
