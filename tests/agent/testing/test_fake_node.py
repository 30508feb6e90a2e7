"""The node in memory: what it is made of, what a run on it tells, and what it says when it cannot go on."""

from __future__ import annotations

import textwrap
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import pytest

import toque
from toque.core.errors import BadData, NotFound, NotLoadable
from toque.core.host import Ran
from toque.testing import FakeNode, Stopped, platforms, programs, teaching
from toque.testing.cookbooks import around
from toque.testing.machine import Unit


@pytest.fixture
def cookbook(tmp_path: Path) -> Callable[..., Callable[..., FakeNode]]:
    """Writes a cookbook `web` and makes a node that can run its recipes: `cookbook(default="…")()`."""

    def make(settings: str = "", /, **recipes: str) -> Callable[..., FakeNode]:
        root = tmp_path / "web"
        (root / "recipes").mkdir(parents=True)
        (root / "cookbook.toml").write_text('[cookbook]\nname = "web"\nversion = "1.0"\n')
        for name, text in recipes.items():
            (root / "recipes" / f"{name}.py").write_text(textwrap.dedent(text))
        if settings:
            (root / "settings.py").write_text(textwrap.dedent(settings))
        return partial(FakeNode, cookbooks=partial(around, root / "tests" / "test_web.py"))

    return make


def motd() -> None:
    toque.file("/etc/motd", content="hello\n", mode="0644")


# What it is made of


@pytest.mark.parametrize("name", platforms.names())
def test_each_recorded_platform_makes_a_node_whose_facts_agree_with_its_os_release(name: str) -> None:
    from toque.core.os_release import family

    node = FakeNode(name)
    seen: dict[str, Any] = {}

    def look() -> None:
        seen.update(name=toque.node.platform.name, family=toque.node.platform.family, cpus=toque.node.cpu.count)

    node.converge(look)

    release = dict(line.split("=", 1) for line in node.file("/etc/os-release").lines)
    identity = release["ID"].strip('"')
    assert seen == {"name": identity, "family": family(identity, release.get("ID_LIKE", "").strip('"')), "cpus": 2}
    assert node.user("root").uid == 0


def test_an_unknown_platform_is_refused_with_those_there_are() -> None:
    with pytest.raises(NotFound, match="did you mean debian-12"):
        FakeNode("debian-2")


def test_facts_can_be_said() -> None:
    seen: list[object] = []
    node = FakeNode(facts={"cpu": {"count": 8}, "memory": {"total_mb": 512}})

    node.converge(lambda: seen.extend([toque.node.cpu.count, toque.node.memory.total_mb]))

    assert seen == [8, 512]


def test_the_stack_around_it_is_what_the_test_says() -> None:
    seen: dict[str, Any] = {}

    def look() -> None:
        seen["web"] = [each.hostname for each in toque.search("node", "layers:web")]
        seen["host"] = toque.data_bag_item("mysql", "main").host
        seen["apps"] = [app.shortname for app in toque.node.apps if app.deploy]
        seen["layers"], seen["port"] = toque.node.layers, toque.node["web"]["port"]
        seen["migrate"] = toque.node.command.args["migrate"]

    FakeNode(
        layers=["web"],
        peers={
            "web2": {"layers": ["web"]},
            "web3": {"layers": ["web"], "status": "stopped"},
            "db1": {"layers": ["db"]},
        },
        apps=[{"shortname": "shop"}, {"shortname": "blog", "deploy": False}],
        bags={"mysql": {"main": {"host": "db1"}}},
        attributes={"web": {"port": 8080}},
        command={"args": {"migrate": True}},
    ).converge(look)

    assert seen == {
        "web": ["node1", "web2"],
        "host": "db1",
        "apps": ["shop"],
        "layers": ["web"],
        "port": 8080,
        "migrate": True,
    }


@pytest.mark.parametrize("name", platforms.names())
def test_packages_services_and_users_are_kept_on_every_platform(name: str) -> None:
    node = FakeNode(name, packages={"git": "2.0"}, services={"cron": "stopped"})

    def say() -> None:
        toque.package("nginx")
        toque.package("git", present=False)
        toque.service("nginx", running=True, enabled=True)
        toque.service("cron")
        toque.user("alice")

    run = node.converge(say)

    assert node.package("nginx").installed
    assert not node.package("git").installed
    assert node.service("nginx").running
    assert node.user("alice").exists
    assert run.changed
    run.again()


def test_a_package_brings_its_service_its_folders_and_its_account() -> None:
    node = FakeNode()

    node.converge(lambda: toque.package("haproxy"))

    assert node.service("haproxy").running
    assert node.file("/etc/haproxy").kind == "directory"
    assert node.user("haproxy").exists


def test_what_a_package_of_ones_own_brings_can_be_said() -> None:
    node = FakeNode(brings={"shop": {"services": ["shopd"], "files": {"/etc/shop/shop.conf": "port = 80\n"}}})

    node.converge(lambda: toque.package("shop"), lambda: toque.service("shopd", enabled=True))

    assert node.service("shopd").running
    assert node.file("/etc/shop/shop.conf").text == "port = 80\n"


