"""Releases against a real file system and real git repositories."""

from __future__ import annotations

import shutil
import subprocess
import threading
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from tests.agent.resources.case import Case
from toque.core import CommandFailed, Run, converge
from toque.core.errors import ToqueError
from toque.core.local import LocalHost
from toque.core.world import World
from toque.platforms.release import NothingToRollBackTo
from toque.resources.app_release import AppRelease, HookFailed, Release
from toque.testing.machine import FakeHost


class Origin:
    """A git repository of an app, on disk."""

    def __init__(self, path: Path) -> None:
        self.path = path
        path.mkdir(parents=True)
        self._git("init", "--quiet", "--initial-branch=main")
        self.commit("first", version="1")

    def commit(self, message: str, **files: str) -> str:
        for name, text in files.items():
            target = self.path / name.replace("__", "/")
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_text(text)
        self._git("add", "--all")
        self._git("-c", "user.name=t", "-c", "user.email=t@t", "commit", "--quiet", "--allow-empty", "-m", message)
        return self._git("rev-parse", "HEAD").strip()

    def add(self, path: str, text: str) -> None:
        (self.path / path).parent.mkdir(parents=True, exist_ok=True)
        (self.path / path).write_text(text)
        self.commit(path)

    def _git(self, *words: str) -> str:
        return subprocess.run(["git", "-C", str(self.path), *words], check=True, capture_output=True, text=True).stdout


class Site:
    """An app on this machine below a temporary root, deployed command by command."""

    def __init__(self, root: Path, origin: Origin) -> None:
        self.root, self.origin, self.host = root, origin, LocalHost()
        self.number = 0
        self.attributes: dict[str, Any] = {}
        self.app: dict[str, Any] = {
            "shortname": "shop",
            "app_source": {"type": "git", "url": f"file://{origin.path}", "revision": "main"},
            "environment": {"COLOUR": 'red "and" $blue'},
        }

    def converge(self, **options: Any) -> None:
        self.number += 1
        with Run(self.host) as run:
            run.world = World(levels=[("stack", self.attributes)], allow_insecure_sources=True)
            wanted = AppRelease(self.app, root=str(self.root), command=f"command-{self.number}", **options)
            converge(wanted, self.host)

    @property
    def directory(self) -> Path:
        return self.root / "shop"

    def releases(self) -> list[str]:
        return sorted(each.name for each in (self.directory / "releases").iterdir())

    def live(self) -> str:
        return (self.directory / "current").readlink().name

    def version(self) -> str:
        return (self.directory / "current" / "version").read_text()


@pytest.fixture
def site(tmp_path: Path) -> Iterator[Site]:
    yield Site(tmp_path / "www", Origin(tmp_path / "origin"))


def test_a_deploy_makes_a_release_and_points_current_to_it(site: Site) -> None:
    site.converge()

    assert site.version() == "1"
    assert (site.directory / "current").readlink() == Path("releases") / site.live()
    assert not (site.directory / "current" / ".git").exists()


def test_within_one_command_an_app_is_released_once(site: Site) -> None:
    site.converge()
    with Run(site.host) as run:
        run.world = World()
        again = AppRelease(site.app, root=str(site.root), command="command-1")

        assert converge(again, site.host) is None


def test_05_16_six_deploys_leave_five_releases_and_current_is_the_newest(site: Site) -> None:
    for _ in range(6):
        site.converge()

    assert len(site.releases()) == 5
    assert site.live() == max(site.releases(), key=lambda n: (n.partition("-")[0], int(n.partition("-")[2] or 1)))


def test_05_18_after_six_deploys_four_rollbacks_succeed_and_the_fifth_fails(site: Site) -> None:
    for number in range(6):
        site.origin.commit("next", version=str(number))
        site.converge()

    for expected in ("4", "3", "2", "1"):
        site.converge(to="previous")
        assert site.version() == expected
    with pytest.raises(NothingToRollBackTo, match="There is no release to rollback to!"):
        site.converge(to="previous")
    assert site.version() == "1"


