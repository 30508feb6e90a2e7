"""`python -m toque.cli` is `toque`."""

from __future__ import annotations

from toque.cli import main

main()
