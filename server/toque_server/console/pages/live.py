"""What happens, told to pages that are open: a stream, and the same by asking, where no stream is to be had (D19)."""

from __future__ import annotations

import time
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import msgspec
from flask import Blueprint, Response, jsonify, request

from toque_server.console.desk import Desk
from toque_server.console.facts import Fact, Topic, since
from toque_server.console.streams import Streams
from toque_server.operations import identity, registry
from toque_server.operations.context import Context
from toque_server.operations.errors import NotAuthenticated, OperationError

LOOK_EVERY = 1.0
"""Seconds between two looks at what happened."""

LIFE = 300.0
"""Seconds after which a stream ends; the browser opens it again, where it stopped."""

RETRY_MS = 1000


def register(console: Blueprint, desk: Desk, streams: Streams) -> None:
    @console.get("/events")
    def events() -> Response:
        give_back = streams.take()
        if give_back is None:
            # "No content" is how a browser is told not to come again; the page asks from now on, and says so.
            return Response(status=204)
        after = request.headers.get("Last-Event-ID", "") or request.args.get("after", "")
        told = _told(
            desk,
            streams,
            desk.context(),
            Topic.of(request.args),
            request.cookies[desk.cookie],
            int(after) if after.isdecimal() and len(after) < 19 else 0,
        )
        answer = Response(told, content_type="text/event-stream; charset=utf-8")
        answer.headers["X-Accel-Buffering"] = "no"
        answer.call_on_close(give_back)
        return answer

    @console.get("/facts")
    def facts() -> Response:
        after = max(0, request.args.get("after", 0, type=int))
        found, last = since(desk.call, Topic.of(request.args), after)
        return jsonify(facts=found, after=last)


def _told(desk: Desk, streams: Streams, ctx: Context, topic: Topic, session_id: str, after: int) -> Iterator[bytes]:
    """The stream: a frame when there is news, a comment when there is none. Ends with the session, or its time."""
    until = time.monotonic() + LIFE
    known: dict[str, Fact] = {}
    yield f"retry: {RETRY_MS}\n\n".encode()
    while time.monotonic() < until:
        try:
            user = identity.session_of(desk.services, session_id, keep_alive=False).user
            now = replace(ctx, caller=identity.principal_of(user))
            found, after = since(_caller(now), topic, after)
        except NotAuthenticated:
            yield b"event: over\ndata: {}\n\n"
            return
        except OperationError:
            # Deleted, or no longer his: the page itself says which, when it is asked for again.
            yield b"event: reload\ndata: {}\n\n"
            return
        news = [fact for fact in found if _is_news(fact, known)]
        if news:
            yield b"id: %d\ndata: %s\n\n" % (after, msgspec.json.encode({"facts": news, "after": after}))
        else:
            yield b":\n\n"
        if streams.stopping.wait(LOOK_EVERY):
            return


def _is_news(fact: Fact, known: dict[str, Fact]) -> bool:
    if fact["kind"] != "command":
        return True
    # How long it has run is counted by the page itself.
    said = {name: value for name, value in fact.items() if name != "seconds" or fact["state"] != "running"}
    news = known.get(fact["id"]) != said
    known[fact["id"]] = said
    return news


def _caller(ctx: Context) -> Any:
    return lambda operation, **members: registry.call(
        operation, ctx, {name: value for name, value in members.items() if value is not None}
    )
