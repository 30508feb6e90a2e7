"""Cookbook sources: fetched from where they may be, refused from anywhere else (S19, S20, S21, ruling 18)."""

from __future__ import annotations

import io
import subprocess
import tarfile
import threading
from collections.abc import Iterator
from datetime import UTC, datetime
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
from msgspec.structs import replace

from tests.fakes.agents import Agent
from tests.server.http.fleet import Fleet, eventually
from toque.protocol.messages import BUNDLE_PATH, BundleRequest, CommandEnvelope
from toque_server.cookbooks import archive, git, sources
from toque_server.cookbooks.address import FetchRefused, is_public, resolve
from toque_server.domain.command import CommandStatus
from toque_server.domain.source import Source
from toque_server.domain.world import SourceOf
from toque_server.store import cookbooks, instances, logs, stacks

MANIFEST = '[cookbook]\nname = "shop"\nversion = "1.0.0"\n'


def commit(repository: Path, version: str = "1.0.0") -> str:
    """One more commit of the cookbook `shop`; answers with its id."""
    cookbook = repository / "shop"
    (cookbook / "recipes").mkdir(parents=True, exist_ok=True)
    (cookbook / "cookbook.toml").write_text(MANIFEST.replace("1.0.0", version))
    (cookbook / "recipes" / "default.py").write_text("")
    run = partial(subprocess.run, cwd=repository, check=True, capture_output=True, text=True)
    if not (repository / ".git").exists():
        run(["git", "init", "--quiet", "--initial-branch=main"])
    run(["git", "add", "-A"])
    run(["git", "-c", "user.name=t", "-c", "user.email=t@example.org", "commit", "--quiet", "-m", version])
    return run(["git", "rev-parse", "HEAD"]).stdout.strip()


@pytest.fixture
def repository(tmp_path: Path) -> Path:
    made = tmp_path / "repository"
    made.mkdir()
    commit(made)
    return made


@pytest.fixture
def into(tmp_path: Path) -> Path:
    made = tmp_path / "into"
    made.mkdir()
    return made


class TestGit:
    def test_the_remotes_head_is_checked_out_without_its_history(self, repository: Path, into: Path) -> None:
        found = git.fetch(SourceOf(type="git", url=str(repository)), into, allow_insecure=True)
        assert len(found) == 40
        assert (into / "shop" / "cookbook.toml").read_text() == MANIFEST
        assert not (into / ".git").exists()

    def test_a_revision_is_a_branch_a_tag_or_a_whole_commit(self, repository: Path, tmp_path: Path) -> None:
        first = subprocess.run(
            ["git", "rev-parse", "HEAD"], cwd=repository, check=True, capture_output=True, text=True
        ).stdout.strip()
        subprocess.run(["git", "tag", "v1"], cwd=repository, check=True)
        second = commit(repository, "2.0.0")
        for number, (revision, commit_id) in enumerate([("main", second), ("v1", first), (first, first)]):
            place = tmp_path / f"at-{number}"
            place.mkdir()
            source = SourceOf(type="git", url=str(repository), revision=revision)
            assert git.fetch(source, place, allow_insecure=True) == commit_id

    def test_a_repository_that_does_not_exist_says_so_in_gits_words(self, tmp_path: Path, into: Path) -> None:
        with pytest.raises(FetchRefused, match=r"does not (exist|appear)"):
            git.fetch(SourceOf(type="git", url=str(tmp_path / "nowhere")), into, allow_insecure=True)

    @pytest.mark.parametrize(
        "url",
        [
            "--upload-pack=touch /tmp/owned",
            "ext::sh -c touch% /tmp/owned",
            "ssh://-oProxyCommand=touch/x",
            "-oProxyCommand=x@host:repo",
            "file:///etc",
            "/etc",
            "https://example.org/x\n--upload-pack=y",
            "http://example.org/x",
            "git://example.org/x",
            "https://127.0.0.1/x",
            "https://[::1]/x",
            "https://localhost/x",
            "https://169.254.169.254/latest",
            "https://0x7f000001/x",
            "https://2130706433/x",
            "git@127.0.0.1:x/y",
            "ftp://example.org/x",
            "fd::17/foo",
            "",
        ],
    )
    def test_S20_a_hostile_url_never_reaches_git(self, url: str, into: Path) -> None:
        with pytest.raises(FetchRefused):
            git.fetch(SourceOf(type="git", url=url), into, allow_insecure=False)

    @pytest.mark.parametrize("revision", ["--upload-pack=x", "-x", "a b", "a..b", "$(id)", "a\nb"])
    def test_S20_a_hostile_revision_never_reaches_git(self, revision: str, repository: Path, into: Path) -> None:
        with pytest.raises(FetchRefused, match="revision"):
            git.fetch(SourceOf(type="git", url=str(repository), revision=revision), into, allow_insecure=True)

    def test_S20_no_submodule_is_fetched_no_hook_runs_and_no_link_is_made(
        self, repository: Path, into: Path, tmp_path: Path
    ) -> None:
        canary = tmp_path / "canary"
        (repository / ".gitmodules").write_text('[submodule "m"]\n\tpath = m\n\turl = ext::touch ' + str(canary) + "\n")
        (repository / "link").symlink_to("/etc/passwd")
        hook = repository / ".git" / "hooks" / "post-checkout"
        hook.write_text(f"#!/bin/sh\ntouch {canary}\n")
        hook.chmod(0o755)
        commit(repository, "1.0.1")
        git.fetch(SourceOf(type="git", url=str(repository)), into, allow_insecure=True)
        assert not canary.exists()
        assert not (into / "link").is_symlink()


