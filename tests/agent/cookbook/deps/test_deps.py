"""Dependencies as an author uses them: real repositories, a real web server, the real command line."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

import toque
from tests.agent.cookbook.deps.place import Place, cookbook, tarball
from tests.fakes.repository import GitServer, Repository
from tests.fakes.web import Page, Web


@pytest.fixture
def web() -> Iterator[Web]:
    served = Web()
    yield served
    served.close()


@pytest.fixture
def nginx(tmp_path: Path) -> Repository:
    """nginx 1.4.0 at its root, at the tag v1.4.0 and at the branch main."""
    made = Repository(tmp_path / "nginx", cookbook("nginx", "1.4.0", folder=""))
    made.git("tag", "-a", "-m", "x", "v1.4.0")
    return made


@pytest.fixture
def place(tmp_path: Path) -> Place:
    return Place(tmp_path / "mine").write(cookbook("shop", "0.1.0", 'nginx = ">=1.2"\n'))


def moved(repository: Repository, version: str) -> str:
    return repository.commit(cookbook("nginx", version, folder=""), version)


def wanting(place: Place, repository: Repository, more: str = 'branch = "main"') -> Place:
    return place.wants(f'[cookbooks]\nnginx = {{ git = "{repository.path}", {more} }}\n')


def test_a_git_dependency_is_locked_to_a_commit_and_to_the_digest_of_its_files(place: Place, nginx: Repository) -> None:
    wanting(place, nginx, 'tag = "v1.4.0"').ok("deps", "lock")

    assert f'commit = "{nginx.git("rev-parse", "v1.4.0^{commit}")}"' in place.lock
    assert 'version = "1.4.0"' in place.lock
    place.ok("deps", "vendor", "vendor")
    assert (place.root / "vendor/nginx/recipes/default.py").read_text().endswith("log('nginx 1.4.0')\n")


def test_the_same_lock_is_the_same_bytes_in_another_folder_and_another_order(
    place: Place, nginx: Repository, tmp_path: Path
) -> None:
    base = Repository(tmp_path / "many", {**cookbook("base"), **cookbook("other")})
    lines = [f'nginx = {{ git = "{nginx.path}" }}\n', f'base = {{ git = "{base.path}" }}\n']
    place.wants("[cookbooks]\n" + "".join(lines)).ok("deps", "lock")
    again = Place(tmp_path / "again").write(cookbook("shop", "0.1.0", 'nginx = ">=1.2"\n'))
    again.wants("# other words\n[cookbooks]\n" + "".join(reversed(lines))).ok("deps", "lock")

    assert place.lock == again.lock


@pytest.mark.parametrize("more", ['branch = "main"', 'tag = "v1.4.0"', "", "rev"], ids=["branch", "tag", "head", "rev"])
def test_lock_keeps_what_is_locked_and_update_takes_the_newest(place: Place, nginx: Repository, more: str) -> None:
    more = f'rev = "{nginx.git("rev-parse", "HEAD")}"' if more == "rev" else more
    wanting(place, nginx, more or 'version = "*"').ok("deps", "lock")
    before = place.lock
    moved(nginx, "1.5.0")

    place.ok("deps", "lock")
    assert place.lock == before
    place.ok("deps", "update", "nginx")
    assert ('version = "1.5.0"' in place.lock) == (more in ("", 'branch = "main"'))


def test_a_locked_commit_that_no_longer_satisfies_gives_way_to_the_newest(place: Place, nginx: Repository) -> None:
    wanting(place, nginx).ok("deps", "lock")
    moved(nginx, "1.5.0")

    place.write(cookbook("shop", "0.1.0", 'nginx = ">=1.5"\n')).ok("deps", "lock")

    assert 'version = "1.5.0"' in place.lock


def test_answers_come_as_json_too_and_an_update_says_what_it_changed(place: Place, nginx: Repository) -> None:
    wanting(place, nginx)
    [locked] = json.loads(place.ok("deps", "lock", "--output", "json").stdout)["Cookbooks"]
    assert (locked["Name"], locked["Version"], len(locked["Digest"])) == ("nginx", "1.4.0", 64)
    tree = json.loads(place.ok("deps", "tree", "--output", "json").stdout)
    assert tree["Roots"] == ["shop"]
    assert tree["Cookbooks"][1] == {"Name": "shop", "Version": "0.1.0", "Requires": {"nginx": ">=1.2"}}
    why = json.loads(place.ok("deps", "why", "nginx", "--output", "json").stdout)
    assert why["Chains"] == [["shop", "nginx"]]
    moved(nginx, "1.5.0")
    assert "nginx: 1.4.0 (" in place.ok("deps", "update").stderr
    assert "nobody needs redis" in place.refused("deps", "why", "redis")
    assert "deps has no vendr (did you mean vendor?)" in place.refused("deps", "vendr")
    assert "there is no dependency redis to update" in place.refused("deps", "update", "redis")


def test_a_branch_and_a_tag_of_one_name_are_told_apart(place: Place, nginx: Repository) -> None:
    on_branch = moved(nginx, "1.9.0")
    nginx.git("update-ref", "refs/heads/v1.4.0", "HEAD")

    wanting(place, nginx, 'tag = "v1.4.0"').ok("deps", "lock")
    assert on_branch not in place.lock
    wanting(place, nginx, 'branch = "v1.4.0"').ok("deps", "lock")
    assert on_branch in place.lock


def test_a_cookbook_in_a_folder_of_a_repository_is_found_by_its_name_or_by_path(place: Place, tmp_path: Path) -> None:
    many = Repository(tmp_path / "many", {**cookbook("nginx", folder="cookbooks/nginx"), **cookbook("nginx", "2.0.0")})

    wanting(place, many).write(cookbook("shop")).ok("deps", "lock")
    assert 'version = "2.0.0"' in place.lock
    wanting(place, many, 'path = "cookbooks/nginx"').ok("deps", "lock")
    assert 'path = "cookbooks/nginx"' in place.lock
    assert 'version = "1.0.0"' in place.lock


def test_a_folder_that_is_not_there_is_named_with_those_that_are(place: Place, tmp_path: Path) -> None:
    many = Repository(tmp_path / "many", {**cookbook("one"), **cookbook("two")})

    said = wanting(place, many).refused("deps", "lock")

    assert "cookbooks.toml:2: nginx: it has no folder nginx; there are one, two" in said


def test_an_archive_is_fetched_once_and_its_digest_is_demanded_ever_after(place: Place, web: Web) -> None:
    inner = {f"nginx-1.4.0/{name}": text for name, text in cookbook("nginx", "1.4.0", folder="").items()}
    web.pages["/n.tar.gz"] = Page(tarball(inner))
    place.wants(f'[cookbooks]\nnginx = {{ archive = "{web.url}/n.tar.gz" }}\n').ok("deps", "lock")
    assert 'path = "nginx-1.4.0"' in place.lock
    web.pages["/n.tar.gz"] = Page(tarball(cookbook("nginx", "1.4.0", folder="nginx-1.4.0") | {"nginx-1.4.0/x": "y"}))

    place.ok("deps", "vendor", "one")
    shutil.rmtree(place.cache)
    said = place.refused("deps", "vendor", "two")

    assert "its sha256 is" in said
    assert len(web.seen) == 2


def test_a_declared_sha256_that_is_not_the_archive_s_is_refused(place: Place, web: Web) -> None:
    web.pages["/n.tar.gz"] = Page(tarball(cookbook("nginx")))
    place.wants(f'[cookbooks]\nnginx = {{ archive = "{web.url}/n.tar.gz", sha256 = "{"0" * 64}" }}\n')

    assert "its sha256 is" in place.refused("deps", "lock")
    assert not (place.root / "cookbooks.lock").exists()


def test_a_folder_of_this_disk_is_locked_by_content_and_a_change_in_it_is_noticed(place: Place) -> None:
    beside = Place(place.root.parent / "beside").write(cookbook("nginx", "1.4.0"))
    place.wants('[cookbooks]\nnginx = { path = "../beside/nginx" }\n').ok("deps", "lock")
    place.ok("package")
    beside.write({"nginx/recipes/more.py": ""})

    said = place.refused("package")

    assert "was changed since it was locked: run `toque cookbook deps update nginx`" in said
    place.ok("deps", "update", "nginx")
    place.ok("package")


def test_what_a_dependency_requires_is_looked_for_too_and_errors_say_who_needs_it(
    place: Place, nginx: Repository, tmp_path: Path
) -> None:
    nginx.commit(cookbook("nginx", "1.5.0", 'redis = ">=2"\n', folder=""))

    said = wanting(place, nginx).refused("deps", "lock")

    assert "cookbooks.toml:2: nginx 1.5.0 needs redis >=2, which is nowhere" in said
    redis = Repository(tmp_path / "redis", cookbook("redis", "2.3", folder=""))
    place.ok("deps", "add", "redis", "--git", str(redis.path))
    assert place.ok("deps", "why", "redis").output.endswith("shop 0.1.0 → nginx >=1.2 (1.5.0) → redis >=2 (2.3)\n")
    assert place.ok("deps", "tree").output == ("shop 0.1.0\n    nginx 1.5.0  (>=1.2)\n        redis 2.3  (>=2)\n")


def test_a_conflict_is_one_sentence_with_the_line_that_asks(place: Place, nginx: Repository, tmp_path: Path) -> None:
    db = Repository(tmp_path / "db", cookbook("db", "3.0", 'nginx = "<1.3"\n', folder=""))
    wanting(place, nginx)
    place.wants((place.root / "cookbooks.toml").read_text() + f'db = {{ git = "{db.path}" }}\n')

    said = place.refused("deps", "lock")

    sentence = (
        "cookbooks.toml:3: shop 0.1.0 needs nginx >=1.2, but db 3.0 needs nginx <1.3; of nginx there is 1.4.0 (git "
    )
    assert sentence in said
    place.write(cookbook("shop", "0.1.0", '"nginx" = "~=2.0"\n'))
    said = place.refused("deps", "lock")
    assert "shop/cookbook.toml:6: " in said
    assert "shop 0.1.0 needs nginx ~=2.0" in said


def test_what_is_built_in_is_not_locked(place: Place) -> None:
    place.write(cookbook("shop", "0.1.0", 'haproxy = "*"\n')).wants("[cookbooks]\nhaproxy = { builtin = true }\n")

    place.ok("deps", "lock")

    assert "[[cookbook]]" not in place.lock
    assert place.ok("deps", "tree").output == "shop 0.1.0\n    haproxy (built-in)  (*)\n"


def test_add_keeps_comments_and_takes_everything_back_where_locking_fails(place: Place, nginx: Repository) -> None:
    place.wants("# mine\n[cookbooks] # all\n")

    said = place.refused("deps", "add", "nginx", "--git", str(nginx.path), "--version", ">=9")
    assert "needs nginx >=9" in said
    assert (place.root / "cookbooks.toml").read_text() == "# mine\n[cookbooks] # all\n"
    place.ok("deps", "add", "nginx", "--git", str(nginx.path), "--tag", "v1.4.0")
    text = (place.root / "cookbooks.toml").read_text()
    assert text.startswith("# mine\n[cookbooks] # all\n")
    assert 'tag = "v1.4.0"' in text


def test_from_the_cache_everything_works_offline(place: Place, nginx: Repository) -> None:
    wanting(place, nginx).ok("deps", "lock")
    nginx.path.rename(nginx.path.with_name("gone"))

    place.ok("deps", "vendor", "vendor")
    place.ok("deps", "update", "--offline")
    (place.root / "cookbooks.lock").unlink()
    place.ok("deps", "lock", "--offline")
    place.ok("package", "--offline")
    shutil.rmtree(place.cache)
    assert "--offline forbids" in place.refused("deps", "vendor", "vendor", "--offline")
    assert "cannot be read" in place.refused("deps", "vendor", "vendor")


def test_a_cache_that_was_tampered_with_is_not_believed(place: Place, nginx: Repository) -> None:
    wanting(place, nginx).ok("deps", "lock")
    [kept] = list(place.cache.rglob("default.py"))
    kept.write_text("evil\n")

    place.ok("deps", "vendor", "vendor")

    assert "evil" not in (place.root / "vendor/nginx/recipes/default.py").read_text()


def test_another_content_at_the_same_place_is_refused(place: Place, tmp_path: Path) -> None:
    """The commit is the same; what the lock says of its files is not."""
    made = Repository(tmp_path / "nginx", cookbook("nginx", "1.4.0", folder=""))
    wanting(place, made).ok("deps", "lock")
    digest = place.lock.split('digest = "')[1][:64]
    place.write({"cookbooks.lock": place.lock.replace(digest, "0" * 64)})

    said = place.refused("deps", "vendor", "vendor")

    assert "cookbooks.lock:5: nginx from git" in said
    assert f"is not what was locked: its digest is {digest[:12]}, not 000000000000" in said


def test_a_git_server_that_hands_out_no_single_commit_is_asked_for_branches_and_tags(
    place: Place, tmp_path: Path
) -> None:
    root = tmp_path / "served"
    made = Repository(root / "nginx", cookbook("nginx", "1.4.0", folder=""))
    rev = made.git("rev-parse", "HEAD")
    made.commit({})
    made.git("tag", "-a", "-m", "x", "after")
    made.git("checkout", "--quiet", "--orphan", "another")
    made.commit({"another": ""})
    made.git("branch", "-D", "main")
    server = GitServer(root, old=True)
    try:
        place.wants(f'[cookbooks]\nnginx = {{ git = "{server.url}/nginx/.git", rev = "{rev}" }}\n')
        place.ok("deps", "lock")
    finally:
        server.close()
    assert f'commit = "{rev}"' in place.lock


def test_vendor_leaves_alone_what_it_did_not_put_there(place: Place, nginx: Repository) -> None:
    wanting(place, nginx).ok("deps", "lock")
    place.write({"docs/readme": "mine"})

    assert "docs has readme in it, which was not vendored" in place.refused("deps", "vendor", "docs")
    assert "which was not vendored" in place.refused("deps", "vendor", ".")
    place.ok("deps", "vendor", "third-party")
    place.write({"third-party/nginx/recipes/stray.py": ""}).ok("deps", "vendor", "third-party")
    assert not (place.root / "third-party/nginx/recipes/stray.py").exists()


class TestPackage:
    def test_own_and_locked_cookbooks_are_the_same_bytes_wherever_they_are_packed(
        self, place: Place, nginx: Repository, tmp_path: Path
    ) -> None:
        wanting(place, nginx).ok("deps", "lock")
        place.ok("package", "-o", "one.tar.gz")
        other = Place(tmp_path / "elsewhere")
        before = os.umask(0o077)
        try:
            shutil.copytree(place.root, other.root, copy_function=shutil.copyfile, dirs_exist_ok=True)
            (other.root / "shop/__pycache__").mkdir()
            (other.root / "shop/__pycache__/x.pyc").write_bytes(b"x")
            other.ok("package", "-o", "two.tar.gz")
        finally:
            os.umask(before)

        assert (place.root / "one.tar.gz").read_bytes() == (other.root / "two.tar.gz").read_bytes()

    def test_a_package_is_verified_and_any_change_of_it_is_found(self, place: Place, nginx: Repository) -> None:
        wanting(place, nginx).ok("deps", "lock")
        digest = place.ok("package").stdout.split()[0]
        said = place.ok("package", "--verify", "cookbooks.tar.gz").stdout
        assert said.split()[0] == digest
        raw = (place.root / "cookbooks.tar.gz").read_bytes()
        unpacked = place.root.parent / "unpacked"
        subprocess.run(["mkdir", unpacked], check=True)
        subprocess.run(["tar", "-xf", place.root / "cookbooks.tar.gz", "-C", unpacked], check=True)
        assert sorted(json.loads((unpacked / "package.json").read_text())["cookbooks"]) == ["nginx", "shop"]

        (unpacked / "nginx/recipes/default.py").write_text("evil\n")
        subprocess.run(["tar", "-czf", place.root / "evil.tar.gz", "-C", unpacked, "."], check=True)
        (place.root / "broken.tar.gz").write_bytes(raw[:-900])

        assert "nginx/recipes/default.py is not what its package.json says" in place.refused(
            "package", "--verify", "evil.tar.gz"
        )
        assert "broken.tar.gz is refused" in place.refused("package", "--verify", "broken.tar.gz")

    @pytest.mark.parametrize("command", [["package"], ["deps", "vendor", "v"], ["deps", "tree"]], ids=" ".join)
    def test_a_lock_that_is_missing_or_stale_is_refused_with_what_to_run(
        self, place: Place, nginx: Repository, command: list[str]
    ) -> None:
        wanting(place, nginx)
        assert "cookbooks.lock: is missing: run `toque cookbook deps lock`" in place.refused(*command)
        place.ok("deps", "lock")
        place.write(cookbook("shop", "0.1.0", 'nginx = ">=1.3"\n'))

        said = place.refused(*command)

        assert "cookbooks.lock: is older than cookbooks.toml, or than [requires] of shop" in said
        assert "run `toque cookbook deps lock`" in said

    def test_a_newer_version_of_an_own_cookbook_makes_no_lock_stale(self, place: Place, nginx: Repository) -> None:
        wanting(place, nginx).ok("deps", "lock")

        place.write(cookbook("shop", "0.2.0", 'nginx = ">=1.2"\n')).ok("package")

    def test_01_23_own_files_lie_over_those_of_a_dependency(self, place: Place, nginx: Repository) -> None:
        nginx.commit({"files/a": "theirs", "files/b": "theirs"})
        place.write({"nginx/files/b": "ours", "unrelated/files/b": "ours"})
        wanting(place, nginx).ok("deps", "lock")
        place.ok("package", "-o", "p.tar.gz")

        subprocess.run(["tar", "-xf", "p.tar.gz"], cwd=place.root, check=True)
        assert (place.root / "nginx/files/a").read_text() == "theirs"
        assert (place.root / "nginx/files/b").read_text() == "ours"
        listed = json.loads((place.root / "package.json").read_text())["cookbooks"]
        assert sorted(listed) == ["nginx", "shop"]

    def test_without_cookbooks_there_is_nothing_to_pack(self, tmp_path: Path) -> None:
        assert "has no cookbooks" in Place(tmp_path / "empty").refused("package")


def test_without_the_authoring_extra_a_lock_still_serves_and_solving_says_what_to_install(
    place: Place, nginx: Repository
) -> None:
    wanting(place, nginx).ok("deps", "lock")
    program = """if True:
        import sys
        for name in ("resolvelib", "packaging", "tomlkit"):
            sys.modules[name] = None
        from click.testing import CliRunner
        from toque.cli.group import toque
        for line in sys.argv[1:]:
            done = CliRunner().invoke(toque, ["cookbook", *line.split()])
            print(done.exit_code, done.output.splitlines()[-1])
    """
    environment = os.environ | {"XDG_CACHE_HOME": str(place.cache), "TOQUE_ALLOW_INSECURE_SOURCES": "1"}
    environment["PYTHONPATH"] = str(Path(toque.__path__[0]).parent)
    lines = ["deps vendor vendor", "package", "deps lock", "deps update", "deps add x --path x"]

    argv = [sys.executable, "-c", program, *lines]
    done = subprocess.run(argv, cwd=place.root, env=environment, capture_output=True, text=True, check=True)

    said = done.stdout.splitlines()
    assert [each[0] for each in said] == ["0", "0", "1", "1", "1"]
    assert all(each.endswith("which is not installed: pip install 'toque[authoring]'") for each in said[2:])
