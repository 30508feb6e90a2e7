"""What a page says when an operation refuses: the operation's own words, and what to do next."""

from __future__ import annotations

from flask import Blueprint, flash, redirect, render_template, request
from werkzeug.exceptions import HTTPException
from werkzeug.wrappers import Response

from toque_server.console.desk import Desk
from toque_server.operations.errors import (
    AccessDeniedException,
    ConflictException,
    NotAuthenticated,
    OperationError,
    ResourceNotFoundException,
    ThrottlingException,
    ValidationException,
)

_SAYS: dict[type[OperationError], tuple[int, str, str]] = {
    ValidationException: (400, "That cannot be done", ""),
    ResourceNotFoundException: (
        404,
        "Not found",
        "It may have been deleted meanwhile.",
    ),
    AccessDeniedException: (
        403,
        "You may not do that",
        "Somebody with the level Manage on this stack, or an administrator, can do it or give you the level.",
    ),
    ThrottlingException: (429, "Not now", "Please wait a moment and try again."),
    ConflictException: (409, "Somebody else was faster", "Please look at what it is now and try again."),
    NotAuthenticated: (401, "Please sign in", ""),
}
_LONGEST_NOTICE = 800


def said(error: OperationError) -> tuple[int, str, str]:
    """Status, title and advice for an error."""
    for kind, says in _SAYS.items():
        if isinstance(error, kind):
            return says
    return 400, "That did not work", ""


def notice(text: str, tone: str = "good") -> None:
    """Show this on the next page. It travels in a cookie, so it is kept short."""
    flash(text if len(text) <= _LONGEST_NOTICE else text[:_LONGEST_NOTICE] + "…", tone)


def refused(error: OperationError, back_to: str) -> Response:
    """After a form that was refused: back to where it was, with the reason."""
    _, _, advice = said(error)
    notice(f"{error.message}. {advice}" if advice else error.message, "bad")
    return redirect(back_to, 303)


def register(console: Blueprint, desk: Desk) -> None:
    """The error pages."""

    def operation_failed(error: OperationError) -> tuple[str, int]:
        status, title, advice = said(error)
        return render_template("error.html", title=title, message=error.message, advice=advice), status

    def not_here(error: HTTPException) -> tuple[str, int] | HTTPException:
        if request.endpoint == "console.static":
            return error
        title = "There is no such page" if error.code == 404 else (error.name or "That did not work")
        return render_template("error.html", title=title, message=error.description, advice=""), error.code or 500

    console.register_error_handler(OperationError, operation_failed)
    console.register_error_handler(HTTPException, not_here)