class TestAddresses:
    @pytest.mark.parametrize(
        "address",
        [
            *("127.0.0.1", "10.0.0.1", "169.254.169.254", "0.0.0.0", "224.0.0.1", "100.64.0.1", "::1", "fe80::1"),
            *("fd00::1", "::ffff:169.254.169.254", "::ffff:a9fe:a9fe", "64:ff9b::a9fe:a9fe", "2002:7f00:1::"),
        ],
    )
    def test_S19_private_addresses_are_refused_in_every_spelling(self, address: str) -> None:
        assert not is_public(address)

    def test_S19_a_public_address_is_public(self) -> None:
        assert is_public("93.184.216.34")
        assert is_public("2606:2800:220:1:248:1893:25c8:1946")

    def test_S19_the_refusal_says_what_the_operator_can_do(self) -> None:
        with pytest.raises(FetchRefused, match="allow_insecure_sources"):
            resolve("localhost", 443, allow_private=False)
        assert resolve("127.0.0.1", 80, allow_private=True) == "127.0.0.1"


@pytest.fixture
def files(tmp_path: Path) -> Iterator[tuple[Path, str]]:
    """A folder, and the address under which it is served."""
    folder = tmp_path / "files"
    folder.mkdir()

    class Quiet(SimpleHTTPRequestHandler):
        def do_GET(self) -> None:
            if self.path.startswith("/to/"):
                self.send_response(302)
                self.send_header("Location", self.path.removeprefix("/to/"))
                self.end_headers()
                return
            super().do_GET()

        def log_message(self, format: str, *args: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), partial(Quiet, directory=str(folder)))
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    yield folder, f"http://127.0.0.1:{server.server_address[1]}"
    server.shutdown()
    server.server_close()


def packed(entries: dict[str, bytes]) -> bytes:
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w:gz") as tar:
        for name, body in entries.items():
            entry = tarfile.TarInfo(name)
            entry.size = len(body)
            tar.addfile(entry, io.BytesIO(body))
    return out.getvalue()


