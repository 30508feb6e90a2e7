"""What a dry run says of lines that depend on lines above them."""

from __future__ import annotations

import io
import json
import os
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from toque import directory, execute, file, git, group, line, link, package, service, user
from toque.core import LocalHost, Ran, ResourceFailed, Run
from toque.core.report import Report
from toque.core.unknown import Unknown
from toque.resources.git import Git
from toque.testing.machine import FakeHost, Node, Unit
from toque.testing.programs.accounts import Accounts
from toque.testing.programs.apt import Apt


def plan(recipe: Callable[[], object], host: FakeHost) -> list[tuple[str, str, str]]:
    """(resource, status, reason) of each line of the report; nothing was done to the machine."""
    lines = io.StringIO()
    with Run(host, dry_run=True, report=Report(lines=lines)):
        recipe()
    assert host.ran == []
    found = [json.loads(line) for line in lines.getvalue().splitlines()]
    return [(f"{each['word']}[{each['name']}]", each["status"], each.get("reason", "")) for each in found]


def statuses(recipe: Callable[[], object], host: FakeHost) -> list[str]:
    return [status for _, status, _ in plan(recipe, host)]


def machine_with_apt(**more: Any) -> FakeHost:
    apt = Apt(archive={"nginx": "1.22", "openssh-server": "9.2"})
    return FakeHost(programs=[apt], paths=["/usr/bin/apt-get"], **more)


def test_a_file_that_the_plan_would_make_is_there_for_later_lines() -> None:
    def recipe() -> None:
        directory("/srv/www/shop", parents=True, mode="0750")
        file("/srv/www/shop/index.html", content="hello\n")
        file("/srv/www/shop/index.html", content="hello\n")
        link("/srv/current", to="/srv/www/shop")
        file("/srv/current/index.html", content="hello\n", mode="0600")
        directory("/srv/www/shop", mode="0750")
        file("/srv/www/shop/index.html", present=False)
        file("/srv/current/index.html", content="hello\n")

    would, right = "would-change", "unchanged"
    assert statuses(recipe, FakeHost()) == [would, would, right, would, would, right, would, would]


def test_a_folder_whose_mode_would_change_keeps_what_is_in_it() -> None:
    def recipe() -> None:
        directory("/etc/shop", mode="0700")
        file("/etc/shop/a", content="x")
        directory("/etc/shop", purge=True, keep=["a"])

    host = FakeHost(files={"/etc/shop": Node("directory", mode=0o755), "/etc/shop/a": "x"})
    assert statuses(recipe, host) == ["would-change", "unchanged", "unchanged"]


def test_a_verified_file_is_known_to_later_lines_though_nobody_verified_it_yet() -> None:
    def recipe() -> None:
        for _ in range(2):
            file("/etc/a", content="x", verify=["check", "{path}"])

    assert statuses(recipe, FakeHost()) == ["would-change", "unchanged"]


def test_lines_that_the_plan_would_put_into_a_file_are_in_it_for_later_lines() -> None:
    def recipe() -> None:
        file("/etc/a", content="first\n")
        line("/etc/a", line="second")
        line("/etc/a", line="second")
        file("/etc/a", content="first\nsecond\n")

    assert statuses(recipe, FakeHost()) == ["would-change", "would-change", "unchanged", "unchanged"]


def test_users_and_groups_that_the_plan_would_make_can_own_files() -> None:
    def recipe() -> None:
        group("web")
        user("deploy", group="web")
        for _ in range(2):
            file("/srv/a", content="x", owner="deploy", group="web")

    assert statuses(recipe, FakeHost(programs=[Accounts()])) == [
        "would-change",
        "would-change",
        "would-change",
        "unchanged",
    ]


def test_the_home_of_a_user_who_would_be_made_is_not_looked_at_but_is_there() -> None:
    def recipe() -> None:
        user("deploy")
        directory("/home/deploy", mode="0750")
        directory("/home/deploy/.ssh", mode="0700")

    assert plan(recipe, FakeHost(programs=[Accounts()]))[1:] == [
        ("directory[/home/deploy]", "unknown", "user[deploy] above would change /home/deploy"),
        ("directory[/home/deploy/.ssh]", "would-change", ""),
    ]


