"""Recipes on a real machine: planned, applied, and applied again with nothing left to do.

A test module says in `PROVES = ("sysctl",)` which words it shows; an architecture test sees that none is left out.
"""

from __future__ import annotations

import textwrap
from pathlib import Path

from tests.system.case_sandbox import Box

PENDING = 10
"""The exit code of a plan that would change something."""


def put(box: Box, path: str, content: bytes) -> None:
    """Lay a file down in the sandbox."""
    place = Path(f"/proc/{box.pid}/root{path}")
    place.parent.mkdir(parents=True, exist_ok=True)
    place.write_bytes(content)


def toque(box: Box, verb: str, recipe: str) -> tuple[int, str]:
    """`toque plan` or `toque apply` of a recipe's text in the sandbox: its exit code and what it said."""
    put(box, "/srv/recipe.py", textwrap.dedent(recipe).encode())
    done = box.execute(["/opt/toque/bin/toque", verb, "/srv/recipe.py"])
    return done.returncode, (done.stdout + done.stderr).decode()


def apply(box: Box, recipe: str) -> str:
    """Apply it, as was planned; then there must be nothing left to do. Answers what the applying said."""
    planned, _ = toque(box, "plan", recipe)
    code, said = toque(box, "apply", recipe)
    assert (planned, code) == (PENDING, 0), said
    code, left = toque(box, "plan", recipe)
    assert code == 0, left
    return said
