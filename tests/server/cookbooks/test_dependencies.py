"""cookbooks.toml and cookbooks.lock at the root of a stack's source: fetched as locked, or refused (S-16, 01-23)."""

from __future__ import annotations

import shutil
import tarfile
from pathlib import Path
from typing import Any

import pytest

from tests.agent.cookbook.deps.place import Place, cookbook, tarball
from tests.fakes.agents import Agent
from tests.fakes.repository import GitServer, Repository
from tests.fakes.web import Page, Web
from tests.server.cookbooks.test_sources import carried_out, digest
from tests.server.http.fleet import Fleet, eventually
from toque_server.cookbooks.address import FetchRefused
from toque_server.cookbooks.dependencies import Dependencies, _with_credentials
from toque_server.domain.command import CommandStatus
from toque_server.domain.source import Source
from toque_server.domain.stack import ChefConfiguration
from toque_server.domain.world import SourceOf
from toque_server.store import cookbooks, logs


@pytest.fixture
def nginx(tmp_path: Path) -> Repository:
    return Repository(
        tmp_path / "nginx", cookbook("nginx", "1.4.0", folder="") | {"files/a": "theirs", "files/b": "theirs"}
    )


@pytest.fixture
def source(tmp_path: Path, nginx: Repository) -> Repository:
    """A stack's repository that needs nginx; locked, and over one file of it lies one of its own."""
    made = Repository(tmp_path / "source", cookbook("shop", "0.1.0", 'nginx = ">=1.2"\n') | {"nginx/files/b": "ours"})
    return locked(made, f'[cookbooks]\nnginx = {{ git = "{nginx.path}" }}\n')


def locked(source: Repository, wants: str) -> Repository:
    place = Place(source.path).wants(wants)
    place.ok("deps", "lock")
    source.commit({})
    return source


def with_stack(fleet: Fleet, source: Repository, *, managed: bool = True) -> Agent:
    fleet.stack(
        "s",
        use_custom_cookbooks=True,
        custom_cookbooks_source=Source(type="git", url=str(source.path)),
        chef_configuration=ChefConfiguration(manage_berkshelf=managed),
    )
    return fleet.instance("s", "web1")


def contents(fleet: Fleet) -> dict[str, Any]:
    with fleet.database.read() as conn:
        return cookbooks.of_stack(conn, "s")[0].bundle.contents


def text(fleet: Fleet, path: str) -> str:
    """A file of the bundle that the stack uses."""
    with tarfile.open(fleet.services.settings.data_dir / "bundles" / str(digest(fleet))) as tar:
        found = tar.extractfile(path)
        assert found is not None
        return found.read().decode()


def failure(fleet: Fleet, agent: Agent) -> str:
    """Order an update that fails, as it must; what its log says."""
    id = fleet.command("web1", "update_custom_cookbooks")
    eventually(lambda: agent.poll().command is None and fleet.stored(id).completed_at is not None)
    assert (fleet.stored(id).status, fleet.stored(id).exit_code) == (CommandStatus.FAILED, 3)
    with fleet.database.read() as conn:
        return b"".join(logs.pieces(conn, id)).decode()


