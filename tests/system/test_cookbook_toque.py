"""The system's own recipes on a real machine: a sandbox with its own accounts and /etc/hosts."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.needs import needs_root
from tests.system.case_sandbox import Box, a_box
from toque import sandbox

pytestmark = [pytest.mark.root, pytest.mark.slow, needs_root()]

COOKBOOK = Path(__file__).resolve().parents[2] / "cookbooks" / "toque"


@pytest.fixture(scope="module")
def box(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Box]:
    with a_box(tmp_path_factory.mktemp("data")) as made:
        made.start()
        for source in [*COOKBOOK.rglob("*.py"), COOKBOOK / "cookbook.toml"]:
            place = Path(f"/proc/{made.pid}/root/srv/cookbooks/toque") / source.relative_to(COOKBOOK)
            place.parent.mkdir(parents=True, exist_ok=True)
            place.write_bytes(source.read_bytes())
        yield made


def deregister(box: Box, *options: str) -> None:
    line = " ".join(["cd /srv && exec /opt/toque/bin/toque apply toque::deregister", *options])
    done = sandbox.execute(box.spec.directory, ["sh", "-c", line])
    assert done.returncode == 0, (done.stdout + done.stderr).decode()


def has(box: Box, *argv: str) -> bool:
    return sandbox.execute(box.spec.directory, argv).returncode == 0


def test_08_10_6_rights_to_sudo_and_names_end_and_accounts_stay_unless_remove_users_is_set(box: Box) -> None:
    before = box.run("cat", "/etc/hosts")
    box.shell(
        "groupadd opsworks && useradd -u 2001 -g opsworks -c opsworks -m ann && mkdir -p /etc/sudoers.d"
        " && useradd -u 2002 -c Somebody bob"
        " && echo 'ann ALL=(ALL) NOPASSWD: ALL' > /etc/sudoers.d/toque-ann && echo x > /etc/sudoers.d/bob"
        " && printf '%s\\n' '# begin of the block that Toque keeps: the online instances of the stack'"
        " '10.0.0.7 iron1' '# end of the block that Toque keeps' >> /etc/hosts"
    )

    deregister(box)
    deregister(box)

    assert box.run("cat", "/etc/hosts") == before
    assert not has(box, "test", "-e", "/etc/sudoers.d/toque-ann")
    assert has(box, "test", "-e", "/etc/sudoers.d/bob")
    assert has(box, "id", "ann")

    deregister(box, "--set", "toque.remove_users=true")

    assert not has(box, "id", "ann")
    assert has(box, "id", "bob")
