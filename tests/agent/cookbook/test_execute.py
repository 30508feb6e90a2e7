from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from textwrap import dedent
from typing import Any

import pytest

from toque.cookbook.execute import apply_file, execute_run


class RunDirectory:
    """A run directory as the agent makes it."""

    def __init__(self, root: Path) -> None:
        self.path = root / "runs" / "c-1"
        self.out = root / "out"
        for each in (self.path / "cookbooks/builtin", self.path / "cookbooks/custom", self.out):
            each.mkdir(parents=True)

    def cookbook(self, name: str, kind: str = "custom", *, toml: str = "", **recipes: str) -> Path:
        root = self.path / "cookbooks" / kind / name
        (root / "recipes").mkdir(parents=True)
        (root / "cookbook.toml").write_text(f'[cookbook]\nname = "{name}"\n{toml}')
        for recipe, text in recipes.items():
            (root / "recipes" / f"{recipe}.py").write_text(dedent(text).replace("OUT", str(self.out)))
        return root

    def execute(
        self,
        custom: list[str],
        *,
        system: list[str] | None = None,
        then: Sequence[dict[str, Any]] = (),
        **snapshot: Any,
    ) -> int:
        steps = [{"phase": "system", "recipes": system}] if system is not None else []
        steps += [{"phase": "custom", "recipes": custom}, *then]
        (self.path / "steps.json").write_text(json.dumps(steps))
        (self.path / "snapshot.json").write_text(json.dumps({"bags": {}, "levels": [], "self": {}, **snapshot}))
        return execute_run(self.path)

    def outcome(self) -> dict[str, Any]:
        found: dict[str, Any] = json.loads((self.path / "outcome.json").read_text())
        return found

    def report(self) -> list[dict[str, Any]]:
        return [json.loads(line) for line in (self.path / "report.jsonl").read_text().splitlines()]


@pytest.fixture
def run(tmp_path: Path) -> RunDirectory:
    return RunDirectory(tmp_path)


def test_a_run_list_runs_in_order_and_each_recipe_once(run: RunDirectory, capsys: Any) -> None:
    run.cookbook("web", default="print('default')\n", other="print('other')\n")

    assert run.execute(["web::other", "web", "web::default", "web::other"]) == 0

    out = capsys.readouterr().out
    assert out.splitlines()[:4] == ["recipe web::other", "other", "recipe web::default", "default"]
    assert out.count("recipe ") == 2


def test_resources_are_reported_with_recipe_and_line(run: RunDirectory) -> None:
    run.cookbook("web", default="from toque import file\n\nfile('OUT/a', content='x')\n")

    assert run.execute(["web"]) == 0

    (line,) = run.report()
    assert (line["recipe"], line["status"]) == ("web::default", "changed")
    assert line["source"].endswith("web/recipes/default.py:3")
    assert run.outcome()["resources"] == {"unchanged": 0, "changed": 1, "failed": 0, "ignored": 0}
    assert (run.path / "report.jsonl").stat().st_mode & 0o777 == 0o600


def test_a_failing_resource_points_at_the_authors_line(run: RunDirectory, capsys: Any) -> None:
    run.cookbook(
        "web",
        default="""\
        from toque import execute, file

        file("OUT/a", content="x")
        execute(["sh", "-c", "echo this is why >&2; exit 3"])
        file("OUT/b", content="x")
        """,
    )

    assert run.execute(["web"]) == 1

    page, last, summary = capsys.readouterr().out.split("\n", 6)[-1].rpartition("2 resources")
    summary = last + summary
    assert page == dedent("""\
        execute[sh -c 'echo this is why >&2; exit 3'] failed
        cookbooks/custom/web/recipes/default.py:4
             3 | file("OUT/a", content="x")
        >    4 | execute(["sh", "-c", "echo this is why >&2; exit 3"])
             5 | file("OUT/b", content="x")
          sh -c 'echo this is why >&2; exit 3' ended with exit code 3
          sh said: this is why
        1 resource before it is in place; the run stopped here
        """).replace("OUT", str(run.out))
    assert summary.startswith("2 resources: 1 changed, 0 unchanged, 1 failed, in ")
    assert not (run.out / "b").exists()