def test_an_archive_has_every_package_unless_the_test_says_which() -> None:
    assert FakeNode().converge(lambda: toque.package("no-such-thing")).changed

    with pytest.raises(Stopped, match="no package is called 'ngix'"):
        FakeNode(archive={"nginx": "1.22"}).converge(lambda: toque.package("ngix"))


def test_packages_services_users_and_files_are_there_from_the_beginning() -> None:
    node = FakeNode(
        packages={"git": "2.39"},
        services={"cron": "stopped", "ssh": Unit(active=True)},
        users={"alice": 1500},
        groups=["ops"],
        files={"/etc/motd": "hello\n"},
    )

    assert node.package("git").version == "2.39"
    assert (node.service("cron").running, node.service("cron").enabled) == (False, True)
    assert (node.service("ssh").running, node.service("ssh").enabled) == (True, False)
    assert (node.user("alice").uid, node.user("alice").home) == (1500, "/home/alice")
    assert node.group("ops").exists
    assert not node.converge(lambda: toque.file("/etc/motd", content="hello\n")).changed


def test_a_machine_without_systemd_keeps_services_by_scripts() -> None:
    node = FakeNode("alpine", services={"sshd": "disabled"})

    node.converge(lambda: toque.service("sshd", enabled=True)).again()

    assert (node.service("sshd").running, node.service("sshd").enabled) == (True, True)


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({"services": {"nginx": "runing"}}, "did you mean running"),
        ({"brings": {"shop": {"service": ["x"]}}}, "did you mean services"),
    ],
    ids=["state", "part"],
)
def test_what_a_node_cannot_be_made_of_is_refused_by_its_name(given: dict[str, Any], said: str) -> None:
    with pytest.raises(ValueError, match=said):
        FakeNode(**given)


def test_a_repository_elsewhere_can_be_had() -> None:
    url = "https://git.test/shop.git"
    node = FakeNode(packages=["git"], repositories={url: {"README": "hello\n"}})

    run = node.converge(lambda: toque.git("/srv/shop", repository=url, revision="main", allow_insecure=True))

    assert node.file("/srv/shop/README").text == "hello\n"
    run.again()


# What it is taught


def test_every_program_beside_the_others_is_taught_without_being_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "lathe.py").write_text(
        "class Lathe:\n    def look(self, argv, host): ...\n    def do(self, argv, host): ...\n"
        "class NeedsMore:\n    def __init__(self, what): ...\n    look = do = Lathe.look\n"
    )
    monkeypatch.setattr(programs, "__path__", [*programs.__path__, str(tmp_path)])

    found = [kind.__name__ for kind in teaching.kinds.__wrapped__()]

    assert {"Apt", "Accounts", "Git", "Lathe", "Pacman", "Posix", "Scripts", "Zypper"} <= set(found)
    assert "NeedsMore" not in found


def test_a_command_that_nobody_taught_says_how_to_teach_it() -> None:
    with pytest.raises(Stopped) as stopped:
        FakeNode().converge(lambda: toque.execute(["make", "install"]))

    assert "teach it: node.answers(['make', 'install'], out=…)" in str(stopped.value)
    assert f"{Path(__file__).name}:" in str(stopped.value)


def test_a_test_teaches_commands_with_patterns_and_the_last_lesson_counts() -> None:
    node = FakeNode()
    node.answers(["make", "*"], code=2, err="no rule")
    node.answers(["make", "install"], does=lambda host: host.add("/usr/bin/shop", b""))

    run = node.converge(lambda: toque.execute(["make", "install"], creates="/usr/bin/shop"))

    assert node.file("/usr/bin/shop").exists
    assert run.ran == ["make install"]
    run.again()
    with pytest.raises(Stopped, match="no rule"):
        node.converge(lambda: toque.execute(["make", "test"]))


def test_a_folder_that_a_fresh_machine_has_not_is_told_with_the_remedy() -> None:
    with pytest.raises(Stopped, match=r'fake_node\(brings=\{"PACKAGE": \{"folders": \[\'/etc/shop\'\]'):
        FakeNode().converge(lambda: toque.file("/etc/shop/shop.conf", content=""))


# What a run tells


def test_a_run_tells_what_was_made_changed_and_taken_away() -> None:
    node = FakeNode(files={"/etc/old": "", "/etc/issue": "a\n"})

    def say() -> None:
        motd()
        toque.file("/etc/issue", content="b\n")
        toque.file("/etc/old", present=False)
        toque.file("/etc/never", content="", only_if=["test", "-e", "/etc/nothing"])

    run = node.converge(say)

    assert run.changed
    assert run.changes == ["file[/etc/motd]", "file[/etc/issue]", "file[/etc/old]"]
    assert run.created("file", "/etc/motd")
    assert run.updated("file", "/etc/issue", "content")
    assert run.removed("file", "/etc/old")
    assert run.skipped("file", "/etc/never")
    assert "-a\n+b" in run.resource("file", "/etc/issue").diff
    assert run.resource("file", "/etc/motd").mode == "0644"


