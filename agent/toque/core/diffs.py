"""How a change is shown to people: a summary, and a unified diff where there is text to compare."""

from __future__ import annotations

import difflib
from typing import Any

from toque.core.masking import mask
from toque.core.resource import PRESENT, Change, Resource, display
from toque.core.secret import Secret, known_secrets
from toque.protocol.masking import HIDDEN, SHORTEST

MAX_TEXT = 256 * 1024
"""Longest content, in bytes, of which a diff is made; of longer ones only the sizes are told."""

MAX_LINES = 400
"""Longest diff that is shown; the rest is counted."""


def describe(resource: Resource[Any], change: Change[Any]) -> tuple[str, str]:
    """(`changed: mode 0600 → 0644`, the diff of its content), secrets hidden."""
    if change.want is None:
        return "removed", _content_diff(resource, change)
    if change.was is None:
        return resource.made, _content_diff(resource, change)
    parts = [_field(resource, change, name) for name in sorted(change.fields)]
    return f"changed: {', '.join(parts)}", _content_diff(resource, change)


def _field(resource: Resource[Any], change: Change[Any], name: str) -> str:
    if name == PRESENT or resource.sensitive or name == "content":
        return name
    return f"{name} {_bare(getattr(change.was, name))} → {_bare(getattr(change.want, name))}"


def _bare(value: Any) -> str:
    return mask(value) if isinstance(value, str) and not isinstance(value, Secret) else display(value)


def _content_diff(resource: Resource[Any], change: Change[Any]) -> str:
    if change.want is not None and "content" not in change:
        return ""
    before = getattr(change.was, "content", None)
    after = getattr(change.want, "content", None)
    if before is None and after is None:
        return ""
    if resource.sensitive:
        return f"({HIDDEN}: this resource is sensitive)"
    if not getattr(resource, "show_diff", True):
        return "(its content is not shown: show_diff=False)"
    if (disguise := getattr(resource, "disguised", None)) is not None:
        before, after = disguise(before), disguise(after)
    path = getattr(resource, "path", None)
    return unified(path if isinstance(path, str) else resource.identity(), before, after)


def unified(path: str, before: bytes | None, after: bytes | None) -> str:
    """A unified diff of two contents, None for a file that is not there."""
    old, new = _text(before), _text(after)
    if old is None or new is None:
        return f"binary or large content: {_size(before)} → {_size(after)}"
    lines = list(
        difflib.unified_diff(
            old.splitlines(),
            new.splitlines(),
            "/dev/null" if before is None else path,
            "/dev/null" if after is None else path,
            lineterm="",
        )
    )
    lines = hide(lines)
    if len(lines) > MAX_LINES:
        lines = [*lines[:MAX_LINES], f"… {len(lines) - MAX_LINES} more lines"]
    return "\n".join(lines)


def hide(lines: list[str]) -> list[str]:
    """Hide secrets in a diff.

    The old value of a secret is not known, so in a hunk whose new lines hold one, a line that goes is hidden as well:
    what follows the same beginning, else the whole line.
    """
    out: list[str] = []
    hunk: list[str] = []
    for line in [*lines, "@@"]:
        if line.startswith("@@"):
            out += _hide_hunk(hunk)
            hunk = []
        hunk.append(line)
    return out


def _hide_hunk(hunk: list[str]) -> list[str]:
    # Shorter ones are hidden nowhere: the letter x would take every line with it.
    values = [value for value in known_secrets() if len(value) >= SHORTEST]
    beginnings = []
    for line in hunk:
        if line.startswith("+"):
            found = [at for value in values if (at := line.find(value, 1)) > 0]
            if found:
                beginnings.append(line[1 : min(found)])
    return [_hide_removed(line, beginnings) if beginnings and line.startswith("-") else mask(line) for line in hunk]


def _hide_removed(line: str, beginnings: list[str]) -> str:
    kept = max((b for b in beginnings if b and line.startswith(b, 1)), key=len, default="")
    return f"-{kept}{HIDDEN}"


def _text(content: bytes | None) -> str | None:
    if content is None:
        return ""
    if len(content) > MAX_TEXT or b"\0" in content:
        return None
    try:
        return content.decode()
    except UnicodeDecodeError:
        return None


def _size(content: bytes | None) -> str:
    return "nothing" if content is None else f"{len(content)} bytes"