def test_a_name_that_is_not_there_is_shown_with_the_nearest(run: RunDirectory, capsys: Any) -> None:
    run.cookbook("web", default="from toque import file\n\nconf = 1\nprint(confg)\n")

    assert run.execute(["web"]) == 1

    out = capsys.readouterr().out
    assert "recipe web::default failed\ncookbooks/custom/web/recipes/default.py:4\n" in out
    assert "name 'confg' is not defined (did you mean conf?)" in out


def test_a_syntax_error_is_found_before_anything_is_changed(run: RunDirectory, capsys: Any) -> None:
    run.cookbook(
        "web", default="from toque import file\nfile('OUT/a', content='x')\n", broken="x = 1\nif x\n    pass\n"
    )

    assert run.execute(["web", "web::broken"]) == 2

    assert "cookbooks/custom/web/recipes/broken.py:2" in capsys.readouterr().out
    assert not (run.out / "a").exists()


@pytest.mark.parametrize(
    ("recipe", "says"),
    [
        ("wbe", r"there is no cookbook wbe (did you mean web?)"),
        ("web::setpu", "there is no recipe web::setpu: cookbook web has no recipe setpu (did you mean setup?)"),
        ("web::../../etc", "is no name of a recipe"),
        ("Web", "is no name of a recipe"),
    ],
)
def test_a_recipe_that_does_not_exist_is_exit_code_2(run: RunDirectory, capsys: Any, recipe: str, says: str) -> None:
    run.cookbook("web", setup="")

    assert run.execute([recipe]) == 2
    assert says in capsys.readouterr().out
    assert says in run.outcome()["reason"]


def test_a_module_that_cannot_be_imported_is_exit_code_2(run: RunDirectory, capsys: Any) -> None:
    run.cookbook("web", default="from toque import fil\n")

    assert run.execute(["web"]) == 2
    assert ">    1 | from toque import fil" in capsys.readouterr().out


def test_02_13_a_failed_system_phase_skips_the_custom_one(run: RunDirectory) -> None:
    run.cookbook("toque", "builtin", setup="raise RuntimeError('no')\n")
    run.cookbook("web", default="open('OUT/a', 'w')\n")

    assert run.execute(["web"], system=["toque::setup"]) == 5
    assert not (run.out / "a").exists()


def test_03_6_and_04_4_a_failing_deploy_recipe_fails_the_setup_that_it_is_a_part_of(run: RunDirectory) -> None:
    run.cookbook("toque", "builtin", setup="", deploy="open('OUT/deployed', 'w')\n", cleanup="")
    run.cookbook("web", default="", warm_up="raise RuntimeError('cold')\n")
    rest = [
        {"phase": "system", "recipes": ["toque::deploy"]},
        {"phase": "custom", "recipes": ["web::warm_up"]},
        CLEANUP,
    ]

    # What a Setup that ends so means to its instance: test_03_5_a_failing_setup_gives_setup_failed_… of reconcile.
    assert run.execute(["web"], system=["toque::setup"], then=rest) == 1

    assert run.outcome()["reason"] == "recipe web::warm_up failed"
    assert (run.out / "deployed").exists()


CLEANUP = {"phase": "system", "recipes": ["toque::cleanup"]}


