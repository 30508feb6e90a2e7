"""A cookbook as the rules see it: its files, parsed, and the words that its recipes say."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path

from toque.cookbook.layout import CookbookInfo, load_cookbook

SHAPES = (ast.JoinedStr, ast.BinOp)


@dataclass(frozen=True)
class Said:
    """A word of the recipe language, called: `file("/etc/motd", mode="0644")`."""

    word: str
    call: ast.Call

    def given(self, name: str) -> ast.expr | None:
        """What a property is given by name; None when it is not."""
        return next((each.value for each in self.call.keywords if each.arg == name), None)

    def has(self, *names: str) -> bool:
        """Whether one of these properties is given; a `**mapping` may give any."""
        return any(each.arg is None or each.arg in names for each in self.call.keywords)

    @property
    def first(self) -> ast.expr | None:
        return self.call.args[0] if self.call.args else None

    @property
    def argv(self) -> list[ast.expr]:
        """The arguments of a program that is given as a list."""
        return list(self.first.elts) if isinstance(self.first, ast.List | ast.Tuple) else []


@dataclass
class PythonFile:
    """One Python file of a cookbook."""

    path: Path
    text: str
    tree: ast.Module
    is_recipe: bool
    words: dict[str, str] = field(default_factory=dict)
    """The names by which it knows words: `{"file": "file", "keep": "template"}` after `import template as keep`."""

    @cached_property
    def said(self) -> list[Said]:
        """Every call of a word, in the order of the text."""
        calls = [node for node in ast.walk(self.tree) if isinstance(node, ast.Call)]
        found = [Said(word, call) for call in calls if (word := self._word(call.func)) is not None]
        return sorted(found, key=lambda each: (each.call.lineno, each.call.col_offset))

    def calls_of(self, *words: str) -> Iterator[Said]:
        return (each for each in self.said if each.word in words)

    def _word(self, called: ast.expr) -> str | None:
        if isinstance(called, ast.Name):
            return self.words.get(called.id)
        if isinstance(called, ast.Attribute) and isinstance(called.value, ast.Name) and called.value.id == "toque":
            return called.attr if "toque" in self.words else None
        return None


@dataclass
class Cookbook:
    """The cookbook at `root`; `files` are those that can be parsed."""

    root: Path
    info: CookbookInfo
    files: list[PythonFile]
    broken: list[tuple[Path, SyntaxError]]

    @property
    def recipes(self) -> list[PythonFile]:
        return [each for each in self.files if each.is_recipe]

    def names_in(self, folder: str) -> set[str]:
        """The files below `templates` or `files`, as recipes name them."""
        top = self.root / folder
        return (
            {path.relative_to(top).as_posix() for path in top.rglob("*") if path.is_file()} if top.is_dir() else set()
        )


def read_cookbook(root: Path) -> Cookbook:
    """Read and parse a cookbook; raises BadCookbook for one whose manifest is wrong."""
    files: list[PythonFile] = []
    broken: list[tuple[Path, SyntaxError]] = []
    for path in sorted(root.rglob("*.py")):
        inner = path.relative_to(root).parts
        if inner[0] in ("tests", "files", "templates") or any(part.startswith(".") for part in inner):
            continue
        text = path.read_text(encoding="utf-8")
        try:
            tree = ast.parse(text, str(path))
        except SyntaxError as error:
            broken.append((path, error))
            continue
        files.append(PythonFile(path, text, tree, inner[0] == "recipes", _words_of(tree)))
    return Cookbook(root, load_cookbook(root), files, broken)


def _words_of(tree: ast.Module) -> dict[str, str]:
    known: dict[str, str] = {}
    for node in ast.walk(tree):
        if isinstance(node, ast.ImportFrom) and node.module == "toque" and not node.level:
            known.update({name.asname or name.name: name.name for name in node.names})
        elif isinstance(node, ast.Import) and any(name.name == "toque" for name in node.names):
            known["toque"] = "toque"
    return known


def text_of(node: ast.expr | None) -> str | None:
    """The text of a literal; None for everything else."""
    return node.value if isinstance(node, ast.Constant) and isinstance(node.value, str) else None


def is_put_together(node: ast.expr | None) -> bool:
    """Whether a text is made of parts that are only known when the recipe runs."""
    if isinstance(node, ast.JoinedStr):
        return any(isinstance(part, ast.FormattedValue) for part in node.values)
    if isinstance(node, ast.BinOp) and isinstance(node.op, ast.Add | ast.Mod):
        return any(text_of(side) is None for side in (node.left, node.right))
    return isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr == "format"