class TestArchives:
    def test_a_tarball_with_one_root_folder_is_unpacked(self, files: tuple[Path, str], into: Path) -> None:
        folder, address = files
        (folder / "c.tgz").write_bytes(packed({"root/shop/cookbook.toml": MANIFEST.encode()}))
        source = SourceOf(type="archive", url=f"{address}/c.tgz")
        archive.fetch(source, into, allow_insecure=True)
        assert sources._root(into) == into / "root"

    def test_redirects_are_followed_to_allowed_places_only(self, files: tuple[Path, str], into: Path) -> None:
        folder, address = files
        (folder / "c.tgz").write_bytes(packed({"a": b"b"}))
        archive.fetch(SourceOf(type="archive", url=f"{address}/to//c.tgz"), into, allow_insecure=True)
        with pytest.raises(FetchRefused):
            archive.fetch(SourceOf(type="archive", url=f"{address}/to/file:///etc/passwd"), into, allow_insecure=True)
        with pytest.raises(FetchRefused, match="redirects"):
            loop = f"{address}/to//to//to//to//to//to//to//c.tgz"
            archive.fetch(SourceOf(type="archive", url=loop), into, allow_insecure=True)

    def test_what_is_not_there_says_so(self, files: tuple[Path, str], into: Path) -> None:
        with pytest.raises(FetchRefused, match="404"):
            archive.fetch(SourceOf(type="archive", url=f"{files[1]}/none.tgz"), into, allow_insecure=True)

    def test_S19_plain_http_is_refused_unless_allowed(self, files: tuple[Path, str], into: Path) -> None:
        with pytest.raises(FetchRefused, match="https"):
            archive.fetch(SourceOf(type="archive", url=f"{files[1]}/c.tgz"), into, allow_insecure=False)

    def test_an_s3_request_is_signed_as_amazon_documents_it(self) -> None:
        headers = archive.s3_headers(
            "https://bucket.s3.eu-west-1.amazonaws.com/cookbooks.tgz",
            "AKID",
            "secret",
            datetime(2026, 1, 2, tzinfo=UTC),
        )
        assert "Credential=AKID/20260102/eu-west-1/s3/aws4_request" in headers["Authorization"]


def with_source(fleet: Fleet, url: str) -> None:
    fleet.stack("s", use_custom_cookbooks=True, custom_cookbooks_source=Source(type="git", url=url))


def digest(fleet: Fleet) -> str | None:
    with fleet.database.read() as conn:
        stack = stacks.get(conn, "s")
    return None if stack is None else stack.cookbook_digest


def carried_out(agent: Agent) -> str:
    """Take the next command and end it well; the digest of the custom bundle that it names, signed."""
    found: list[CommandEnvelope] = []

    def is_there() -> bool:
        if (envelope := agent.open(agent.poll())) is not None:
            found.append(envelope)
        return bool(found)

    eventually(is_there)
    envelope = found[0]
    assert envelope.custom is not None
    agent.acknowledge(envelope)
    assert agent.finish(envelope, revision=envelope.custom.digest).status == 200
    assert len(agent.post(BUNDLE_PATH, BundleRequest(envelope.custom.digest)).body) == envelope.custom.size
    return envelope.custom.digest


