"""How values are written in files of environment variables: one module per kind of reader, each with `quoted`."""

from __future__ import annotations

from toque.core.errors import BadProperty


class CannotWrite(BadProperty):
    """A value that a reader of this kind cannot be given; the text names the variable, not the value."""
