from __future__ import annotations

import os
import shutil
import socket
import subprocess
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.agent.resources.case import Case
from tests.fakes.real import RealHost, place, prepared, write
from tests.fakes.repository import GitServer, Repository
from toque.core import BadProperty, Secret, ToqueError, converge
from toque.core.gitclient import RepositoryFailed
from toque.resources.git import Git

root = pytest.mark.skipif(os.geteuid() != 0, reason="needs root: runs git as another user")


@pytest.fixture
def shop(tmp_path: Path) -> Repository:
    return Repository(tmp_path / "shop")


@pytest.fixture
def there(tmp_path: Path) -> Path:
    return tmp_path / "srv" / "shop"


def copy_of(repository: Repository, there: Path, **properties: object) -> Git:
    properties.setdefault("allow_insecure", True)
    return Git(str(there), repository=str(repository.path), **properties)  # type: ignore[arg-type]


def test_a_missing_working_copy_is_made(shop: Repository, there: Path) -> None:
    want = copy_of(shop, there)

    change = converge(want, RealHost())

    assert change is not None
    assert (there / "app.py").read_text() == "print(1)\n"
    assert (want.old_sha, want.new_sha) == (None, shop.git("rev-parse", "HEAD"))


def test_a_branch_is_followed(shop: Repository, there: Path) -> None:
    converge(copy_of(shop, there, revision="main"), RealHost())
    first, second = shop.git("rev-parse", "HEAD"), shop.commit({"app.py": "print(2)\n"})
    want = copy_of(shop, there, revision="main")

    change = converge(want, RealHost())

    assert change is not None
    assert change.fields == {"revision"}
    assert (there / "app.py").read_text() == "print(2)\n"
    assert (want.old_sha, want.new_sha) == (first, second)


def test_further_remotes_are_kept_and_others_left_alone(shop: Repository, there: Path) -> None:
    converge(copy_of(shop, there), RealHost())
    subprocess.run(["git", "remote", "add", "mine", "https://example.org/mine.git"], cwd=there, check=True)
    want = copy_of(shop, there, remotes={"upstream": "https://example.org/shop.git"})

    change = converge(want, RealHost())

    assert change is not None
    assert change.fields == {"remotes"}
    known = subprocess.run(["git", "remote", "-v"], cwd=there, check=True, capture_output=True, text=True).stdout
    assert "upstream\thttps://example.org/shop.git (fetch)" in known
    assert "mine\thttps://example.org/mine.git (fetch)" in known
    assert converge(want, RealHost()) is None


@pytest.mark.parametrize("name", ["origin", "-x", "a.b", "", "a b"])
def test_S20_a_remote_that_is_no_name_is_refused(name: str, shop: Repository, there: Path) -> None:
    with pytest.raises(BadProperty, match="git remotes must be named"):
        copy_of(shop, there, remotes={name: "https://example.org/x.git"})


def test_S20_a_remote_that_would_run_something_is_refused(shop: Repository, there: Path) -> None:
    with pytest.raises(BadProperty, match="git remotes up "):
        copy_of(shop, there, remotes={"up": "ext::sh -c id"})


def test_without_a_revision_the_default_branch_is_taken_whatever_its_name(shop: Repository, there: Path) -> None:
    shop.git("checkout", "--quiet", "-b", "trunk")
    shop.commit({"app.py": "trunk"})

    converge(copy_of(shop, there), RealHost())

    assert (there / "app.py").read_text() == "trunk"


@pytest.mark.parametrize("depth", [None, 1])
@pytest.mark.parametrize("annotated", [True, False])
def test_a_tag_is_taken(shop: Repository, there: Path, annotated: bool, depth: int | None) -> None:
    shop.git("tag", *(["-a", "-m", "one"] if annotated else []), "v1")
    tagged = shop.git("rev-parse", "HEAD")
    shop.commit({"app.py": "later"})
    want = copy_of(shop, there, revision="v1", depth=depth)

    converge(want, RealHost())

    assert want.new_sha == tagged
    assert converge(want, RealHost()) is None


@pytest.mark.parametrize("depth", [None, 1])
def test_a_commit_is_taken_that_no_branch_is_at(shop: Repository, there: Path, depth: int | None) -> None:
    first = shop.git("rev-parse", "HEAD")
    shop.commit({"app.py": "later"})
    want = copy_of(shop, there, revision=first, depth=depth)

    converge(want, RealHost())

    assert (there / "app.py").read_text() == "print(1)\n"


