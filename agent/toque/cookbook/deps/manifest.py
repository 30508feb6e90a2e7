"""cookbooks.toml: the cookbooks that those of a repository need, and where they come from.

[sources]
main = { server = "https://toque.example.org", stack = "Shared cookbooks" }

[cookbooks]
nginx = { git = "https://git.example.org/nginx.git", tag = "v1.4.0", version = ">=1.2" }
redis = { archive = "https://example.org/redis-2.1.0.tar.gz", sha256 = "…" }
base  = { path = "../base" }
mysql = ">=3, <4"                    # from the first source that has one
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from toque.cookbook.deps import toml
from toque.cookbook.deps.errors import BadDependencies
from toque.cookbook.deps.origin import KEYS, BadOrigin, Builtin, Origin, Published, kind_of, read_origin
from toque.cookbook.deps.specifiers import wrong_with
from toque.core.errors import did_you_mean
from toque.core.urls import BadUrl, parse_url
from toque.protocol.names import BadName, check_cookbook_name

FILE = "cookbooks.toml"
MOST = 500
"""Most cookbooks that one file may ask for."""


@dataclass(frozen=True)
class ServerSource:
    """A stack of a Toque server whose published cookbooks others may use."""

    server: str
    stack: str


@dataclass(frozen=True)
class Wanted:
    """One line of `[cookbooks]`."""

    name: str
    origin: Origin
    version: str
    line: int


@dataclass(frozen=True)
class Manifest:
    """`path` is the file's; it need not exist where nothing is wanted."""

    path: Path
    sources: dict[str, ServerSource]
    cookbooks: dict[str, Wanted]

    @property
    def root(self) -> Path:
        return self.path.parent


def read_manifest(root: Path) -> Manifest:
    """What the cookbooks.toml of a repository says; nothing where there is none. Raises BadDependencies."""
    path = root / FILE
    try:
        text, data = toml.read(path)
    except FileNotFoundError:
        return Manifest(path, {}, {})
    except OSError as error:
        raise BadDependencies(path, f"cannot be read: {error.strerror}") from None
    for key in data:
        if key not in ("sources", "cookbooks"):
            hint = did_you_mean(key, ["sources", "cookbooks"])
            raise BadDependencies(path, f"there is no table [{key}]{hint}", toml.line_of(text, key))
    sources = {name: _source(path, text, name, value) for name, value in _table(path, text, data, "sources").items()}
    wanted = _table(path, text, data, "cookbooks")
    if len(wanted) > MOST:
        raise BadDependencies(path, f"[cookbooks] has more than {MOST} entries", toml.line_of(text, "cookbooks"))
    return Manifest(path, sources, {name: _wanted(path, text, name, value, sources) for name, value in wanted.items()})


def _table(path: Path, text: str, data: Mapping[str, Any], name: str) -> dict[str, Any]:
    table = data.get(name, {})
    if not isinstance(table, dict):
        raise BadDependencies(path, f"{name} must be a table [{name}]", toml.line_of(text, "", name))
    for key in table:
        try:
            check_cookbook_name(key)
        except BadName as error:
            raise BadDependencies(path, f"[{name}] {error}", toml.line_of(text, name, key)) from None
    return table


def _source(path: Path, text: str, name: str, value: Any) -> ServerSource:
    line = toml.line_of(text, "sources", name)
    example = f'{name} = {{ server = "https://toque.example.org", stack = "NAME or id" }}'
    if not isinstance(value, dict) or set(value) != {"server", "stack"}:
        raise BadDependencies(path, f"[sources] must be like {example}", line)
    server, stack = value["server"], value["stack"]
    if not (isinstance(server, str) and isinstance(stack, str) and stack.isprintable() and 0 < len(stack) <= 64):
        raise BadDependencies(path, f"[sources] must be like {example}", line)
    try:
        parse_url(server, ("https",), insecure=("http",), allow_insecure=True)
    except BadUrl as error:
        raise BadDependencies(path, f"[sources] {name}: {error}", line) from None
    return ServerSource(server.rstrip("/"), stack)


def _wanted(path: Path, text: str, name: str, value: Any, sources: Mapping[str, ServerSource]) -> Wanted:
    line = toml.line_of(text, "cookbooks", name)
    table = {"version": value} if isinstance(value, str) else value
    if not isinstance(table, dict):
        example = f'{name} = ">=1.2", or {name} = {{ git = "https://…", tag = "v1.2" }}'
        raise BadDependencies(path, f"[cookbooks] must be like {example}", line)
    known = KEYS[kind_of(table)]
    for key, inner in table.items():
        if key not in known:
            hint = did_you_mean(key, known)
            raise BadDependencies(path, f"{name} from {kind_of(table)} has no {ascii(key)[1:-1]}{hint}", line)
        if key == "builtin":
            if inner is not True:
                raise BadDependencies(path, f"{name}: builtin is true, or left out", line)
        elif not isinstance(inner, str):
            raise BadDependencies(path, f"{name}: {key} must be a text in quotes", line)
    version = table.get("version", "*")
    if why := wrong_with(version):
        raise BadDependencies(path, f"{name}: version {why}", line)
    try:
        origin = read_origin(table)
    except BadOrigin as error:
        raise BadDependencies(path, f"{name}: {error}", line) from None
    if isinstance(origin, Builtin) and version != "*":
        raise BadDependencies(path, f"{name}: what is built-in comes in the version of the server", line)
    if isinstance(origin, Published):
        if not sources:
            raise BadDependencies(
                path, f"{name} says no place: give git, archive or path, or a server in [sources]", line
            )
        if origin.source and origin.source not in sources:
            raise BadDependencies(
                path,
                f"{name}: there is no source {ascii(origin.source)[1:-1]}{did_you_mean(origin.source, sources)}",
                line,
            )
    return Wanted(name, origin, version, line)
