"""The service of an app, whichever way it is kept: start, stop and restart by one name (chapter 05, section 7.3)."""

import json
import shlex
from pathlib import Path
from typing import Any

from toque import execute, log, node, service


def control(shortname: str, action: str) -> None:
    """Start, stop or restart the app's service; an app without one is said so in the log and is a success (E-10)."""
    known = definition(shortname)
    if action in known:
        # Somebody ordered it, so it is done, each time.
        execute(shlex.split(known[action]), cwd=f"/srv/www/{shortname}/current")  # toque: ignore[TQ101]
    elif "systemd_unit" in known or "service" in known:
        name = known.get("systemd_unit") or known["service"]
        getattr(service(name, running=None), action)()
    else:
        log(f"{shortname} has no service to {action}: nothing was done")


def definition(shortname: str) -> dict[str, Any]:
    """Who runs the app: custom JSON first, then the release's own words, then what its layer's deploy wrote down."""
    custom = node.get(f"deploy.{shortname}.service")
    if custom:
        return dict(custom)
    root = Path(f"/srv/www/{shortname}")
    for place in (root / "current/deploy/service.json", root / "shared/config/service.json"):
        if place.exists():
            return dict(json.loads(place.read_text()))
    return {}