def test_a_commit_that_is_here_is_not_asked_for(shop: Repository, there: Path) -> None:
    want = copy_of(shop, there, revision=shop.git("rev-parse", "HEAD"))
    converge(want, RealHost())
    shutil.rmtree(shop.path)

    assert converge(want, RealHost()) is None


def test_going_back_to_an_older_tag_works(shop: Repository, there: Path) -> None:
    shop.git("tag", "v1")
    shop.commit({"app.py": "two", "new.py": ""})

    converge(copy_of(shop, there), RealHost())
    converge(copy_of(shop, there, revision="v1"), RealHost())

    assert (there / "app.py").read_text() == "print(1)\n"
    assert not (there / "new.py").exists()


def test_changed_files_are_replaced_and_strange_ones_left_alone(shop: Repository, there: Path) -> None:
    converge(copy_of(shop, there), RealHost())
    write(there / "app.py", "edited")
    write(there / "upload.jpg", "theirs")
    shop.commit({"app.py": "two"})

    converge(copy_of(shop, there), RealHost())

    assert (there / "app.py").read_text() == "two"
    assert (there / "upload.jpg").read_text() == "theirs"


def test_depth_limits_the_history(shop: Repository, there: Path) -> None:
    shop.commit({"app.py": "two"})

    converge(copy_of(shop, there, depth=1), RealHost())

    assert (there / ".git" / "shallow").exists()


def test_a_repository_that_moved_is_followed(shop: Repository, there: Path, tmp_path: Path) -> None:
    converge(copy_of(shop, there), RealHost())
    shop.path = shop.path.rename(tmp_path / "moved")

    change = converge(copy_of(shop, there), RealHost())

    assert change is not None
    assert change.fields == {"repository"}


def test_a_folder_with_other_files_in_it_is_left_alone(shop: Repository, there: Path) -> None:
    write(there / "precious", "data")

    with pytest.raises(ToqueError, match="has files in it and is no working copy"):
        converge(copy_of(shop, there), RealHost())

    assert [each.name for each in there.iterdir()] == ["precious"]


def test_a_repository_that_does_not_exist_is_one_clear_sentence(there: Path, tmp_path: Path) -> None:
    with pytest.raises(RepositoryFailed) as failed:
        converge(Git(str(there), repository=f"{tmp_path}/none", allow_insecure=True), RealHost())

    said = f"the repository {tmp_path}/none cannot be read: '{tmp_path}/none' does not appear to be a git repository"
    assert str(failed.value) == said
    assert not there.exists()


def test_a_revision_that_does_not_exist_is_one_clear_sentence(shop: Repository, there: Path) -> None:
    with pytest.raises(RepositoryFailed, match=r"it has no branch or tag 'v9'$"):
        converge(copy_of(shop, there, revision="v9"), RealHost())
    with pytest.raises(ToqueError, match=rf"has no commit {'a' * 40}$"):
        converge(copy_of(shop, there, revision="a" * 40), RealHost())


def test_a_machine_without_git_says_what_comes_first(shop: Repository, there: Path) -> None:
    class Bare(RealHost):
        def which(self, program: str) -> str | None:
            return None

    assert converge(copy_of(shop, there), Bare(), dry_run=True) is not None
    with pytest.raises(ToqueError, match=r'package\("git"\) comes first'):
        converge(copy_of(shop, there), Bare())


@root
def test_the_working_copy_belongs_to_the_user_and_the_group(shop: Repository, tmp_path: Path) -> None:
    public = Path(tempfile.mkdtemp(prefix="toque-"))
    try:
        public.chmod(0o755)
        shutil.copytree(shop.path, public / "shop")
        host = RealHost()
        want = Git(
            str(public / "www"), repository=str(public / "shop"), user="nobody", group="www-data", allow_insecure=True
        )

        converge(want, host)

        found = [each.lstat() for each in [public / "www", *(public / "www").rglob("*")]]
        assert {(host.user_name(each.st_uid), host.group_name(each.st_gid)) for each in found} == {
            ("nobody", "www-data")
        }
        assert converge(want, host) is None
    finally:
        shutil.rmtree(public)


# What must not happen


@pytest.mark.parametrize(
    "url",
    [
        "ext::sh -c 'touch {canary}'",
        "--upload-pack=touch {canary}",
        "-oProxyCommand=touch {canary}",
        "ssh://-oProxyCommand=touch%20{canary}/x",
        "https://example.org/x\n[core]",
        "fd::0",
        "file:///etc",
        "/etc",
        "git://example.org/x",
        "http://example.org/x",
        "https://127.0.0.1/x",
        "https://169.254.169.254/x",
        "https://0xa9fea9fe/x",
        "https://user:secret@example.org/x",
    ],
)
def test_S20_a_hostile_url_is_refused_before_anything_runs(url: str, there: Path, tmp_path: Path) -> None:
    canary = tmp_path / "canary"

    with pytest.raises(BadProperty, match="is refused"):
        Git(str(there), repository=url.replace("{canary}", str(canary)))

    assert not canary.exists()