def test_what_is_said_twice_of_one_user_is_not_claimed_twice() -> None:
    def recipe() -> None:
        user("deploy")
        user("deploy", comment="of the shop")

    assert plan(recipe, FakeHost(programs=[Accounts()]))[1] == (
        "user[deploy]",
        "unknown",
        "user[deploy] above would change deploy",
    )


def test_a_service_of_a_package_that_would_be_installed_is_unknown() -> None:
    def recipe() -> None:
        package("nginx")
        service("nginx", enabled=True)

    host = machine_with_apt(units={"cron": Unit()})
    assert plan(recipe, host)[1] == (
        "service[nginx]",
        "unknown",
        "package[nginx] above would change what it is about",
    )


def test_a_service_that_is_called_otherwise_than_its_package_is_unknown_too() -> None:
    def recipe() -> None:
        package("openssh-server")
        service("ssh")

    host = machine_with_apt(units={"cron": Unit()})
    assert plan(recipe, host)[1] == (
        "service[ssh]",
        "unknown",
        "package[openssh-server] above would change first, and may bring the service",
    )


def test_a_service_that_is_here_is_told_whatever_is_installed() -> None:
    def recipe() -> None:
        package("nginx")
        service("cron")

    host = machine_with_apt(units={"cron": Unit()}, files={"/lib/systemd/system/cron.service": ""})
    assert statuses(recipe, host) == ["would-change", "would-change"]


def test_a_service_that_a_line_of_the_plan_defines_is_told() -> None:
    def recipe() -> None:
        package("nginx")
        file("/etc/systemd/system/shop.service", content="[Service]\n")
        service("shop")

    assert statuses(recipe, machine_with_apt(units={"cron": Unit()})) == ["would-change"] * 3


@pytest.mark.parametrize("guard", [["nginx", "-t"], lambda: ["nginx"]], ids=["program", "function"])
def test_a_program_of_a_package_that_would_be_installed_answers_nothing_yet(guard: Any) -> None:
    def recipe() -> None:
        package("nginx")
        execute(["reload"], unless=["nginx", "-t"], only_if=guard)

    host = machine_with_apt(answers={("nginx", "-t"): Ran(code=127)})
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(host, "run", _without_nginx(host))
        assert plan(recipe, host)[1][1:] == (
            "unknown",
            "package[nginx] above would come first, and nginx is not here yet",
        )


def _without_nginx(host: FakeHost) -> Any:
    from toque.core import CommandFailed

    real = host.run

    def run(argv: Any, **options: Any) -> Ran:
        if argv[0] == "nginx":
            raise CommandFailed(argv, Ran(code=127))
        return real(argv, **options)

    return run


def test_what_nobody_knows_before_is_unknown_below_its_path() -> None:
    def recipe() -> None:
        execute(["make", "-C", "/usr/src/tool"], creates="/opt/tool")
        file("/opt/tool/settings", content="x")
        execute(["touch", "/srv/a"], unless=["test", "-e", "/opt/tool/bin"])
        file("/opt/other", content="x")

    said = plan(recipe, FakeHost())
    assert [status for _, status, _ in said] == ["would-change", "unknown", "unknown", "would-change"]
    assert said[1][2] == "execute[make -C /usr/src/tool] above would change /opt/tool/settings"


def test_what_depends_on_an_unknown_line_is_unknown_as_well() -> None:
    def recipe() -> None:
        execute(["make"], creates="/opt/tool")
        file("/opt/tool/a", content="x")
        link("/srv/a", to="/opt/tool/a")
        file("/srv/b", content="x", only_if=["test", "-e", "/opt/tool/a"])

    assert statuses(recipe, FakeHost()) == ["would-change", "unknown", "would-change", "unknown"]


