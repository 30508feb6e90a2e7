"""Style sheets, scripts and icons: read once, packed once, served under an address that changes with their content.

Bootstrap's style sheet comes from the package Bootstrap-Flask. Its icon sprite has 2,000 icons and a megabyte; the few
that our pages use are cut out of it.
"""

from __future__ import annotations

import gzip
import hashlib
import re
from dataclasses import dataclass
from importlib.resources import files

from flask import Response, abort, request

from toque_server.console.states import ICONS

_KINDS = {".css": "text/css", ".js": "text/javascript", ".svg": "image/svg+xml"}
_BOOTSTRAP = "static/bootstrap5"


@dataclass(frozen=True)
class Asset:
    plain: bytes
    packed: bytes
    kind: str


class Assets:
    """Everything below /console/static/. `version` names the whole: modules find each other beside themselves."""

    def __init__(self) -> None:
        plain = {
            each.name: each.read_bytes()
            for each in (files("toque_server.console") / "static").iterdir()
            if each.name.endswith(tuple(_KINDS))
        }
        bootstrap = files("flask_bootstrap") / _BOOTSTRAP
        plain["bootstrap.css"] = _without_map((bootstrap / "css" / "bootstrap.min.css").read_bytes())
        plain["icons.svg"] = cut(
            (bootstrap / "icons" / "bootstrap-icons.svg").read_text(encoding="utf-8"), sorted(ICONS)
        ).encode()
        whole = hashlib.sha256(b"".join(name.encode() + plain[name] for name in sorted(plain)))
        self.version = whole.hexdigest()[:16]
        self._all = {
            name: Asset(text, gzip.compress(text, 9, mtime=0), _KINDS[name[name.rindex(".") :]])
            for name, text in plain.items()
        }

    def serve(self, version: str, name: str) -> Response:
        """One asset, for ever where the address has today's version."""
        if (found := self._all.get(name)) is None:
            abort(404)
        packs = "gzip" in request.headers.get("Accept-Encoding", "")
        answer = Response(found.packed if packs else found.plain, content_type=f"{found.kind}; charset=utf-8")
        if packs:
            answer.headers["Content-Encoding"] = "gzip"
        answer.headers["Vary"] = "Accept-Encoding"
        current = version == self.version
        answer.headers["Cache-Control"] = "public, max-age=31536000, immutable" if current else "no-cache"
        return answer

    def size(self, *names: str) -> int:
        """What these weigh on the wire, in bytes."""
        return sum(len(self._all[name].packed) for name in names)


def cut(sprite: str, names: list[str]) -> str:
    """A sprite of the named icons only. Raises LookupError for one that it does not have."""
    kept = []
    for name in names:
        found = re.search(rf'<symbol [^>]*\bid="{re.escape(name)}">.*?</symbol>', sprite, re.DOTALL)
        if found is None:
            raise LookupError(f"Bootstrap's sprite has no icon {name!r}")
        kept.append(found.group(0))
    return f'<svg xmlns="http://www.w3.org/2000/svg">{"".join(kept)}</svg>'


def _without_map(css: bytes) -> bytes:
    # The map is not served; its address in the sheet would make each open inspector ask for it.
    return re.sub(rb"/\*# sourceMappingURL=.*?\*/", b"", css)
