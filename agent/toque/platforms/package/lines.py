"""What stands in the files that name repositories, and putting them back when that did not work."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from contextlib import contextmanager

from toque.core import BadProperty, Host, ToqueError

_ADDRESS = re.compile(r"[a-z][a-z0-9+.-]*:[^\s,]+")


def listed(value: str | Sequence[str]) -> tuple[str, ...]:
    return (value,) if isinstance(value, str) else tuple(value)


def check_addresses(what: str, values: Sequence[str]) -> None:
    """Refuse what is no URL of one word."""
    for value in values:
        if not _ADDRESS.fullmatch(value) or not value.isprintable():
            raise BadProperty(f"{what} must be a URL such as https://example.org/debian, got {value!r}")


def check_words(what: str, values: Sequence[str], allowed: re.Pattern[str], example: str) -> None:
    for value in values:
        if not allowed.fullmatch(value):
            raise BadProperty(f"{what} must be like {example!r}, got {value!r}")


def put(host: Host, path: str, content: bytes, *, secret: bool = False) -> None:
    """Write a file for everybody to read, a secret one for root alone, and make its folder where that is missing."""
    folder = path.rpartition("/")[0]
    if host.entry(folder) is None:
        host.make_directory(folder, mode=0o755, parents=True)
    host.write(path, content, mode=0o600 if secret else 0o644)


@contextmanager
def put_back(host: Host, paths: Sequence[str]) -> Iterator[None]:
    """Should it fail meanwhile, these files are as they were: a repository that cannot be read stops all others."""
    before = {path: host.read(path) for path in paths}
    try:
        yield
    except (ToqueError, OSError):
        for path, content in before.items():
            if content is not None:
                host.write(path, content)
            elif host.entry(path) is not None:
                host.remove(path)
        raise