class TestStacks:
    def test_01_23_with_manage_berkshelf_dependencies_are_fetched_and_own_files_lie_over_theirs(
        self,
        fleet: Fleet,
        source: Repository,
    ) -> None:
        agent = with_stack(fleet, source)
        fleet.command("web1", "setup")
        carried_out(agent)

        assert sorted(contents(fleet)) == ["nginx", "shop"]
        assert text(fleet, "nginx/files/a") == "theirs"
        assert text(fleet, "nginx/files/b") == "ours"

    def test_01_23_without_it_the_file_is_ignored(self, fleet: Fleet, source: Repository) -> None:
        source.commit({"cookbooks.toml": "hostile = ["})
        agent = with_stack(fleet, source, managed=False)
        fleet.command("web1", "setup")
        carried_out(agent)

        assert sorted(contents(fleet)) == ["shop"]

    def test_01_23_a_file_of_a_built_in_cookbook_gives_way_to_a_dependency_s_and_to_an_own_one(
        self,
        fleet: Fleet,
        tmp_path: Path,
    ) -> None:
        theirs = cookbook("haproxy", "9.0.0", folder="") | {"templates/one": "theirs", "templates/two": "theirs"}
        dependency = Repository(tmp_path / "haproxy", theirs)
        made = Repository(tmp_path / "source", cookbook("shop") | {"haproxy/templates/two": "ours"})
        locked(made, f'[cookbooks]\nhaproxy = {{ git = "{dependency.path}" }}\n')
        agent = with_stack(fleet, made)
        fleet.command("web1", "setup")
        carried_out(agent)

        merged = contents(fleet)["haproxy"]
        assert merged["version"] == "9.0.0"
        assert text(fleet, "haproxy/templates/one") == "theirs"
        assert text(fleet, "haproxy/templates/two") == "ours"
        assert "settings.py" in merged["files"]

    def test_01_section_6_5_an_update_needs_no_repository_that_was_seen_before(
        self,
        fleet: Fleet,
        source: Repository,
        nginx: Repository,
    ) -> None:
        agent = with_stack(fleet, source)
        fleet.command("web1", "setup")
        first = carried_out(agent)
        shutil.rmtree(nginx.path)
        source.commit({"shop/files/new": "x"})

        fleet.command("web1", "update_custom_cookbooks")

        assert carried_out(agent) != first
        assert sorted(contents(fleet)) == ["nginx", "shop"]

    def test_01_section_6_5_a_new_commit_of_a_dependency_waits_for_a_new_lock(
        self,
        fleet: Fleet,
        source: Repository,
        nginx: Repository,
    ) -> None:
        agent = with_stack(fleet, source)
        fleet.command("web1", "setup")
        carried_out(agent)
        nginx.commit(cookbook("nginx", "1.5.0", folder=""))
        fleet.command("web1", "update_custom_cookbooks")
        carried_out(agent)
        assert contents(fleet)["nginx"]["version"] == "1.4.0"

        Place(source.path).ok("deps", "update")
        source.commit({})
        fleet.command("web1", "update_custom_cookbooks")
        carried_out(agent)

        assert contents(fleet)["nginx"]["version"] == "1.5.0"

    def test_01_section_6_5_a_lock_that_is_missing_or_stale_fails_the_command_with_what_to_run(
        self,
        fleet: Fleet,
        source: Repository,
    ) -> None:
        agent = with_stack(fleet, source)
        fleet.command("web1", "setup")
        before = carried_out(agent)
        source.commit(cookbook("shop", "0.1.0", 'nginx = ">=1.3"\n'))

        said = failure(fleet, agent)
        assert ": cookbooks.lock: is older than cookbooks.toml, or than [requires] of shop" in said
        assert "run `toque cookbook deps lock` in the folder of cookbooks.toml, and commit cookbooks.lock" in said
        (source.path / "cookbooks.lock").unlink()
        source.commit({})
        assert ": cookbooks.lock: is missing: run `toque cookbook deps lock`" in failure(fleet, agent)
        source.commit({"cookbooks.toml": "[cookbooks]\nnginx = { gut = 'x' }\n"})
        assert ": cookbooks.toml:2: nginx from source has no gut" in failure(fleet, agent)
        assert digest(fleet) == before

    def test_01_section_6_5_a_dependency_that_is_not_what_was_locked_fails_the_command(
        self,
        fleet: Fleet,
        source: Repository,
    ) -> None:
        agent = with_stack(fleet, source)
        good = (source.path / "cookbooks.lock").read_text()
        source.commit({"cookbooks.lock": good.replace(good.split('digest = "')[1][:64], "0" * 64)})

        said = failure(fleet, agent)

        assert "is not what was locked" in said
        assert "run `toque cookbook deps update nginx`" in said
        assert digest(fleet) is None


@pytest.fixture
def dependencies(tmp_path: Path) -> Dependencies:
    return Dependencies(tmp_path / "data", {}, lambda _: None, True)


def merged(dependencies: Dependencies, place: Place, into: Path) -> dict[str, Path]:
    found = dependencies.merged(place.root, SourceOf(type="git", url="https://example.org/x"), into)
    assert found is not None
    return found


