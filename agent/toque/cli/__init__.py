"""The command `toque`. Its sub-commands are in the modules beside this one; `group.COMMANDS` says which is where."""

from __future__ import annotations

import sys
from typing import NoReturn


def main() -> NoReturn:
    """The program `toque`."""
    match sys.argv[1:]:
        case ["apply" | "plan" as verb, recipe] if not recipe.startswith("-"):
            # The plain form needs no parser, and loading one takes as long as checking four hundred files.
            from toque.cookbook.execute import apply_file

            sys.exit(apply_file(recipe, dry_run=verb == "plan"))
    from toque.cli.group import toque

    sys.exit(toque.main(prog_name="toque"))
