"""systemd's `EnvironmentFile=`: double quotes, a backslash before quotes, `$` and backslashes. A shell reads it too."""

from __future__ import annotations

import re


def quoted(name: str, value: str) -> str:
    """Line ends may stand in quotes as they are."""
    return '"' + re.sub(r'(["\\`$])', r"\\\1", value) + '"'