@pytest.mark.parametrize(
    ("setup", "web", "code", "reason"),
    [
        ("", "", 0, ""),
        ("raise RuntimeError('no')\n", "", 5, "recipe toque::setup failed"),
        ("", "raise RuntimeError('no')\n", 1, "recipe web::default failed"),
        ("", "from toque import fil\n", 2, "cannot import name 'fil'"),
    ],
)
def test_04_E7_clean_up_runs_last_also_where_a_step_before_it_failed(
    run: RunDirectory, capsys: Any, setup: str, web: str, code: int, reason: str
) -> None:
    run.cookbook("toque", "builtin", setup=setup, cleanup="print('cleaned up')\n")
    run.cookbook("web", default=web, after="print('after')\n")

    assert run.execute(["web", "web::after"], system=["toque::setup"], then=[CLEANUP]) == code

    out = capsys.readouterr().out
    assert out.splitlines()[-2] == "cleaned up"
    assert ("after" in out.splitlines()) == (code == 0)
    assert run.outcome()["exit_code"] == code
    assert run.outcome()["reason"].startswith(reason)


def test_a_failing_clean_up_does_not_hide_what_failed_first(run: RunDirectory) -> None:
    run.cookbook("toque", "builtin", cleanup="raise RuntimeError('and this too')\n")
    run.cookbook("web", default="raise RuntimeError('no')\n", fine="")

    assert run.execute(["web"], then=[CLEANUP]) == 1
    assert run.outcome()["reason"] == "recipe web::default failed"
    assert run.execute(["web::fine"], then=[CLEANUP]) == 5


def test_the_clean_up_of_a_failed_run_delivers_nothing_that_the_run_put_off(run: RunDirectory) -> None:
    run.cookbook("toque", "builtin", cleanup="")
    run.cookbook(
        "web",
        default="""\
        from toque import execute, file
        told = execute(["sh", "-c", "echo told >> OUT/told"], when_told=True)
        file("OUT/a", content="x", notify=[told.run])
        if not __import__("os").path.exists("OUT/mended"):
            raise RuntimeError
        """,
    )

    assert run.execute(["web"], then=[CLEANUP]) == 1
    assert not (run.out / "told").exists()
    (run.out / "mended").touch()
    assert run.execute(["web"], then=[CLEANUP]) == 0
    assert (run.out / "told").read_text() == "told\n"


def test_the_log_sums_up_once_for_the_whole_run(run: RunDirectory, capsys: Any) -> None:
    run.cookbook("toque", "builtin", setup="from toque import file\nfile('OUT/a', content='x')\n", cleanup="")
    run.cookbook("web", default="from toque import file\nfile('OUT/b', content='x')\nfile('OUT/a', content='x')\n")

    assert run.execute(["web"], system=["toque::setup"], then=[CLEANUP]) == 0

    out = capsys.readouterr().out.splitlines()
    assert [line for line in out if "unchanged" in line] == out[-1:]
    assert out[-1].startswith("3 resources: 2 changed, 1 unchanged, in ")


COMMAND = {
    "aws_opsworks_command": {"c-1": {"id": "c-1", "type": "update_dependencies", "args": {"allow_reboot": True}}}
}


def test_a_recipe_reads_its_command_and_asks_for_a_reboot(run: RunDirectory, capsys: Any) -> None:
    run.cookbook(
        "web",
        default="""\
        from toque import node
        if node.command.args.get("allow_reboot"):
            node.request_reboot("a new kernel")
            node.request_reboot("and so on")
        """,
    )

    assert run.execute(["web"], bags=COMMAND) == 0

    assert run.outcome()["reboot"] is True
    assert "the agent reboots the machine: a new kernel" in capsys.readouterr().out


def test_a_run_that_fails_after_it_asked_for_a_reboot_gets_none(run: RunDirectory, capsys: Any) -> None:
    run.cookbook("web", default="from toque import node\nnode.request_reboot('x')\nraise RuntimeError\n")

    assert run.execute(["web"]) == 1

    assert "reboot" not in run.outcome()
    assert "no reboot, as the run failed" in capsys.readouterr().out