@pytest.mark.parametrize(
    "revision", ["", "-b", "--upload-pack=id", "a..b", "a b", "a\nb", "HEAD~1", "v1^{}", "@{u}", "x.lock"]
)
def test_S20_a_revision_that_is_more_than_a_name_is_refused(revision: str, there: Path) -> None:
    with pytest.raises(BadProperty, match="git revision must be"):
        Git(str(there), repository="https://example.org/x", revision=revision)


def test_S20_no_hook_runs(shop: Repository, there: Path, tmp_path: Path) -> None:
    canary = tmp_path / "canary"
    converge(copy_of(shop, there), RealHost())
    for name in ("post-checkout", "post-merge", "reference-transaction", "pre-auto-gc"):
        write(there / ".git" / "hooks" / name, f"#!/bin/sh\ntouch {canary}\n", 0o755)
    shop.commit({"app.py": "two"})

    converge(copy_of(shop, there), RealHost())

    assert (there / "app.py").read_text() == "two"
    assert not canary.exists()


def submodule_in(shop: Repository, url: str) -> None:
    inner = Repository(shop.path.parent / "inner", {"lib.py": "inner\n"})
    shop.git("-c", "protocol.file.allow=always", "submodule", "--quiet", "add", str(inner.path), "lib")
    shop.git("config", "--file", ".gitmodules", "submodule.lib.url", url or str(inner.path))
    shop.commit({})


def test_S20_no_submodule_is_fetched_unless_asked_for(shop: Repository, there: Path) -> None:
    submodule_in(shop, "")

    converge(copy_of(shop, there), RealHost())

    assert list((there / "lib").iterdir()) == []


def test_submodules_are_fetched_when_asked_for(shop: Repository, there: Path) -> None:
    submodule_in(shop, "")

    converge(copy_of(shop, there, submodules=True), RealHost())

    assert (there / "lib" / "lib.py").read_text() == "inner\n"


@pytest.mark.parametrize("url", ["ext::touch {canary}", "-u=touch {canary}", "--upload-pack=touch {canary}"])
def test_S20_a_hostile_submodule_runs_nothing(shop: Repository, there: Path, tmp_path: Path, url: str) -> None:
    canary = tmp_path / "canary"
    submodule_in(shop, url.replace("{canary}", str(canary)))

    with pytest.raises(RepositoryFailed):
        converge(copy_of(shop, there, submodules=True), RealHost())

    assert not canary.exists()


def test_S20_a_program_named_by_the_repositorys_attributes_does_not_run(
    shop: Repository, there: Path, tmp_path: Path
) -> None:
    canary = tmp_path / "canary"
    script = f'[filter "x"]\n\tsmudge = touch {canary}\n[core]\n\tfsmonitor = touch {canary}\n'
    shop.commit({".gitattributes": "* filter=x diff=x merge=x\n", ".gitconfig": script, "a": "1"})

    converge(copy_of(shop, there), RealHost())

    assert (there / "a").read_text() == "1"
    assert not canary.exists()


def test_S20_a_file_past_the_size_limit_is_refused(shop: Repository, there: Path) -> None:
    (shop.path / "big").write_bytes(os.urandom(2 << 20))
    shop.commit({})

    with pytest.raises(ToqueError):
        converge(copy_of(shop, there, size_limit=1 << 20), RealHost())


@pytest.fixture
def server(tmp_path: Path) -> Iterator[GitServer]:
    server = GitServer(tmp_path, password="s3cret/Ä +%")
    yield server
    server.close()


def over_http(server: GitServer, there: Path, **properties: object) -> Git:
    repository = f"{server.url}/shop/.git"
    return Git(str(there), repository=repository, allow_insecure=True, **properties)  # type: ignore[arg-type]


def test_a_password_opens_the_repository_and_is_in_no_command_line(
    shop: Repository, server: GitServer, there: Path
) -> None:
    host, secret = RealHost(), Secret(server.password)

    converge(over_http(server, there, username="deploy", password=secret), host)

    assert (there / "app.py").exists()
    assert not any(server.password in word for argv in host.argvs for word in argv)
    assert server.password not in (there / ".git" / "config").read_text()
    assert [path.exists() for path in host.temporary] == [False] * len(host.temporary)


