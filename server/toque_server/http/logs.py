"""A command's log by its signed address, while the run lasts and after it (E-17)."""

from __future__ import annotations

import zlib
from collections.abc import Iterable, Iterator

from flask import Blueprint, Response, request

from toque_server.operations.context import Services
from toque_server.security.urls import LOG_PATH, is_good_log_url
from toque_server.store import logs

_HEADERS = {
    "Cache-Control": "no-store",
    "Content-Disposition": "inline",
    "Vary": "Accept-Encoding",
    "X-Content-Type-Options": "nosniff",
}


def blueprint(services: Services) -> Blueprint:
    """`GET /logs/<command id>?expires=…&signature=…`: the text so far, for whoever has the address."""
    pages = Blueprint("logs", __name__)

    @pages.get(f"{LOG_PATH}<command_id>")
    def log(command_id: str) -> Response:
        expires, signature = request.args.get("expires", ""), request.args.get("signature", "")
        with services.database.read() as conn:
            now = services.database.now(conn)
            if not is_good_log_url(services.keys, command_id, expires, signature, now):
                message = "This address is not valid, or its hour is over: DescribeCommands gives a new one.\n"
                return Response(message, 403, _HEADERS, content_type="text/plain; charset=utf-8")
            # At most 24 MiB: read here, for a snapshot must not stay open as long as a slow client likes.
            pieces = list(logs.pieces(conn, command_id))
        if "gzip" not in request.headers.get("Accept-Encoding", ""):
            return Response(pieces, 200, _HEADERS, content_type="text/plain; charset=utf-8")
        headers = {**_HEADERS, "Content-Encoding": "gzip"}
        return Response(gzipped(pieces), 200, headers, content_type="text/plain; charset=utf-8")

    return pages


def gzipped(pieces: Iterable[bytes]) -> Iterator[bytes]:
    """The pieces as one gzip stream."""
    packer = zlib.compressobj(6, zlib.DEFLATED, 16 + zlib.MAX_WBITS)
    for piece in pieces:
        yield packer.compress(piece)
    yield packer.flush()