def test_a_resource_that_was_not_declared_is_told_with_those_that_were() -> None:
    run = FakeNode().converge(motd)

    with pytest.raises(AssertionError, match=r"declared no file\[/etc/modt\] \(did you mean file\[/etc/motd\]"):
        run.resource("file", "/etc/modt")


def test_a_run_tells_which_actions_were_taken() -> None:
    node = FakeNode(services={"nginx": "running"})

    def say() -> None:
        web = toque.service("nginx", enabled=True)
        toque.file("/etc/motd", content="a", notify=[web.reload])

    run = node.converge(say)

    assert run.notified("nginx", "reload")
    assert not run.notified("nginx", "restart")
    assert run.actions == ["service[nginx].reload"]


def test_a_run_tells_that_it_asked_for_a_restart() -> None:
    run = FakeNode().converge(lambda: toque.node.request_reboot("a new kernel"))

    assert run.reboot == "a new kernel"


def test_a_try_that_failed_is_repeated_without_waiting() -> None:
    node = FakeNode()
    left = [1, 1, 0]
    node.host.answers[("flaky",)] = lambda host: Ran(code=left.pop(0))

    run = node.converge(lambda: toque.execute(["flaky"], retries=2, retry_delay=3600))

    assert run.resource("execute", "flaky").changed


def test_a_plan_says_what_a_run_does_and_touches_nothing() -> None:
    node = FakeNode()

    plan = node.plan(motd)

    assert plan.created("file", "/etc/motd")
    assert plan.ran == []
    assert not node.file("/etc/motd").exists
    assert node.converge(motd).changes == plan.changes


def test_a_second_run_that_changes_something_fails_with_the_resource_and_its_line() -> None:
    node = FakeNode()
    node.answers(["true-ish"])

    with pytest.raises(AssertionError, match=r"execute\[true-ish\].* at .*test_fake_node\.py:\d+") as failed:
        node.converge(lambda: toque.execute(["true-ish"])).again()

    assert "creates=, unless= or a guard" in str(failed.value)


def test_no_secret_is_in_the_log_or_the_plan() -> None:
    node = FakeNode(secrets=["correct horse"], attributes={"password": "correct horse"})

    run = node.converge(lambda: toque.file("/etc/secret", content=toque.node["password"]))

    assert "correct horse" not in run.plan_text()
    assert node.file("/etc/secret").text == "correct horse"


# Recipes


def test_recipes_run_by_name_in_their_order_with_the_cookbooks_settings(cookbook: Any) -> None:
    node = cookbook(
        """\
        from dataclasses import dataclass
        @dataclass(frozen=True)
        class Settings:
            port: int = 80
        """,
        default="from toque import file, settings\nfile('/etc/port', content=str(settings.port))\n",
        more="from toque import file, include_recipe\ninclude_recipe('web')\nfile('/etc/more', content='')\n",
    )(attributes={"web": {"port": 81}})

    run = node.converge("web::more", "web::default")

    assert run.changes == ["file[/etc/port]", "file[/etc/more]"]
    assert node.file("/etc/port").text == "81"


def test_a_setting_that_does_not_fit_is_told_by_its_name(cookbook: Any) -> None:
    settings = "from dataclasses import dataclass\n@dataclass(frozen=True)\nclass Settings:\n    port: int = 80\n"
    node = cookbook(settings, default="from toque import settings\nsettings.port\n")(attributes={"web": {"prot": 1}})

    with pytest.raises(BadData, match=r"web\.prot: there is no such setting"):
        node.converge("web")


def test_a_recipe_that_does_not_exist_runs_nothing(cookbook: Any) -> None:
    node = cookbook(default="from toque import file\nfile('/etc/a', content='')\n")()

    with pytest.raises(NotLoadable, match="did you mean default"):
        node.converge("web::default", "web::defualt")

    assert not node.file("/etc/a").exists


def test_a_recipe_that_stops_shows_its_line_and_what_was_done_before(cookbook: Any) -> None:
    node = cookbook(default="from toque import file\nfile('/etc/a', content='')\nfile('/etc/b', contnt='')\n")()

    with pytest.raises(Stopped) as stopped:
        node.converge("web")

    assert "default.py:3" in str(stopped.value)
    assert "did you mean content" in str(stopped.value)
    assert stopped.value.run.changes == ["file[/etc/a]"]


def test_a_file_outside_of_a_cookbook_runs_by_its_path(tmp_path: Path) -> None:
    (tmp_path / "site.py").write_text("from toque import file, template\ntemplate('/etc/a', source='a.j2', n=3)\n")
    (tmp_path / "a.j2").write_text("{{ n }}\n")
    node = FakeNode()

    node.converge(tmp_path / "site.py")

    assert node.file("/etc/a").text == "3\n"
    with pytest.raises(NotLoadable, match="there is no file"):
        node.converge(tmp_path / "stie.py")
