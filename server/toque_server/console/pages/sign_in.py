"""Signing in and out."""

from __future__ import annotations

from flask import Blueprint, Response, g, make_response, redirect, render_template, request, url_for

from toque_server.console.desk import Desk
from toque_server.console.problems import notice
from toque_server.operations import identity
from toque_server.operations.errors import NotAuthenticated, ThrottlingException


def register(console: Blueprint, desk: Desk) -> None:
    def form(status: int = 200, problem: str = "", name: str = "") -> Response:
        wanted = _inside(request.values.get("next", ""))
        page = render_template("sign_in.html", problem=problem, name=name, next=wanted)
        answer = make_response(page, status)
        desk.keep(answer, g.visitor)
        return answer

    @console.get("/sign-in")
    def sign_in() -> Response:
        try:
            desk.session()
        except NotAuthenticated:
            return form()
        return make_response(redirect(url_for("console.stacks"), 303))

    @console.post("/sign-in", endpoint="signing_in")
    def signing_in() -> Response:
        name, password = request.form.get("username", ""), request.form.get("password", "")
        try:
            session_id, _ = identity.sign_in(desk.services, name, password, address=request.remote_addr or "")
        except NotAuthenticated:
            return form(401, "The name or the password is wrong.", name)
        except ThrottlingException as error:
            answer = form(429, error.message[:1].upper() + error.message[1:] + ".", name)
            answer.headers["Retry-After"] = str(int(error.retry_after) or 1)
            return answer
        # The cookie of before, whoever gave it to this browser, opens nothing from now on.
        identity.sign_out(desk.services, g.visitor)
        answer = make_response(redirect(_inside(request.form.get("next", "")) or url_for("console.stacks"), 303))
        desk.keep(answer, session_id)
        return answer

    @console.post("/sign-out")
    def sign_out() -> Response:
        identity.sign_out(desk.services, request.cookies[desk.cookie])
        notice("You are signed out.")
        answer = make_response(redirect(url_for("console.sign_in"), 303))
        desk.forget(answer)
        return answer


def _inside(address: str) -> str:
    """The address if it is one of the console's own pages, else ""."""
    home = url_for("console.stacks")
    plain = address.isascii() and address.isprintable() and "\\" not in address and "//" not in address
    return address if plain and address.startswith(home) else ""
