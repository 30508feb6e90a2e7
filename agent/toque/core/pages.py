"""The page that an author gets when a run stops: what failed, on which line of theirs, why, and what is in place."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

from toque.core.errors import did_you_mean
from toque.core.host import CommandFailed, said_by, shown
from toque.core.masking import mask
from toque.core.resource import NotConverged
from toque.core.run import ResourceFailed, Run
from toque.core.source import Source, raised_at


def failure_page(error: BaseException, recipe: str, run: Run, base: Path | None = None) -> str:
    """The whole page. `base` is the folder that paths are shown relative to."""
    cause: BaseException = error
    if isinstance(error, ResourceFailed):
        title, source, cause = f"{error.subject} failed", error.source, error.cause
    else:
        title, source = f"recipe {recipe} failed" if recipe else "the run failed", raised_at(error)
    lines = [title, *place(source, base)]
    lines += [f"  {line}" for line in mask("\n".join(_details(cause))).splitlines()]
    in_place = run.report.in_place
    before = f"{in_place} resource{'' if in_place == 1 else 's'} before it {'is' if in_place == 1 else 'are'} in place"
    lines.append(f"{before if not run.dry_run else 'this was a dry run, nothing was changed'}; the run stopped here")
    return "\n".join(lines)


def place(source: Source, base: Path | None = None) -> list[str]:
    """`file:line` and the lines around it; nothing when no line is known."""
    if not source.line:
        return []
    excerpt = source.excerpt()
    return [f"{relative(source.path, base)}:{source.line}", *(mask(excerpt).splitlines() if excerpt else [])]


def relative(path: str, base: Path | None) -> str:
    if base is None:
        return path
    shorter = os.path.relpath(path, base)
    return path if shorter.startswith("..") else shorter


def _details(cause: BaseException) -> Iterator[str]:
    match cause:
        case NotConverged():
            yield from cause.details()
        case CommandFailed():
            yield f"{shown(cause.argv)} ended with exit code {cause.ran.code}"
            said = said_by(cause.argv, cause.ran)
            if said:
                yield said
        case NameError():
            yield f"{cause}{did_you_mean(cause.name or '', _names_at(cause))}"
        case OSError():
            yield f"{cause.strerror or cause}{f': {cause.filename}' if cause.filename else ''}"
        case _:
            from toque.core.errors import ToqueError

            yield str(cause) if isinstance(cause, ToqueError) else f"{type(cause).__name__}: {cause}"


def _names_at(error: BaseException) -> list[str]:
    """The names that could be said on the line of an error, the words of a recipe among them."""
    import toque

    trace = error.__traceback__
    while trace is not None and trace.tb_next is not None:
        trace = trace.tb_next
    return [*(trace.tb_frame.f_globals if trace else ()), *(trace.tb_frame.f_locals if trace else ()), *toque.__all__]
