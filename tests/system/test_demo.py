"""`toque demo --self-test`, as users start it: as root, and as an ordinary user with sub-uids."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Iterator

import pytest

from tests.needs import needs, needs_root, needs_that
from tests.system.ordinary import SYSTEM_PYTHON, Ordinary, an_ordinary_user, fits
from tests.together.house import free_port

pytestmark = [pytest.mark.root, pytest.mark.slow, pytest.mark.timeout(500), needs_root(), needs("git")]

SECONDS = 420.0
SHOWN = [
    "all instances are online",
    "the app answers, from both instances",
    "an entry signed once is on both instances",
    "a second release is deployed",
    "and rolled back",
    "execute_recipes runs a named recipe",
    "a failing recipe shows file, line and reason",
    "an instance killed with SIGKILL is healed and serves again",
    "the console signs in and shows the stack",
    "everything is torn down",
]


def demo() -> list[str]:
    return ["-m", "toque.cli", "demo", "--self-test", f"--listen=127.0.0.1:{free_port()}"]


@pytest.mark.aws
@needs_that("the last OpsWorks clients: run 'make setup', or set TOQUE_AWS", lambda: "TOQUE_AWS" in os.environ)
def test_as_root_everything_that_the_demo_shows_holds() -> None:
    ran = subprocess.run([sys.executable, *demo()], capture_output=True, text=True, timeout=SECONDS, check=False)

    assert ran.returncode == 0, f"{ran.stdout}{ran.stderr}"
    for title in [*SHOWN, "the aws client sees the same stack"]:
        assert f"ok       {title}:" in ran.stdout


@pytest.fixture
def somebody() -> Iterator[Ordinary]:
    with an_ordinary_user("toque-demo-user", 500000) as user:
        yield user


@needs("newuidmap", "useradd", "userdel", "usermod")
@needs_that(f"{SYSTEM_PYTHON} of the version of this interpreter", fits)
def test_as_an_ordinary_user_it_holds_too_and_what_is_left_out_is_named(somebody: Ordinary) -> None:
    ran = somebody.run(str(somebody.python), *demo(), seconds=SECONDS, environment={})

    assert ran.returncode == 0, ran.stdout
    for title in SHOWN:
        assert f"ok       {title}:" in ran.stdout
    # No client is installed for this user; that is said, and is no failure.
    assert "skipped  the aws client sees the same stack: no OpsWorks client" in ran.stdout
    if shutil.which("haproxy", path=f"{os.environ['PATH']}:/usr/sbin") is None:
        assert "no balancer: haproxy is not installed here" in ran.stdout
