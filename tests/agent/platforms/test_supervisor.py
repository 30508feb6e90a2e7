"""Against a real supervisord."""

from __future__ import annotations

import os
import shutil
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from toque.core import LocalHost, Secret
from toque.platforms.service import Definition, NotUp
from toque.platforms.service.supervisor import Places, Supervisor
from toque.platforms.service.supervisor_rpc import Supervisord

pytestmark = pytest.mark.slow


@pytest.fixture
def places() -> Iterator[Places]:
    # Not tmp_path: the path of a unix socket has at most 107 bytes.
    root = tempfile.mkdtemp(prefix="toque-")
    places = Places(f"{root}/sv.conf", f"{root}/programs", f"{root}/launchers", f"{root}/sv.sock", f"{root}/log")
    yield places
    supervisord = Supervisord(places.socket)
    if supervisord.answers():
        pid = int(Path(f"{root}/sv.pid").read_text())
        supervisord._call("shutdown")
        until(lambda: not Path(f"/proc/{pid}").exists(), "supervisord ends")
    shutil.rmtree(root)


def until(true: Callable[[], bool], what: str) -> None:
    deadline = time.monotonic() + 20
    while not true():
        assert time.monotonic() < deadline, f"waited in vain until {what}"
        time.sleep(0.02)


def log_of(places: Places) -> str:
    return Path(f"{places.logs}/service-shop.log").read_text()


ENDLESS = ("sh", "-c", 'echo "$GREETING from $PWD by $HOME"; trap "echo hup" HUP; while :; do sleep 0.1; done')


def test_a_program_is_kept_with_its_environment_and_directory(places: Places) -> None:
    supervisor = Supervisor(LocalHost(), places=places)
    greeting = Secret('it\'s "100%" `fine` $HOME, naïve\nreally')
    definition = Definition(ENDLESS, directory="/usr", environment={"GREETING": greeting, "HOME": "/nowhere"})
    assert not supervisor.running("shop")

    supervisor.define("shop", definition, enabled=True)
    supervisor.start("shop")

    assert supervisor.running("shop")
    assert supervisor.enabled("shop")
    assert supervisor.is_defined("shop", definition, True)
    # A supervisord that had just been woken may have begun it once already, before it was asked to.
    assert set(log_of(places).split(f"{greeting} from /usr by /nowhere\n")) == {""}
    assert all(file.stat().st_mode & 0o777 == 0o600 for file in Path(places.launchers).iterdir())


def test_a_program_that_ends_is_started_again(places: Places) -> None:
    supervisor, supervisord = Supervisor(LocalHost(), places=places), Supervisord(places.socket)
    supervisor.define("shop", Definition(ENDLESS), enabled=None)
    supervisor.start("shop")
    before = supervisord._info("shop")["pid"]

    os.kill(before, 9)

    until(lambda: supervisor.running("shop") and supervisord._info("shop")["pid"] != before, "it runs again")


def test_a_program_that_does_not_stay_up_is_an_error_with_the_end_of_its_log(places: Places) -> None:
    supervisor = Supervisor(LocalHost(), places=places)
    supervisor.define("shop", Definition(("sh", "-c", "echo no database; exit 3")), enabled=True)

    with pytest.raises(NotUp, match=r"service shop was started and does not stay up; its log ends:\n    no database"):
        supervisor.start("shop")


def test_a_program_that_is_not_there_is_an_error(places: Places) -> None:
    supervisor = Supervisor(LocalHost(), places=places)
    supervisor.define("shop", Definition(("/no/such/program",)), enabled=True)

    with pytest.raises(NotUp, match="/no/such/program"):
        supervisor.start("shop")


def test_a_changed_declaration_takes_effect_and_others_are_left_alone(places: Places) -> None:
    supervisor, supervisord = Supervisor(LocalHost(), places=places), Supervisord(places.socket)
    for name in ("shop", "other"):
        supervisor.define(name, Definition(ENDLESS, environment={"GREETING": "old"}), enabled=True)
        supervisor.start(name)
    other = supervisord._info("other")["pid"]

    supervisor.define("shop", Definition(ENDLESS, environment={"GREETING": "new"}), enabled=True)
    supervisor.restart("shop")

    assert log_of(places).splitlines()[-1].startswith("new from")
    assert supervisord._info("other")["pid"] == other


def test_a_reload_is_a_signal_where_one_is_declared(places: Places) -> None:
    supervisor, supervisord = Supervisor(LocalHost(), places=places), Supervisord(places.socket)
    supervisor.define("shop", Definition(ENDLESS, reload_signal="HUP"), enabled=True)
    supervisor.start("shop")
    before = supervisord._info("shop")["pid"]

    supervisor.reload("shop")

    until(lambda: log_of(places).endswith("hup\n"), "the signal arrives")
    assert supervisord._info("shop")["pid"] == before


def test_what_is_stopped_stays_stopped_and_what_is_undefined_is_gone(places: Places) -> None:
    supervisor = Supervisor(LocalHost(), places=places)
    supervisor.define("shop", Definition(ENDLESS), enabled=True)
    supervisor.start("shop")

    supervisor.stop("shop")
    stopped = not supervisor.running("shop")
    supervisor.undefine("shop")

    assert stopped
    assert not supervisor.has_definition("shop")
    assert Supervisord(places.socket).state("shop") == ""


def test_disabling_keeps_it_from_starting_with_the_machine(places: Places) -> None:
    supervisor = Supervisor(LocalHost(), places=places)
    supervisor.define("shop", Definition(ENDLESS), enabled=True)

    supervisor.set_enabled("shop", False)

    assert not supervisor.enabled("shop")
    assert supervisor.is_defined("shop", Definition(ENDLESS), False)
    assert supervisor.is_defined("shop", Definition(ENDLESS), None)