def test_a_dry_run_says_that_it_would_ask_for_a_reboot(run: RunDirectory, capsys: Any) -> None:
    run.cookbook("web", default="from toque import node\nnode.request_reboot('a new kernel')\n")
    (run.path / "steps.json").write_text(json.dumps([{"phase": "custom", "recipes": ["web"]}]))
    (run.path / "snapshot.json").write_text("{}")

    assert execute_run(run.path, dry_run=True) == 0

    assert "would ask for a reboot: a new kernel" in capsys.readouterr().out
    assert "reboot" not in run.outcome()


def test_the_system_phase_does_not_see_the_users_cookbooks(run: RunDirectory) -> None:
    run.cookbook("toque", "builtin", setup="open('OUT/ours', 'w')\n")
    run.cookbook("toque", "custom", setup="open('OUT/theirs', 'w')\n")

    assert run.execute([], system=["toque::setup"]) == 0
    assert [p.name for p in run.out.iterdir()] == ["ours"]


@pytest.mark.parametrize(
    "bad", [{"levels": [["stack"]]}, {"levels": [["stack", {"opsworks": {"data_bags": {"aws_opsworks_app": {}}}}]]}]
)
def test_bad_data_is_exit_code_4(run: RunDirectory, bad: dict[str, Any]) -> None:
    run.cookbook("web", default="")

    assert run.execute(["web"], **bad) == 4


def test_settings_are_defaults_with_attributes_over_them(run: RunDirectory, capsys: Any) -> None:
    root = run.cookbook(
        "my-web", default="from toque import settings\nprint(settings.port, settings.tls.on, settings.hosts)\n"
    )
    (root / "settings.py").write_text(
        dedent("""\
        from dataclasses import dataclass, field

        @dataclass(frozen=True)
        class Tls:
            on: bool = False
            port: int = 443

        @dataclass(frozen=True)
        class Settings:
            port: int = 80
            tls: Tls = Tls()
            hosts: tuple[str, ...] = ("a",)
        """)
    )

    levels = [
        ["stack", {"my-web": {"port": 81, "hosts": ["b", "c"]}}],
        ["app", {"my-web": {"port": 82, "tls": {"on": True}}}],
    ]
    assert run.execute(["my-web"], levels=levels) == 0
    assert "82 True ('b', 'c')" in capsys.readouterr().out

    assert run.execute(["my-web"], levels=[["stack", {"my-web": {"port": "81"}}]]) == 4
    assert "my-web.port: must be a whole number; got text '81'" in capsys.readouterr().out

    assert run.execute(["my-web"], levels=[["stack", {"my-web": {"prot": 81}}]]) == 4
    assert "my-web.prot: there is no such setting (did you mean port?)" in capsys.readouterr().out


NUMBER = """\
from dataclasses import dataclass

@dataclass(frozen=True)
class Settings:
    port: int = 80
    hosts: tuple[str, ...] = ("a",)
"""


@pytest.mark.parametrize("wrong", ["web", "base", "deep"])
def test_settings_are_judged_before_the_first_recipe_of_the_phase_runs(
    run: RunDirectory, capsys: Any, wrong: str
) -> None:
    run.cookbook("first", default="open('OUT/ran', 'w')\n")
    for name, needs in (("web", "base"), ("base", "deep"), ("deep", "elsewhere")):
        root = run.cookbook(name, toml=f'[requires]\n{needs} = "*"\n', default="")
        (root / "settings.py").write_text(NUMBER)

    assert run.execute(["first", "web"], levels=[["stack", {wrong: {"port": "81"}}]]) == 4

    assert f"{wrong}.port: must be a whole number; got text '81'" in capsys.readouterr().out
    assert not (run.out / "ran").exists()
    assert run.execute(["first"], levels=[["stack", {wrong: {"port": "81"}}]]) == 0


