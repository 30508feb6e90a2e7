"""`file://path` on a command line: what stands in the file."""

from __future__ import annotations

from pathlib import Path


class UnreadableFile(ValueError):
    """The message names the file and says why."""


def text_of(word: str) -> str:
    """The word itself, or the text of the file that `file://` (or `fileb://`) names. Raises UnreadableFile."""
    scheme, separator, path = word.partition("://")
    if not separator or scheme not in ("file", "fileb"):
        return word
    try:
        return Path(path).expanduser().read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise UnreadableFile(f"{word} cannot be read: {getattr(error, 'strerror', None) or error}") from error
