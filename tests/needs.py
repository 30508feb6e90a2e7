"""What a test needs of the machine it runs on: skip where it is missing, fail where nothing may be missing.

    pytestmark = [pytest.mark.root, needs_root()]

    @needs("haproxy", "curl")
    def test_...

Both are markers, for a test, a class or a module's `pytestmark`. A test that lacks something is skipped and says what.
With TOQUE_TEST_REQUIRE=all (continuous integration) it is an error instead, so that nothing is left out in silence.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable
from functools import cache
from typing import NoReturn

import pytest


def needs_root() -> pytest.MarkDecorator:
    """The test needs uid 0 (namespaces, apt, users)."""
    return _missing("root: run the tests with sudo") if os.geteuid() != 0 else _nothing_missing()


def needs(*programs: str) -> pytest.MarkDecorator:
    """The test needs these programs on PATH."""
    absent = [name for name in programs if _which(name) is None]
    return _missing(f"the programs {', '.join(absent)}") if absent else _nothing_missing()


def needs_that(what: str, holds: Callable[[], bool]) -> pytest.MarkDecorator:
    """The test needs whatever `holds` finds out; `what` says it to the person who reads the skip."""
    return _nothing_missing() if holds() else _missing(what)


def stop_without(what: str) -> NoReturn:
    """In the middle of a test that has found out what it lacks: skip it, or fail where nothing may be missing."""
    if os.environ.get("TOQUE_TEST_REQUIRE") == "all":
        pytest.fail(_REFUSAL.format(what=what))
    pytest.skip(f"needs {what}")


@cache
def _which(name: str) -> str | None:
    # Daemons such as haproxy live in sbin, which is not on an ordinary user's PATH.
    return shutil.which(name, path=f"{os.environ.get('PATH', '')}:/usr/local/sbin:/usr/sbin:/sbin")


def _missing(what: str) -> pytest.MarkDecorator:
    if os.environ.get("TOQUE_TEST_REQUIRE") == "all":
        return pytest.mark.usefixtures(_REFUSAL.format(what=what))
    return pytest.mark.skip(reason=f"needs {what}")


def _nothing_missing() -> pytest.MarkDecorator:
    return pytest.mark.skipif(False, reason="nothing is missing")


# A fixture of this name does not exist: pytest makes the test an error and prints the name.
_REFUSAL = "TOQUE_TEST_REQUIRE=all but this machine lacks {what}"
