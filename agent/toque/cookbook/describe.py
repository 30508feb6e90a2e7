"""A cookbook's manual page, made of what stands in it: manifest, recipes' docstrings, settings and own words."""

from __future__ import annotations

import ast
from collections.abc import Iterator, Sequence
from pathlib import Path

from toque.cookbook.layout import load_cookbook


def manual(root: Path) -> str:
    """The page as Markdown. Nothing of the cookbook is executed; raises BadCookbook where there is none."""
    info = load_cookbook(root)
    lines = [f"# {info.name} {info.version}", ""]
    lines += [info.description, ""] if info.description else []
    lines += [f"Platforms: {', '.join(info.platforms)}." if info.platforms else "Platforms: not said.", ""]
    if info.requires:
        lines += ["Requires: " + ", ".join(f"{name} {wanted}" for name, wanted in info.requires.items()) + ".", ""]
    lines += ["## Recipes", "", *_table(["recipe", "what it does"], _recipes(root, info.name, info.recipes))]
    if (root / "settings.py").is_file():
        lines += ["", "## Settings", "", f"Set under the key `{info.name}` at any level.", ""]
        lines += _table(["setting", "type", "default", "meaning"], list(_settings(root / "settings.py")))
    for path in sorted((root / "resources").glob("*.py")) if (root / "resources").is_dir() else ():
        lines += _word(path)
    return "\n".join(lines).rstrip() + "\n"


def _recipes(root: Path, cookbook: str, recipes: Sequence[str]) -> list[list[str]]:
    return [[f"`{cookbook}::{name}`", _first(_tree(root / "recipes" / f"{name}.py"))] for name in recipes]


def _settings(path: Path) -> Iterator[list[str]]:
    """One row per setting of `Settings`, and of the dataclasses within it under `outer.inner`."""
    kinds = {node.name: node for node in _tree(path).body if isinstance(node, ast.ClassDef)}
    if "Settings" in kinds:
        yield from _of_class(kinds["Settings"], kinds, "")


def _of_class(kind: ast.ClassDef, kinds: dict[str, ast.ClassDef], before: str) -> Iterator[list[str]]:
    for number, node in enumerate(kind.body):
        if not (isinstance(node, ast.AnnAssign) and isinstance(node.target, ast.Name)):
            continue
        name, hint = f"{before}{node.target.id}", ast.unparse(node.annotation)
        if hint in kinds:
            yield from _of_class(kinds[hint], kinds, f"{name}.")
            continue
        after = kind.body[number + 1] if number + 1 < len(kind.body) else None
        meaning = ""
        if isinstance(after, ast.Expr) and isinstance(after.value, ast.Constant) and isinstance(after.value.value, str):
            meaning = " ".join(after.value.value.split())
        default = "must be set" if node.value is None else f"`{ast.unparse(node.value)}`"
        yield [f"`{name}`", f"`{hint}`", default, meaning]


def _word(path: Path) -> list[str]:
    """A word of the cookbook's own, with its docstring, which is its manual."""
    kinds = [node for node in _tree(path).body if isinstance(node, ast.ClassDef) and ast.get_docstring(node)]
    return [
        line
        for node in kinds
        if any(isinstance(each, ast.Call) for each in node.decorator_list)
        for line in ("", f"## {path.stem}", "", "```text", ast.get_docstring(node) or "", "```")
    ]


def _first(tree: ast.Module) -> str:
    return " ".join((ast.get_docstring(tree) or "").split("\n\n")[0].split())


def _tree(path: Path) -> ast.Module:
    return ast.parse(path.read_text(encoding="utf-8"), str(path))


def _table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> list[str]:
    lines = [head, ["---"] * len(head), *rows]
    return [f"| {' | '.join(cell.replace('|', chr(92) + '|') for cell in line)} |" for line in lines]
