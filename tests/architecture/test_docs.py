"""The manual says what the code says: generated pages are fresh, links lead somewhere, properties are explained."""

from __future__ import annotations

import inspect
import re
from dataclasses import fields
from pathlib import Path

import pytest

from docs import generate, words
from toque.core.resource import REGISTRY, Resource

ROOT = Path(__file__).resolve().parent.parent.parent
PAGES = [ROOT / "README.md", ROOT / "CONTRIBUTING.md", *sorted((ROOT / "docs").rglob("*.md"))]
_LINK = re.compile(r"\]\(([^)#:\s]+)(#[^)]*)?\)|^\[\w+\]: (\S+)$", re.MULTILINE)
_PATH = re.compile(r"(?<!\[)`((?:agent|server|cookbooks|docs|tests|bench|examples|systemd)/[\w./-]*)`")

words.resources()  # imports every word


@pytest.mark.parametrize("name", sorted(generate.PAGES))
def test_a_generated_page_says_what_the_code_says(name: str) -> None:
    made = generate.PAGES[name]().rstrip("\n") + "\n"

    assert (ROOT / "docs" / name).read_text() == made, "run: make docs"


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_a_link_leads_to_a_file(page: Path) -> None:
    text = page.read_text()
    linked = [page.parent / (found[0] or found[2]) for found in _LINK.findall(text)]
    named = [ROOT / found for found in _PATH.findall(text) if "NAME" not in found and found.upper() != found]

    assert [str(each) for each in [*linked, *named] if not each.exists() and not _is_pattern(each)] == []


def _is_pattern(path: Path) -> bool:
    """`resources/WORD.py` stands for any; a path in capitals is not one."""
    return any(
        part.split(".")[0].isupper() or "WORD" in part for part in path.relative_to(ROOT).parts if "README" not in part
    )


@pytest.mark.parametrize("word", sorted(REGISTRY))
def test_every_property_of_a_word_is_explained(word: str) -> None:
    kind = REGISTRY[word]
    options = {field.name for field in fields(Resource)}
    own = {field.name for field in fields(kind) if field.init and not field.name.startswith("_")} - options

    assert own - explained(kind) == set()


def test_every_option_of_all_words_is_explained() -> None:
    options = {field.name for field in fields(Resource) if field.init}

    assert options - explained(Resource) == set()


def explained(kind: type) -> set[str]:
    blocks = words.blocks(inspect.getdoc(kind) or "")
    return {name for block in blocks for names, _ in words.rows(block) for name in names}