def test_a_missing_password_is_an_error_and_not_a_question(shop: Repository, server: GitServer, there: Path) -> None:
    with pytest.raises(RepositoryFailed, match="cannot be read"):
        converge(over_http(server, there), RealHost())


def test_S20_no_redirect_is_followed_and_no_credential_goes_to_another_host(
    shop: Repository, server: GitServer, there: Path, tmp_path: Path
) -> None:
    other = GitServer(tmp_path)
    try:
        server.password = ""
        server.redirects["/shop"] = other.url

        with pytest.raises(RepositoryFailed):
            converge(over_http(server, there, username="deploy", password=Secret("s3cret")), RealHost())

        assert other.seen == []
    finally:
        other.close()


def test_an_ssh_key_is_a_private_file_while_git_runs_and_gone_afterwards(
    there: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    log = tmp_path / "log"
    key_file = "for word; do case $word in -oIdentityFile=*) echo ${word#*=};; esac; done"
    keep = f'file=$({key_file}); stat -c %a "$file" >>{log}; cat "$file" >>{log}'
    write(tmp_path / "bin" / "ssh", f'#!/bin/sh\necho "$@" >>{log}\n{keep}\nexit 255\n', 0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}/bin:{os.environ['PATH']}")
    host, key = RealHost(), Secret("-----BEGIN KEY-----\nabc\n-----END KEY-----")

    with pytest.raises(RepositoryFailed):
        converge(Git(str(there), repository="git@example.org:shop.git", ssh_key=key, allow_insecure=True), host)

    said = log.read_text()
    assert f"600\n{key}\n" in said
    assert "-oBatchMode=yes" in said
    assert "-oStrictHostKeyChecking=no" in said
    assert "git@example.org git-upload-pack 'shop.git'" in said
    assert [path.exists() for path in host.temporary] == [False]


def test_05_26_a_private_repository_is_cloned_with_the_deploy_key_that_nobody_else_can_read(
    shop: Repository, there: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    # An ssh that lets in who brings the key in a file of his own, and then runs what it is told, as sshd would.
    seen = tmp_path / "seen"
    opens = f'''for word; do case $word in -oIdentityFile=*) file=${{word#*=}};; esac; last=$word; done
stat -c '%a %u' "$file" "${{file%/*}}" >{seen}; grep -q "the right one" "$file" || exit 255
exec sh -c "$last"'''
    write(tmp_path / "bin" / "ssh", f"#!/bin/sh\n{opens}\n", 0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}/bin:{os.environ['PATH']}")

    def clone(key: str) -> None:
        repository = f"git@example.org:{shop.path}"
        converge(
            Git(str(there), repository=repository, ssh_key=Secret(key), depth=None, allow_insecure=True), RealHost()
        )

    with pytest.raises(RepositoryFailed):
        clone("some other key")
    assert not (there / "app.py").exists()
    clone("the right one")

    assert (there / "app.py").exists()
    assert seen.read_text() == f"600 {os.getuid()}\n700 {os.getuid()}\n"
    assert "the right one" not in "".join(each.read_text(errors="replace") for each in _files(there))


def _files(folder: Path) -> list[Path]:
    return [each for each in folder.rglob("*") if each.is_file()]


def test_S20_a_host_that_leads_inside_is_not_connected_to(there: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    answer = [(socket.AF_INET, socket.SOCK_STREAM, 6, "", ("10.0.0.7", 443))]
    monkeypatch.setattr(socket, "getaddrinfo", lambda *_, **__: answer)
    host = RealHost()

    with pytest.raises(RepositoryFailed, match=r"leads to 10\.0\.0\.7, which is not on the public internet"):
        converge(Git(str(there), repository="https://example.org/x.git"), host)

    assert host.argvs == []


# What holds for every resource

_PLACE = place("git")


def fresh(*, behind: bool = False, there: bool = False) -> None:
    shop = Repository(_PLACE / "shop")
    shop.git("tag", "v1")
    if there:
        converge(Git(str(_PLACE / "www"), repository=str(shop.path), allow_insecure=True), RealHost())
    if behind:
        shop.commit({"app.py": "print(2)\n"})


def _case(revision: str | None, *, behind: bool, there: bool) -> Case:
    want = Git(str(_PLACE / "www"), repository=str(_PLACE / "shop"), revision=revision, allow_insecure=True)
    return Case(want, prepared(_PLACE, lambda: fresh(behind=behind, there=there)))


CASES = [
    _case(revision, behind=behind, there=there)
    for revision in (None, "v1")
    for behind, there in ((False, False), (False, True), (True, True))
]
