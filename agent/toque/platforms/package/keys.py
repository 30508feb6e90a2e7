"""The key that a repository of packages is signed with: as text, as a file of the cookbook, or from a URL."""

from __future__ import annotations

import hashlib
import re
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from typing import IO, cast

from toque.core import BadProperty, Source, ToqueError
from toque.core.download import Rules, check_source, download
from toque.core.files import cookbook_file
from toque.core.openpgp import BEGIN, BadKey, fingerprints
from toque.core.urls import BadUrl

_FINGERPRINT = re.compile(r"[0-9A-F]{40}|[0-9A-F]{64}")
_LARGEST = 1 << 20


class WrongKey(ToqueError):
    """What came from the URL is not the key that the recipe names."""

    def __init__(self, url: str, found: Sequence[str], wanted: Sequence[str]) -> None:
        super().__init__(f"{url} holds the key {' and '.join(found)}, not {' and '.join(wanted)}: nothing was changed")


@dataclass(frozen=True)
class Key:
    """`text` is a URL, an armoured key, or the name of a file in the cookbook; `named` are all its fingerprints."""

    text: str
    named: tuple[str, ...] = ()
    allow_insecure: bool = False

    @classmethod
    def of(cls, word: str, text: str, fingerprint: str | Sequence[str] | None, allow_insecure: bool) -> Key:
        """Raises BadProperty, in the name of the word."""
        given = [fingerprint] if isinstance(fingerprint, str) else fingerprint or ()
        named = tuple(sorted(each.replace(" ", "").upper() for each in given))
        for each in named:
            if not _FINGERPRINT.fullmatch(each):
                raise BadProperty(f"{word} fingerprint must be the 40 hexadecimal digits of a key's, got {each!r}")
        key = cls(text, named, allow_insecure)
        if key.is_url:
            if not named:
                raise BadProperty(f"{word} key from a URL needs fingerprint: the 40 digits that gpg --show-keys tells")
            try:
                check_source(text, key._rules)
            except BadUrl as error:
                raise BadProperty(f"{word} key {error}") from None
        elif text.startswith(BEGIN):
            key._checked(word, text.encode())
        return key

    @property
    def is_url(self) -> bool:
        return "://" in self.text and not self.text.startswith(BEGIN)

    def wanted(self, word: str, declared: Source) -> str:
        """What is to be in place: whose key, and, where the recipe has the key itself, exactly which bytes."""
        if self.is_url:
            return " ".join(self.named)
        content = self._own(declared)
        return _exactly(self._checked(word, content), content)

    def found(self, content: bytes | None) -> str:
        """What is in place, in the same words; empty when nothing is."""
        if content is None:
            return ""
        try:
            return " ".join(fingerprints(content)) if self.is_url else _exactly(fingerprints(content), content)
        except BadKey as error:
            return str(error)

    def fetched(self, declared: Source) -> bytes:
        """The key itself; raises DownloadFailed, BadKey or WrongKey."""
        if not self.is_url:
            return self._own(declared)
        with tempfile.TemporaryFile() as file:
            download(self.text, cast("IO[bytes]", file), self._rules)
            file.seek(0)
            content = file.read()
        if (found := fingerprints(content)) != self.named:
            raise WrongKey(self.text, found, self.named)
        return content

    @property
    def _rules(self) -> Rules:
        return Rules(allow_insecure=self.allow_insecure, size_limit=_LARGEST)

    def _own(self, declared: Source) -> bytes:
        if self.text.startswith(BEGIN):
            return self.text.encode()
        return cookbook_file("files", self.text, declared).read_bytes()

    def _checked(self, word: str, content: bytes) -> tuple[str, ...]:
        try:
            found = fingerprints(content)
        except BadKey as error:
            raise BadProperty(f"{word} key cannot be used: {error}") from None
        if self.named and found != self.named:
            raise BadProperty(f"{word} key has the fingerprint {' and '.join(found)}, not {' and '.join(self.named)}")
        return found


def _exactly(found: Sequence[str], content: bytes) -> str:
    from toque.core.openpgp import dearmored

    return f"{' '.join(found)} ({hashlib.sha256(dearmored(content)).hexdigest()[:12]})"
