"""`toque stack export|diff|apply`: a whole stack as one YAML file. docs/stack-files.md is the manual.

The file, and what is to be done, are decided in `toque.stackfile`; here a server is asked, and told.
"""

from __future__ import annotations

from toque.cli.stackfile.commands import apply, diff, export

__all__ = ["apply", "diff", "export"]
