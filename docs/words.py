"""Docstrings as Markdown: what a word of a recipe takes, in tables, prose and examples."""

from __future__ import annotations

import inspect
import re
import textwrap
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import MISSING, Field, fields
from textwrap import dedent
from typing import Any

import toque
from toque.core.resource import REGISTRY, Resource, action

MADE = "<!-- Made by docs/generate.py from {source}. Change that, and run it. -->\n"


def resources() -> str:
    """Every word of the recipe language, from its own docstring."""
    for word in toque.__all__:
        getattr(toque, word)
    own = [word for word in sorted(toque.__all__) if word in REGISTRY]
    others = [word for word in sorted(toque.__all__) if word not in REGISTRY]
    lines = [
        "# The words of recipes",
        "",
        MADE.format(source="the docstrings of agent/toque/resources and agent/toque/core"),
        "Each is imported from `toque`. How they play together is in [recipes](../recipes.md). The examples are run by",
        "[a test](../../tests/agent/test_docstring_examples.py).",
        "",
        "Resources: " + ", ".join(f"[{word}](#{word})" for word in own) + ".",
        "Others: " + ", ".join(f"[{word}](#{word.lower()})" for word in others) + ".",
        "",
        "## Every resource",
        "",
        *manual(inspect.getdoc(Resource) or "", Resource),
    ]
    for word in own:
        lines += ["", f"## {word}", "", *manual(inspect.getdoc(REGISTRY[word]) or "", REGISTRY[word])]
        lines += [
            line
            for name, value in sorted(vars(REGISTRY[word]).items())
            if isinstance(value, action)
            for line in ("", f"Action `{name}`: {inspect.cleandoc(value.__doc__ or '').partition(chr(10))[0]}")
        ]
    for word in others:
        lines += ["", f"## {word}", "", *manual(document_of(word))]
    return "\n".join(lines) + "\n"


def document_of(word: str) -> str:
    """The docstring of a word: its own, or, for `node` and `settings`, that of what it stands for."""
    from toque.core.node import Node

    stands_for: Mapping[str, Any] = {"node": Node, "settings": type(getattr(toque, "settings"))}  # noqa: B009
    return inspect.getdoc(stands_for.get(word, getattr(toque, word))) or ""


def examples(document: str) -> Iterator[str]:
    """The examples in a docstring: its last indented blocks."""
    for block in blocks(document):
        if block.startswith("    "):
            yield dedent(block)


def blocks(document: str) -> list[str]:
    """Paragraphs; blank lines between indented ones do not end an example."""
    found: list[str] = []
    for block in re.split(r"\n\s*\n", document.rstrip()):
        if found and block.startswith("    ") and found[-1].startswith("    "):
            found[-1] += "\n\n" + block
        else:
            found.append(block)
    return found


_ROW = re.compile(r"([a-z_0-9]+(?:, [a-z_0-9]+)*) {2,}(\S.*)")


def manual(document: str, kind: type[Any] | None = None) -> list[str]:
    """A docstring as Markdown: property tables, prose, examples."""
    lines: list[str] = []
    for block in blocks(document):
        found = rows(block)
        if lines:
            lines.append("")
        if block.startswith("    "):
            lines += ["```python", *dedent(block).splitlines(), "```"]
        elif found and kind is not None:
            known = {f.name: f for f in fields(kind)}
            lines += table(
                ("property", "default", "meaning"), [(*_property(names, known), text) for names, text in found]
            )
        elif found:
            lines += table(("", "meaning"), [(codes(names), text) for names, text in found])
        elif re.search(r"\S {3,}\S", block):
            lines += ["```text", *block.splitlines(), "```"]
        else:
            lines += block.splitlines()
    return lines


def rows(block: str) -> list[tuple[list[str], str]]:
    """`name    what it means`, one per line, continued by deeper lines; empty when the block is something else."""
    read: list[tuple[list[str], str]] = []
    for line in block.splitlines():
        found = _ROW.fullmatch(line)
        if found:
            read.append((found[1].split(", "), found[2]))
        elif read and line.startswith("  "):
            read[-1] = (read[-1][0], f"{read[-1][1]} {line.strip()}")
        else:
            return []
    return read


def _property(names: Sequence[str], known: Mapping[str, Field[Any]]) -> tuple[str, str]:
    defaults = [_default(known[name]) if name in known else "" for name in names]
    shown = defaults[:1] if len(set(defaults)) == 1 else defaults
    return codes(names), ", ".join(f"`{each}`" if each else "required" for each in shown)


def _default(field: Field[Any]) -> str:
    if field.default is not MISSING:
        return repr(field.default)
    return repr(field.default_factory()) if field.default_factory is not MISSING else ""


def table(heads: Sequence[str], rows: Iterable[Sequence[str]]) -> list[str]:
    cells = [[cell.replace("|", "\\|") for cell in row] for row in rows]
    return ["| " + " | ".join(row) + " |" for row in (heads, ["---"] * len(heads), *cells)]


def codes(names: Iterable[object]) -> str:
    return ", ".join(f"`{name}`" for name in names)


def wrapped(text: str) -> str:
    return "\n".join(textwrap.wrap(text, 118, break_long_words=False, break_on_hyphens=False))
