"""What a run warns of, as it travels from a recipe to the server's service errors: few lines, and short ones."""

from __future__ import annotations

from typing import Final

MOST: Final = 8
"""The most warnings of one run that are told; its log has all."""
LONGEST: Final = 250
"""The longest warning, in characters. All of them fit into the space that a run's ledger has reserved."""


def one_line(text: str) -> str:
    """A warning as it travels: printable, on one line, cut where it is too long.

    one_line("the account ann\\nwas skipped")    # "the account ann was skipped"
    """
    line = " ".join("".join(each if each.isprintable() else " " for each in text).split())
    return line if len(line) <= LONGEST else line[: LONGEST - 1] + "…"