def test_a_level_may_append_to_what_a_cookbook_has_by_default(run: RunDirectory, capsys: Any) -> None:
    root = run.cookbook(
        "web", default="from toque import node, settings\nprint(settings.hosts, node['web']['hosts'])\n"
    )
    (root / "settings.py").write_text(NUMBER)
    levels = [["stack", {"web": {"hosts": {"$append": ["b"]}}}], ["app", {"web": {"hosts": {"$append": ["c"]}}}]]

    assert run.execute(["web"], levels=levels) == 0
    assert "('a', 'b', 'c') ('b', 'c')" in capsys.readouterr().out


def test_recipes_include_others_and_import_from_cookbooks(run: RunDirectory, capsys: Any) -> None:
    run.cookbook("base-x", default="print('base')\n")
    root = run.cookbook(
        "web",
        default="""\
        from cookbooks.web.lib import hello
        from cookbooks.base_x import shout
        from toque import include_recipe

        include_recipe("base-x")
        include_recipe("base-x::default")
        hello(shout)
        """,
    )
    (root / "lib.py").write_text("def hello(say): print(say('hello'))\n")
    (root.parent / "base-x" / "__init__.py").write_text("def shout(text): return text.upper()\n")

    assert run.execute(["web"]) == 0
    assert capsys.readouterr().out.splitlines()[1:3] == ["base", "HELLO"]
    assert not list(run.path.rglob("__pycache__"))


def test_a_cookbook_for_another_platform_is_refused(run: RunDirectory, capsys: Any) -> None:
    run.cookbook("web", toml='platforms = ["plan9"]\n', default="")

    assert run.execute(["web"]) == 2
    assert "cookbook web is for plan9; this is" in capsys.readouterr().out


def test_S14_what_the_server_marks_as_secret_is_hidden_in_what_a_recipe_prints(run: RunDirectory, capsys: Any) -> None:
    bags = {"mysql": {"main": {"password": "correct-horse"}}}
    run.cookbook(
        "web",
        default="""\
        from toque import data_bag_item, file
        item = data_bag_item("mysql", "main")
        print("the password is", item.password)
        print(repr(item))
        file("OUT/a", content=f"password {item.password}\\n")
        raise RuntimeError(f"cannot log in with {item.password}")
        """,
    )

    assert run.execute(["web"], bags=bags, masked=["correct-horse"]) == 1

    assert "correct-horse" not in capsys.readouterr().out + (run.path / "report.jsonl").read_text()
    assert "correct-horse" not in (run.path / "outcome.json").read_text()
    assert (run.out / "a").read_text() == "password correct-horse\n"


def test_a_notification_of_a_custom_recipe_survives_a_later_run_whose_system_phase_is_fine(run: RunDirectory) -> None:
    run.cookbook("toque", "builtin", setup="")
    run.cookbook(
        "web",
        default="""\
        from toque import execute, file
        told = execute(["sh", "-c", "echo told >> OUT/told"], when_told=True)
        file("OUT/a", content="x", notify=[told.run])
        raise RuntimeError
        """,
        later="",
    )

    assert run.execute(["web"], system=["toque::setup"]) == 1
    assert run.execute(["web::later"], system=["toque::setup"]) == 0

    assert (run.out / "told").read_text() == "told\n"


def test_07_24_warnings_of_the_system_are_told_and_those_of_users_recipes_are_not(run: RunDirectory) -> None:
    warns = "from toque import log\nfor n in (1, 1, 2):\n    log(f'the token s3cret-s3cret {n}', level='warning')\n"
    run.cookbook("toque", "builtin", users=warns, cleanup="from toque import log\nlog('last', level='warning')\n")
    run.cookbook("web", default="from toque import log\nlog('mine', level='warning')\n")

    cleanup = {"phase": "system", "recipes": ["toque::cleanup"]}
    assert run.execute(["web"], system=["toque::users"], then=[cleanup], masked=["s3cret-s3cret"]) == 0

    assert run.outcome()["warnings"] == ["the token *** 1", "the token *** 2", "last"]


