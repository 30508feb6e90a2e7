"""Reading cookbooks for what will go wrong: rules with an id each, a reason, and where it is safe a fix.

A rule is a function in a module of `rules/`, marked with `@rule("TQ101", "name", "what to do")`: it gets a recipe (or
the whole cookbook) as it stands on disk and yields findings. Nothing of the cookbook is executed. A line's comment
`# toque: ignore[TQ101]` keeps a rule from speaking about that line.
"""

from __future__ import annotations

from toque.cookbook.lint.finding import Edit, Finding
from toque.cookbook.lint.linter import all_rules, apply_fixes, lint_cookbook

__all__ = ["Edit", "Finding", "all_rules", "apply_fixes", "lint_cookbook"]
