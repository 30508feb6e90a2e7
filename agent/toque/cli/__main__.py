"""`python -m toque.cli` is `toque`."""

from toque.cli import main

main()
