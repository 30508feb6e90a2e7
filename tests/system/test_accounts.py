"""The accounts of users on a real machine: a sandbox that is given one list of users after another (07 § 5)."""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.needs import needs_root
from tests.system.case_sandbox import Box, a_box
from toque import sandbox

pytestmark = [pytest.mark.root, pytest.mark.slow, needs_root()]

KEY = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIOMqqnkVzrm0SdG6UOoqKLsabgH5C9okWi0dh2l9GKJl ann@laptop"
COOKBOOK = Path(__file__).resolve().parents[2] / "cookbooks" / "toque"
_RUN = (
    "from pathlib import Path; from toque.cookbook.execute import execute_run as run; raise SystemExit(run(Path(%r)))"
)


@pytest.fixture(scope="module")
def box(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Box]:
    with a_box(tmp_path_factory.mktemp("data")) as made:
        made.start()
        made.shell("mkdir -p /etc/sudoers.d")
        yield made


def sync(box: Box, *users: dict[str, Any]) -> str:
    """One run of `toque::users`, as a command `sync_remote_users` has it; its log."""
    run = Path(f"/proc/{box.pid}/root/srv/run")
    shutil.rmtree(run, ignore_errors=True)
    shutil.copytree(COOKBOOK, run / "cookbooks" / "builtin" / "toque", ignore=shutil.ignore_patterns("__pycache__"))
    (run / "cookbooks" / "custom").mkdir()
    items = {each["username"]: each for each in users}
    snapshot = {"bags": {"aws_opsworks_user": items}, "levels": [], "self": {}}
    (run / "snapshot.json").write_text(json.dumps(snapshot))
    (run / "steps.json").write_text(json.dumps([{"phase": "system", "recipes": ["toque::users"]}]))
    done = sandbox.execute(box.spec.directory, ["/opt/toque/bin/python", "-c", _RUN % "/srv/run"])
    said = (done.stdout + done.stderr).decode()
    assert done.returncode == 0, said
    return said


def user(name: str, uid: int, *, key: str | None = KEY, sudo: bool = False) -> dict[str, Any]:
    return {
        "id": name,
        "username": name,
        "unix_user_id": uid,
        "ssh_public_key": key,
        "administrator_privileges": sudo,
    }


def passwd(box: Box, name: str) -> list[str]:
    found = sandbox.execute(box.spec.directory, ["getent", "passwd", name]).stdout.decode().strip()
    return found.split(":") if found else []


def test_07_19_an_account_has_its_number_group_shell_and_key(box: Box) -> None:
    sync(box, user("ann", 2000))

    _, _, uid, _, comment, home, shell = passwd(box, "ann")
    assert (uid, comment, home, shell) == ("2000", "OpsWorks user ann", "/home/ann", "/bin/bash")
    assert box.run("id", "-gn", "ann") == "opsworks"
    assert box.run("cat", "/home/ann/.ssh/authorized_keys") == KEY
    assert box.run("stat", "-c", "%a %U %G", "/home/ann/.ssh") == "700 ann opsworks"
    assert "changed" not in sync(box, user("ann", 2000)).replace("unchanged", "").replace("0 changed", "")
    sync(box, user("ann", 2000, key=None))
    assert box.shell("ls /home/ann/.ssh") == ""


def test_a_key_that_is_damaged_keeps_no_other_from_being_rolled_out(box: Box) -> None:
    said = sync(box, user("ida", 2011, key=f"{KEY[:60]}\n{KEY}\n\n{KEY} again"))

    assert "a key of ida is damaged" in said
    assert "it was left out" in said
    assert box.run("cat", "/home/ida/.ssh/authorized_keys") == KEY


def test_a_user_who_lays_a_link_in_his_home_gets_nothing_written_elsewhere_and_holds_up_nobody(box: Box) -> None:
    sync(box, user("jay", 2012))
    box.shell("rm -r /home/jay/.ssh && mkdir -m 700 /srv/mine && su jay -c 'ln -s /srv/mine /home/jay/.ssh'")

    with pytest.raises(AssertionError, match="authorized_keys\\[jay\\] failed"):
        sync(box, user("jay", 2012), user("kay", 2013))

    assert box.run("ls", "-A", "/srv/mine") == ""
    assert box.run("cat", "/home/kay/.ssh/authorized_keys") == KEY