class TestStacks:
    def test_ruling_18_the_first_setup_waits_for_the_source_and_names_its_bundle(
        self, fleet: Fleet, repository: Path
    ) -> None:
        with_source(fleet, str(repository))
        agent = fleet.instance("s", "web1")
        fleet.command("web1", "setup")
        assert agent.poll().command is None
        eventually(lambda: digest(fleet) is not None)
        envelope = agent.open(agent.poll())
        assert envelope is not None
        with fleet.database.read() as conn:
            bundle = cookbooks.of_stack(conn, "s")[0].bundle
        assert bundle.digest == digest(fleet)
        assert list(bundle.contents) == ["shop"]

    def test_ruling_18_update_custom_cookbooks_moves_the_stack_once(self, fleet: Fleet, repository: Path) -> None:
        with_source(fleet, str(repository))
        agent = fleet.instance("s", "web1")
        fleet.command("web1", "update_custom_cookbooks", cause_id="one")
        eventually(lambda: agent.poll().command is not None)
        first = digest(fleet)
        commit(repository, "2.0.0")
        other = fleet.instance("s", "web2")
        fleet.command("web2", "configure")
        assert other.poll().command is not None
        assert digest(fleet) == first
        envelope = other.open(other.poll())
        assert envelope is not None
        other.acknowledge(envelope)
        other.finish(envelope)
        fleet.command("web2", "update_custom_cookbooks", cause_id="two")
        eventually(lambda: other.poll().command is not None)
        assert digest(fleet) != first

    def test_01_21_ruling_18_only_an_update_or_a_setup_brings_an_instance_the_new_revision(
        self, fleet: Fleet, repository: Path
    ) -> None:
        with_source(fleet, str(repository))
        updated, other = fleet.instance("s", "web1"), fleet.instance("s", "web2")
        fleet.command("web1", "setup")
        first = carried_out(updated)
        fleet.command("web2", "setup")
        assert carried_out(other) == first == digest(fleet)
        commit(repository, "2.0.0")

        fleet.command("web1", "update_custom_cookbooks")
        second = carried_out(updated)
        fleet.command("web1", "configure")
        fleet.command("web2", "configure")

        assert second == digest(fleet) != first
        assert carried_out(updated) == second
        assert carried_out(other) == first
        fleet.command("web2", "setup")
        assert carried_out(other) == second
        fleet.command("web2", "execute_recipes", args={"recipes": ["shop"]})
        assert carried_out(other) == second

    @pytest.mark.parametrize("persistent", [True, False], ids=["ebs", "instance-store"])
    def test_01_22_ruling_18_a_restart_brings_the_stack_s_revision_and_not_the_repository_s(
        self, fleet: Fleet, repository: Path, persistent: bool
    ) -> None:
        with_source(fleet, str(repository))
        agent, other = fleet.instance("s", "web1"), fleet.instance("s", "web2")
        with fleet.database.write() as conn:
            seen = instances.get(conn, "web1")
            assert seen is not None
            assert instances.swap(conn, seen, replace(seen, persistent=persistent))
        fleet.command("web1", "setup")
        first = carried_out(agent)
        commit(repository, "2.0.0")

        # The Setup of a restart.
        fleet.command("web1", "setup")
        assert carried_out(agent) == first

        fleet.command("web2", "update_custom_cookbooks")
        second = carried_out(other)
        fleet.command("web1", "setup")
        assert carried_out(agent) == second != first

    def test_an_instance_that_had_no_cookbooks_yet_runs_what_the_stack_has(
        self, fleet: Fleet, repository: Path
    ) -> None:
        with_source(fleet, str(repository))
        agent, late = fleet.instance("s", "web1"), fleet.instance("s", "web2")
        fleet.command("web1", "setup")
        first = carried_out(agent)
        fleet.command("web2", "configure")

        assert carried_out(late) == first

    def test_a_repository_that_does_not_exist_fails_the_command_with_exit_3_and_its_log_says_why(
        self, fleet: Fleet, tmp_path: Path
    ) -> None:
        with_source(fleet, str(tmp_path / "nowhere"))
        agent = fleet.instance("s", "web1")
        fleet.stack("t")
        neighbour = fleet.instance("t", "other")
        id = fleet.command("web1", "setup")
        assert agent.poll().command is None
        eventually(lambda: fleet.stored(id).completed_at is not None)
        assert (fleet.stored(id).status, fleet.stored(id).exit_code) == (CommandStatus.FAILED, 3)
        with fleet.database.read() as conn:
            assert b"nowhere" in b"".join(logs.pieces(conn, id))
        fleet.command("other")
        assert neighbour.poll().command is not None