@pytest.mark.parametrize("ends", ["", "raise RuntimeError('no')"], ids=["well", "badly"])
def test_a_function_of_a_recipe_hears_how_the_run_ended(run: RunDirectory, capsys: Any, ends: str) -> None:
    run.cookbook(
        "web",
        default=f"""\
        from toque import file, on_event
        on_event("run.finished", lambda event: print("ended", event.exit_code, event.counts["changed"], event.reason))
        on_event("run.finished", lambda event: 1 / 0)
        file("OUT/a", content="x")
        {ends}
        """,
    )

    assert run.execute(["web"]) == (1 if ends else 0)

    out = capsys.readouterr().out
    assert f"ended {1 if ends else 0} 1 {'recipe web::default failed' if ends else ''}" in out
    assert "warning: <lambda> failed at run.finished: ZeroDivisionError" in out
    assert run.outcome()["warnings"] == []


def test_a_run_of_the_agent_tells_drift_from_what_was_intended(run: RunDirectory, capsys: Any) -> None:
    run.cookbook("web", default="from toque import file\nfile('OUT/a', content='x')\nfile('OUT/b', content='x')\n")

    assert run.execute(["web"]) == 0
    assert run.outcome()["causes"] == {"drift_corrected": 0, "intended": 2, "flapping": 0}
    (run.out / "a").write_text("y")
    assert run.execute(["web"]) == 0
    assert run.outcome()["causes"] == {"drift_corrected": 1, "intended": 0, "flapping": 0}
    for content in "yz":
        (run.out / "a").write_text(content)
        assert run.execute(["web"]) == 0
    assert run.outcome()["flapping"] == [f"file[{run.out}/a]"]
    assert run.execute(["web"]) == 0
    assert (run.outcome()["flapping"], run.outcome()["settled"]) == ([], [f"file[{run.out}/a]"])
    assert "a] changed: content (drift corrected)" in capsys.readouterr().out


def test_a_run_tells_no_more_warnings_than_fit_into_its_ledger(run: RunDirectory) -> None:
    many = "from toque import log\nfor n in range(50):\n    log(f'{n}' + '\U0001f9d1' * 1000, level='warning')\n"
    run.cookbook("toque", "builtin", users=many)

    assert run.execute([], system=["toque::users"]) == 0

    warnings = run.outcome()["warnings"]
    assert len(warnings) == 8
    assert all(len(each) == 250 and each.endswith("…") for each in warnings)


def test_a_file_is_applied_without_server_or_cookbook(tmp_path: Path, monkeypatch: Any, capsys: Any) -> None:
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
    (tmp_path / "motd.j2").write_text("hello {{ name }}\n")
    recipe = tmp_path / "recipe.py"
    recipe.write_text(
        f"from toque import node, template\ntemplate('{tmp_path}/motd', source='motd.j2', name=node.name)\n"
    )

    assert apply_file(recipe, dry_run=True, attributes={"name": "you"}) == 10
    assert not (tmp_path / "motd").exists()
    assert apply_file(recipe, dry_run=False, attributes={"name": "you"}) == 0
    assert apply_file(recipe, dry_run=True, attributes={"name": "you"}) == 0

    assert (tmp_path / "motd").read_text() == "hello you\n"
    assert "1 resource: 0 would change, 1 unchanged" in capsys.readouterr().out


def test_a_recipe_of_a_cookbook_is_found_from_the_folder_it_is_worked_on(tmp_path: Path, monkeypatch: Any) -> None:
    run = RunDirectory(tmp_path)
    root = run.cookbook("web", default="from cookbooks.web.lib import x\nassert x == 1\n")
    (root / "lib.py").write_text("x = 1\n")
    monkeypatch.chdir(root.parent)

    assert apply_file("web::default", dry_run=True) == 0
    assert apply_file(root / "recipes/default.py", dry_run=True) == 0
    assert apply_file("web::nothing", dry_run=True) == 2
    assert apply_file(Path("nowhere.py"), dry_run=True) == 2