def test_05_19_after_a_rollback_the_newer_release_is_gone_and_a_deploy_goes_on_from_there(site: Site) -> None:
    site.converge()
    site.converge()
    newer = site.live()

    site.converge(to="previous")

    assert newer not in site.releases()
    site.converge()
    assert len(site.releases()) == 2


def test_05_20_a_rollback_runs_no_hook_and_no_migration_and_restarts_the_app(site: Site, tmp_path: Path) -> None:
    trace = tmp_path / "trace"
    site.origin.add("deploy/before_symlink.sh", f"echo hook >> {trace}\n")
    site.attributes["deploy"] = {"shop": {"migrate": True, "migrate_command": f"echo migration >> {trace}"}}
    site.converge()
    site.converge()
    assert trace.read_text().split() == ["migration", "hook"] * 2
    trace.unlink()
    started: list[Release] = []

    site.converge(to="previous", start=started.append)

    assert not trace.exists()
    assert [release.path for release in started] == [str(site.directory / "releases" / site.live())]


def test_05_21_a_rollback_after_a_failed_deploy_goes_to_the_version_before_the_live_one(site: Site) -> None:
    for number in ("1", "2"):
        site.origin.commit("next", version=number)
        site.converge()
    site.origin.add("deploy/before_symlink.py", "raise RuntimeError('no')\n")
    with pytest.raises(HookFailed):
        site.converge()
    assert site.version() == "2"

    site.converge(to="previous")

    assert site.version() == "1"


def test_05_22_a_checkout_error_leaves_current_untouched(site: Site) -> None:
    site.converge()
    before = site.live()
    site.app["app_source"]["url"] = f"file://{site.root}/there-is-nothing-here"

    with pytest.raises(ToqueError, match="there-is-nothing-here"):
        site.converge()

    assert site.live() == before
    assert site.version() == "1"


def test_05_23_hooks_run_in_their_order_and_know_the_release(site: Site, tmp_path: Path) -> None:
    trace = tmp_path / "trace"
    for name in ("after_restart", "before_restart", "before_symlink", "before_migrate"):
        code = f"open({str(trace)!r}, 'a').write({name!r} + ' ' + release_path.rpartition('/')[2] + '\\n')\n"
        site.origin.add(f"deploy/{name}.py", code)

    site.converge(start=lambda release: trace.open("a").write("start\n"))

    words = [line.split() for line in trace.read_text().splitlines()]
    assert [w[0] for w in words] == ["before_migrate", "before_symlink", "before_restart", "start", "after_restart"]
    assert words[0][1] == site.live()


def test_05_23_an_error_in_before_symlink_prevents_the_switch_and_names_its_line(site: Site) -> None:
    site.converge()
    before = site.live()
    site.origin.add("deploy/before_symlink.py", "x = 1\nraise ValueError('kettle')\n")

    with pytest.raises(HookFailed, match=r"before_symlink\.py:2: ValueError: kettle"):
        site.converge()

    assert site.live() == before


def test_05_24_shared_folders_appear_in_the_release_and_data_there_survives(site: Site) -> None:
    site.converge()
    for name in ("log", "tmp/pids", "public/system"):
        (site.directory / "current" / name / "kept").write_text("data")

    site.converge()

    for name in ("log", "tmp/pids", "public/system"):
        assert (site.directory / "current" / name / "kept").read_text() == "data"
    assert (site.directory / "current" / "log").readlink() == Path("../../shared/log")


def test_05_25_an_archive_becomes_a_release_without_git_and_a_plain_tar_is_refused(site: Site, tmp_path: Path) -> None:
    tree = tmp_path / "tree"
    (tree / ".git").mkdir(parents=True)
    (tree / "version").write_text("packed")
    for name, how in (("app.tar.gz", "gztar"), ("app.tar", "tar")):
        shutil.make_archive(str(tmp_path / "app"), how, tree)
        site.app["app_source"] = {"type": "archive", "url": f"file://{tmp_path / name}"}
        if how == "gztar":
            site.converge()
        else:
            with pytest.raises(ToqueError, match="tar"):
                site.converge()

    assert site.version() == "packed"
    assert not (site.directory / "current" / ".git").exists()


