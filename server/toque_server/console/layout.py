"""What every page has: its user, its form token, the addresses of its style and scripts, the words for states."""

from __future__ import annotations

from typing import Any

from flask import Blueprint, g, url_for

from toque_server.console import states
from toque_server.console.assets import Assets
from toque_server.console.desk import Desk


def register(console: Blueprint, desk: Desk, assets: Assets) -> None:
    """What the templates may use without being given it."""

    def asset(name: str) -> str:
        return url_for("console.static", version=assets.version, name=name)

    for word, what in (("asset", asset), ("look", states.look), ("health", states.health), ("tones", states.tones)):
        # Globals, not context: macros that are imported see nothing else.
        console.add_app_template_global(what, word)

    def known() -> dict[str, Any]:
        return {"user": getattr(g, "user", None), "csrf_token": getattr(g, "csrf", "")}

    console.context_processor(known)