def test_07_21_and_07_25_sudo_comes_and_goes_and_a_broken_rule_never_stands(box: Box) -> None:
    box.shell("mkdir -p /srv/bin && printf '#!/bin/sh\\nexit 1\\n' > /usr/local/sbin/visudo")
    sync(box, user("bob", 2001, sudo=True))
    assert box.run("cat", "/etc/sudoers.d/toque-bob") == "bob ALL=(ALL) NOPASSWD:ALL"
    assert box.run("stat", "-c", "%a", "/etc/sudoers.d/toque-bob") == "440"

    sync(box, user("bob", 2001))
    assert passwd(box, "bob") and box.shell("ls /etc/sudoers.d | grep toque- || true") == ""

    box.shell("chmod 755 /usr/local/sbin/visudo")
    with pytest.raises(AssertionError, match="visudo"):
        sync(box, user("bob", 2001, sudo=True))
    valid = "bob ALL=(ALL) NOPASSWD: /bin/true"
    box.shell(f"printf '%s\\n' '{valid}' > /etc/sudoers.d/toque-bob && chmod 440 /etc/sudoers.d/toque-bob")
    with pytest.raises(AssertionError, match="visudo"):
        sync(box, user("bob", 2001, sudo=True))
    assert box.run("cat", "/etc/sudoers.d/toque-bob") == valid
    box.run("rm", "/etc/sudoers.d/toque-bob")
    box.run("rm", "/usr/local/sbin/visudo")
    assert box.shell("ls /etc/sudoers.d | grep toque- || true") == ""


def test_07_22_without_ssh_the_processes_end_the_account_goes_and_the_home_is_kept(box: Box) -> None:
    sync(box, user("cat", 2002))
    box.shell("echo mine > /home/cat/file; setsid su cat -c 'sleep 600' >/dev/null 2>&1 &")
    box.shell("for n in $(seq 100); do pgrep -u cat sleep && exit; sleep 0.1; done; exit 1")

    sync(box)

    assert passwd(box, "cat") == []
    assert box.shell("pgrep -u 2002 || true") == ""
    assert box.shell("cat /var/lib/toque/removed-homes/cat-*/file") == "mine"
    assert box.run("stat", "-c", "%a", "/var/lib/toque/removed-homes") == "700"
    box.run(
        "mv", box.shell("echo /var/lib/toque/removed-homes/cat-*"), "/var/lib/toque/removed-homes/cat-20200101T000000"
    )
    sync(box)
    assert box.shell("ls /var/lib/toque/removed-homes | grep cat || true") == ""


def test_07_23_another_name_is_the_same_user_with_his_files(box: Box) -> None:
    sync(box, user("dan", 2003, sudo=True))
    box.shell("su dan -c 'echo mine > ~/file'")

    sync(box, user("daniel", 2003))

    assert passwd(box, "dan") == [] and passwd(box, "daniel")[2] == "2003"
    assert box.run("stat", "-c", "%U", "/home/daniel/file") == "daniel"
    assert box.shell("ls -d /home/dan /etc/sudoers.d/toque-dan 2>/dev/null || true") == ""


def test_07_24_and_07_32_accounts_that_are_not_ours_stay_untouched(box: Box) -> None:
    box.shell("useradd --uid 5001 --comment mine eve && useradd --uid 2010 fox")
    before = [passwd(box, name) for name in ("eve", "fox")]

    said = sync(box, user("eve", 2004), user("frank", 2010), user("gil", 2005))

    assert "the account eve was skipped: there is an account of that name already, with the number 5001" in said
    assert "the account frank was skipped: the number 2010 belongs to the account fox" in said
    assert [passwd(box, name) for name in ("eve", "fox")] == before
    assert passwd(box, "gil")
    outcome = json.loads(Path(f"/proc/{box.pid}/root/srv/run/outcome.json").read_text())
    assert [each.partition(" was")[0] for each in outcome["warnings"]] == ["the account eve", "the account frank"]
    sync(box)
    assert [passwd(box, name) for name in ("eve", "fox")] == before