def test_05_27_a_source_of_type_other_creates_no_release_and_succeeds(site: Site) -> None:
    site.app["app_source"] = {"type": "other", "url": None}

    site.converge()

    assert site.releases() == []
    assert not (site.directory / "current").exists()


def test_05_32_removing_the_app_removes_everything_and_a_second_time_changes_nothing(site: Site) -> None:
    site.converge()

    site.converge(present=False)
    site.converge(present=False)

    assert not site.directory.exists()


def test_05_38_keep_releases_of_one_app_trims_that_app(site: Site) -> None:
    site.attributes["deploy"] = {"shop": {"keep_releases": 2}}

    for _ in range(4):
        site.converge()

    assert len(site.releases()) == 2


def test_05_17_current_is_never_missing_while_releases_change(site: Site) -> None:
    site.converge()
    looks: list[bool] = []
    over = threading.Event()

    def look() -> None:
        while not over.is_set():
            looks.append((site.directory / "current" / "version").exists())

    watcher = threading.Thread(target=look)
    watcher.start()
    try:
        for _ in range(3):
            site.converge()
        site.converge(to="previous")
    finally:
        over.set()
        watcher.join()

    assert looks and all(looks)


def test_an_unfinished_release_is_removed_by_the_next_deploy_that_succeeds(site: Site) -> None:
    site.converge()
    site.origin.add("deploy/before_migrate.py", "raise RuntimeError('no')\n")
    with pytest.raises(HookFailed):
        site.converge()
    assert len(site.releases()) == 2

    site.origin.add("deploy/before_migrate.py", "pass\n")
    site.converge()

    assert len(site.releases()) == 2
    assert (site.directory / "current" / "deploy" / "before_migrate.py").read_text() == "pass\n"


def test_a_failing_start_leaves_the_new_release_current_unless_the_app_asks_to_go_back(site: Site) -> None:
    def fail(release: Release) -> None:
        if (Path(release.path) / "version").read_text() == "2":
            raise CommandFailed(["start"], site.host.run(["true"]))

    site.converge()
    site.origin.commit("next", version="2")
    with pytest.raises(CommandFailed):
        site.converge(start=fail)
    assert site.version() == "2"

    site.converge(to="previous") if site.version() == "1" else None
    site.attributes["deploy"] = {"shop": {"rollback_on_error": True}}
    site.origin.commit("back", version="1")
    site.converge()
    site.origin.commit("next", version="2")
    with pytest.raises(CommandFailed):
        site.converge(start=fail)
    assert site.version() == "1"


def test_the_environment_file_can_be_read_by_a_shell(site: Site) -> None:
    site.converge()

    shown = subprocess.run(
        ["/bin/sh", "-c", f'. {site.directory}/shared/app.env; printf %s "$COLOUR"'], capture_output=True, text=True
    )

    assert shown.stdout == 'red "and" $blue'
    assert (site.directory / "shared" / "app.env").stat().st_mode & 0o777 == 0o640


def test_a_source_without_an_address_says_what_to_set(site: Site) -> None:
    site.app["app_source"] = {"type": "git", "url": None}

    with pytest.raises(ToqueError, match=r"set AppSource\.Url"):
        site.converge()


def _other(**options: Any) -> AppRelease:
    return AppRelease({"shortname": "shop", "app_source": {"type": "other"}}, command="c-1", **options)


_RECORD = {"/srv/www/shop/.toque-release.json": b'{"command": "c-0", "release": null}'}
_machine: Callable[..., FakeHost] = FakeHost

CASES = [
    Case(want, partial(_machine, files=found)) for want in (_other(), _other(present=False)) for found in ({}, _RECORD)
]