class TestFetching:
    def test_git_archive_and_a_folder_of_the_repository_arrive_as_the_author_had_them(
        self, dependencies: Dependencies, nginx: Repository, tmp_path: Path
    ) -> None:
        web, server = Web(), GitServer(tmp_path)
        inner = cookbook("redis", "2.1.0", folder="redis-2.1.0") | {"redis-2.1.0/files/ü": "x"}
        web.pages["/redis.tar.gz"] = Page(tarball(inner))
        many = Repository(
            tmp_path / "many", cookbook("base", folder="deep/base") | {"deep/base/files/run": "#!/bin/sh\n"}
        )
        (many.path / "deep/base/files/run").chmod(0o755)
        many.commit({})
        place = Place(tmp_path / "mine").write(cookbook("shop") | cookbook("local", folder="third/local"))
        place.wants(
            "[cookbooks]\n"
            f'nginx = {{ git = "{server.url}/nginx/.git" }}\n'
            f'base = {{ git = "{server.url}/many/.git", path = "deep/base" }}\n'
            f'redis = {{ archive = "{web.url}/redis.tar.gz" }}\n'
            'local = { path = "third/local" }\n'
        )
        try:
            place.ok("deps", "lock")
            found = merged(dependencies, place, tmp_path / "into")
        finally:
            web.close()
            server.close()

        assert sorted(found) == ["base", "local", "nginx", "redis", "shop"]
        assert (found["base"] / "files/run").stat().st_mode & 0o777 == 0o755
        place.ok("deps", "vendor", "vendor", "--offline")
        for name in ("base", "local", "nginx", "redis"):
            theirs = {p.relative_to(found[name]) for p in found[name].rglob("*")}
            assert theirs == {
                p.relative_to(place.root / "vendor" / name) for p in (place.root / "vendor" / name).rglob("*")
            }

    def test_a_locked_commit_that_only_a_tag_leads_to_is_fetched_from_an_old_server_too(
        self, dependencies: Dependencies, nginx: Repository, tmp_path: Path
    ) -> None:
        rev = nginx.git("rev-parse", "HEAD")
        nginx.commit({})
        nginx.git("tag", "after")
        nginx.git("checkout", "--quiet", "--orphan", "another")
        nginx.commit({"another": ""})
        nginx.git("branch", "-D", "main")
        server = GitServer(tmp_path, old=True)
        place = Place(tmp_path / "mine").write(cookbook("shop"))
        place.wants(f'[cookbooks]\nnginx = {{ git = "{server.url}/nginx/.git", rev = "{rev}" }}\n')
        try:
            place.ok("deps", "lock")
            found = merged(dependencies, place, tmp_path / "into")
        finally:
            server.close()

        assert sorted(found) == ["nginx", "shop"]

    @pytest.mark.parametrize("path", ["../beside/nginx", "shop/../../beside/nginx"])
    def test_S22_a_folder_outside_the_repository_is_refused(
        self, dependencies: Dependencies, tmp_path: Path, path: str
    ) -> None:
        Place(tmp_path / "beside").write(cookbook("nginx"))
        place = Place(tmp_path / "mine").write(cookbook("shop")).wants(f'[cookbooks]\nnginx = {{ path = "{path}" }}\n')
        place.ok("deps", "lock")

        with pytest.raises(FetchRefused, match="is outside the repository: give git or archive"):
            merged(dependencies, place, tmp_path / "into")

    def test_S22_a_link_in_the_repository_that_leads_out_is_refused(
        self, dependencies: Dependencies, tmp_path: Path
    ) -> None:
        Place(tmp_path / "beside").write(cookbook("nginx"))
        place = Place(tmp_path / "mine").write(cookbook("shop") | cookbook("nginx", folder="third/nginx"))
        place.wants('[cookbooks]\nnginx = { path = "third/nginx" }\n').ok("deps", "lock")
        shutil.rmtree(place.root / "third/nginx")
        (place.root / "third/nginx").symlink_to(tmp_path / "beside/nginx")

        with pytest.raises(FetchRefused, match="no folder third/nginx"):
            merged(dependencies, place, tmp_path / "into")
        (place.root / "cookbooks.lock").rename(tmp_path / "lock")
        (place.root / "cookbooks.lock").symlink_to(tmp_path / "lock")
        with pytest.raises(FetchRefused, match=r"cookbooks\.lock is a link"):
            merged(dependencies, place, tmp_path / "other")

    @pytest.mark.parametrize("scheme", ["file://", ""], ids=["file", "folder"])
    def test_S19_what_an_installation_does_not_fetch_from_a_lock_does_not_either(
        self, nginx: Repository, tmp_path: Path, scheme: str
    ) -> None:
        place = Place(tmp_path / "mine").write(cookbook("shop"))
        place.wants(f'[cookbooks]\nnginx = {{ git = "{scheme}{nginx.path}" }}\n').ok("deps", "lock")
        strict = Dependencies(tmp_path / "data", {}, lambda _: None, False)

        with pytest.raises(FetchRefused, match=r"nginx 1\.4\.0 of cookbooks\.lock: .*allow_insecure_sources"):
            merged(strict, place, tmp_path / "into")

    @pytest.mark.parametrize(
        ("url", "known"),
        [
            ("https://git.example.org/other", True),
            ("https://git.example.org:443/other", True),
            ("https://git.example.org:8443/other", False),
            ("https://evil.example.org/other", False),
            ("http://git.example.org/other", False),
            ("ssh://git.example.org/other", False),
            ("deploy@git.example.org:other", False),
        ],
        ids=lambda value: str(value),
    )
    def test_S20_credentials_of_the_source_go_to_its_own_host_only(self, url: str, known: bool) -> None:
        source = SourceOf(type="git", url="https://git.example.org/mine", username="u", password="secret")

        got = _with_credentials(SourceOf(type="git", url=url, revision="0" * 40), source)

        assert (got.password == "secret") == known
        assert got.revision == "0" * 40
