from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.needs import needs, needs_root, stop_without
from tests.system.case_sandbox import Box, a_box, wait_for
from toque import sandbox
from toque.sandbox.control import request
from toque.sandbox.places import SOCKET

pytestmark = [pytest.mark.root, pytest.mark.slow, needs_root(), needs("apt-get")]

PACKAGE = "memcached"
PORT = "18211"


@pytest.fixture
def box(tmp_path: Path) -> Iterator[Box]:
    with a_box(tmp_path) as made:
        made.start()
        if sandbox.execute(made.spec.directory, ["apt-get", "update"]).returncode != 0:
            stop_without("Debian's packages over the network")
        yield made


def test_a_package_is_installed_its_service_asked_for_and_neither_touches_the_host(box: Box) -> None:
    host = Path("/var/lib/dpkg/status").read_text()

    box.shell(f"DEBIAN_FRONTEND=noninteractive apt-get install -y --reinstall {PACKAGE}")
    assert box.shell(f"pgrep -x {PACKAGE} || true") == ""  # policy-rc.d: packages start nothing
    box.shell(f"sed -i 's/^-p .*/-p {PORT}/; s/^-l .*/-l 127.80.3.7/' /etc/memcached.conf")
    answer = request("service", at=Path(f"/proc/{box.pid}/root{SOCKET}"), name=PACKAGE, action="start")

    assert answer["code"] == 0, answer["output"]
    wait_for("the service", lambda: box.shell(f"pgrep -x {PACKAGE} || true") != "")
    assert box.shell(f"ps -o ppid= -C {PACKAGE}") == "1"
    assert Path("/var/lib/dpkg/status").read_text() == host