def test_nothing_is_unknown_when_nothing_above_would_change() -> None:
    with (
        pytest.raises(ResourceFailed, match="look ended with exit code 3"),
        Run(FakeHost(answers={("look",): Ran(code=3)}), dry_run=True),
    ):
        file("/etc/a", content="x", only_if=["true"], not_if=lambda: True)
        execute(["x"], unless=["true"])
        execute(["y"], returns=[0], unless=["look"], only_if=_fails)


def _fails() -> bool:
    from toque.core import CommandFailed

    raise CommandFailed(["look"], Ran(code=3))


def test_an_output_that_is_known_only_after_apply_says_so() -> None:
    said: list[str] = []

    def recipe() -> None:
        asked = execute(["date"])
        said.append(f"the date is {asked.out}")
        assert isinstance(asked.out, Unknown)
        file("/etc/date", content=f"{asked.out}\n")
        file("/etc/other", content="x")
        execute(["say", asked.out])

    found = plan(recipe, FakeHost())
    assert said == ["the date is (known after apply)"]
    assert found[1][1:] == (
        "unknown",
        "execute[date].out, execute[date].err, execute[date].exit_code is known after apply",
    )
    assert [status for _, status, _ in found] == ["would-change", "unknown", "would-change", "unknown"]


def test_a_value_that_is_unknown_as_such_is_named_exactly() -> None:
    def recipe() -> None:
        asked = execute(["date"])
        file("/etc/date", content=asked.out)

    assert plan(recipe, FakeHost())[1][2] == "execute[date].out is known after apply"


def test_the_commit_of_a_working_copy_is_known_after_apply() -> None:
    def recipe() -> None:
        copy = git("/srv/shop", repository="https://example.org/shop.git")
        assert (copy.old_sha, str(copy.new_sha)) == (None, "(known after apply)")
        file("/srv/shop/REVISION", content=copy.new_sha)

    assert statuses(recipe, FakeHost()) == ["would-change", "unknown"]


def test_what_an_unknown_line_would_tell_others_is_said_as_a_maybe() -> None:
    log: list[str] = []
    host = FakeHost(units={"nginx": Unit(active=True)})

    with Run(host, dry_run=True, report=Report(say=log.append)) as run:
        execute(["make"], creates="/opt/tool")
        nginx = service("nginx")
        conf = file("/opt/tool/nginx.conf", content="x", notify=[nginx.reload])
        service("nginx", restart_on=[conf])

    assert "service[nginx] might reload: file[/opt/tool/nginx.conf] is unknown" in log
    assert "service[nginx] might restart: file[/opt/tool/nginx.conf] is unknown" in log
    assert run.report.counts["unknown"] == 1
    assert run.report.counts["actions"] == 0


def test_a_user_that_would_be_removed_is_gone_for_later_lines() -> None:
    host = FakeHost(users={"root": 0, "mallory": 1001})

    with Run(host, dry_run=True) as run:
        run.plan and run.plan.account("user", "mallory", present=False)

        assert run.host.uid_of("mallory") is None
        assert run.host.home_of("mallory") is None


def test_what_is_laid_down_only_to_look_is_real_and_gone_afterwards(tmp_path: Path) -> None:
    """A private repository opens in a plan as in a run: with its key in a file, for as long as it is asked."""
    shop, copy = tmp_path / "shop", tmp_path / "copy"
    committed = "git init -qb main && git -c user.name=a -c user.email=a@b commit -qm 1 --allow-empty"
    shop.mkdir()
    subprocess.run(["sh", "-c", f"{committed} && git clone -q {shop} {copy}"], cwd=shop, check=True)
    if os.geteuid() == 0:
        os.chown(shop, 65534, 65534)  # then git has to be told, in a file, that it may be read
        os.chown(shop / ".git", 65534, 65534)
    before = set(Path("/tmp").glob("toque-git-*"))

    with Run(LocalHost(), dry_run=True) as run:
        outcome = run.converge(Git(str(copy), repository=str(shop), revision="main", allow_insecure=True))

    assert outcome.status == "unchanged"
    assert set(Path("/tmp").glob("toque-git-*")) <= before
