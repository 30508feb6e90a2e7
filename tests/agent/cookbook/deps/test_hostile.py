"""Chapter 10's hostile inputs against dependencies, packages and publishing (S19–S22).

Whatever comes in, the answer is a message with status 1, and nothing outside of the folder and the cache is touched.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.agent.cookbook.deps.place import Place, cookbook, tarball
from tests.fakes.hostile_archives import Hostile, corpus
from tests.fakes.repository import GitServer, Repository
from tests.fakes.web import Page, Web
from toque.cookbook.deps.cache import Cache
from toque.cookbook.deps.errors import BadDependencies, NotToBeHad
from toque.cookbook.deps.fetch import Fetcher
from toque.cookbook.deps.lock import Locked, read_lock
from toque.cookbook.deps.manifest import read_manifest
from toque.cookbook.deps.origin import Archive
from toque.cookbook.package import BadPackage, verify
from toque.protocol.canonical import canonical


@pytest.fixture
def place(tmp_path: Path) -> Place:
    return Place(tmp_path / "in" / "mine").write(cookbook("shop"))


@pytest.fixture
def canary(tmp_path: Path) -> Path:
    """What the corpus tries to write: it must not be there afterwards."""
    return tmp_path / "canary"


STRICT = {"TOQUE_ALLOW_INSECURE_SOURCES": ""}

HOSTILE_URLS = [
    "--upload-pack=touch CANARY",
    "-oProxyCommand=touch CANARY",
    "ext::sh -c touch% CANARY",
    "fd::17/x",
    "ssh://-oProxyCommand=touch/x",
    "-oProxyCommand=x@host:repo",
    "git@-oProxyCommand=x:repo",
    "https://example.org/x\\n--upload-pack=y",
    "https://example.org/ x",
    "https://user:secret@example.org/x",
    "https://example.org@evil/../x y",
    "ftp://example.org/x",
    "javascript:alert(1)",
    "https://",
    "",
    "https://exämple.org/x",
    "https://example.org\\\\evil/x",
    "../relative",
]
PRIVATE_URLS = [
    "file:///etc",
    "/etc",
    "http://example.org/x",
    "git://example.org/x",
    "https://127.0.0.1/x",
    "https://[::1]/x",
    "https://localhost/x",
    "https://169.254.169.254/latest",
    "https://0x7f000001/x",
    "https://2130706433/x",
    "https://[::ffff:10.0.0.1]/x",
    "git@127.0.0.1:x/y",
]


class TestGit:
    @pytest.mark.parametrize("url", HOSTILE_URLS)
    def test_S20_a_hostile_url_is_refused_where_it_stands(self, place: Place, canary: Path, url: str) -> None:
        place.wants(f'[cookbooks]\nnginx = {{ git = "{url.replace("CANARY", str(canary))}" }}\n')

        assert "cookbooks.toml:2: " in place.refused("deps", "lock")
        assert not canary.exists()
        assert "secret" not in place.refused("deps", "lock")

    @pytest.mark.parametrize("url", PRIVATE_URLS)
    def test_S19_other_schemes_and_private_addresses_need_to_be_allowed(self, place: Place, url: str) -> None:
        place.environment = STRICT
        place.wants(f'[cookbooks]\nnginx = {{ git = "{url}" }}\n')

        said = place.refused("deps", "lock")

        assert "cookbooks.toml:2: " in said
        assert "--allow-insecure-sources" in said or "an address in an unusual spelling" in said

    @pytest.mark.parametrize("kind", ["tag", "branch", "rev"])
    @pytest.mark.parametrize(
        "ref", ["--upload-pack=x", "-x", "a b", "a..b", "a\\nb", "HEAD^{/x}", "@{-1}", "", "a" * 300]
    )
    def test_S20_a_hostile_revision_is_refused(self, place: Place, kind: str, ref: str) -> None:
        place.wants(f'[cookbooks]\nnginx = {{ git = "https://example.org/x", {kind} = "{ref}" }}\n')

        assert f"cookbooks.toml:2: nginx: {kind}" in place.refused("deps", "lock")

    def test_S20_no_hook_no_filter_and_no_submodule_runs(
        self, place: Place, canary: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        made = Repository(tmp_path / "nginx", cookbook("nginx", folder=""))
        home = tmp_path / "home"
        home.mkdir()
        (home / ".gitconfig").write_text(
            f'[filter "x"]\n\tsmudge = touch {canary}\n[core]\n\tfsmonitor = touch {canary}\n\tpager = touch {canary}\n'
        )
        monkeypatch.setenv("HOME", str(home))
        made.commit(
            {
                ".gitattributes": "* filter=x\n",
                ".gitmodules": f'[submodule "m"]\n\tpath = m\n\turl = ext::touch {canary}\n',
            }
        )
        hook = made.path / ".git/hooks/post-checkout"
        hook.write_text(f"#!/bin/sh\ntouch {canary}\n")
        hook.chmod(0o755)

        place.wants(f'[cookbooks]\nnginx = {{ git = "{made.path}" }}\n').ok("deps", "lock")

        assert not canary.exists()

    def test_S20_a_redirect_is_not_followed_to_another_host(self, place: Place, tmp_path: Path) -> None:
        Repository(tmp_path / "nginx", cookbook("nginx", folder=""))
        other, server = GitServer(tmp_path), GitServer(tmp_path)
        server.redirects["/"] = other.url
        try:
            place.wants(f'[cookbooks]\nnginx = {{ git = "{server.url}/nginx/.git" }}\n')
            place.refused("deps", "lock")
        finally:
            server.close()
            other.close()
        assert other.seen == []

    @pytest.mark.parametrize("inside", ["files/link", "recipes/default.py", "cookbook.toml", "recipes", "."])
    def test_S22_a_link_in_a_cookbook_is_refused_and_what_it_leads_to_is_not_read(
        self, place: Place, tmp_path: Path, inside: str
    ) -> None:
        secret = Place(tmp_path / "secret").write(cookbook("nginx", "6.6.6", folder=""))
        made = Repository(tmp_path / "many", cookbook("nginx") | {"nginx/files/a": "x"})
        link = made.path / "nginx" / inside if inside != "." else made.path / "nginx"
        if link.is_dir():
            made.git("rm", "-r", "--quiet", str(link))
        link.unlink(missing_ok=True)
        link.parent.mkdir(exist_ok=True)
        link.symlink_to(secret.root / inside if inside != "files/link" else "/etc/passwd")
        made.commit({})

        place.wants(f'[cookbooks]\nnginx = {{ git = "{made.path}", path = "nginx" }}\n')

        assert "cookbooks.toml:2: nginx: " in place.refused("deps", "lock")
        assert list(place.cache.rglob("cookbook.toml")) == []


@pytest.fixture(scope="module")
def web() -> Iterator[Web]:
    served = Web()
    yield served
    served.close()


CORPUS = [each for each in corpus() if "25,000" not in each.name]
"""Making and removing so many files takes seconds; that they are too many is shown in tests/agent/core/test_archives.py."""


class TestArchives:
    @pytest.mark.parametrize("hostile", CORPUS, ids=[each.name for each in CORPUS])
    def test_S21_a_hostile_archive_becomes_no_dependency_and_no_package(
        self, place: Place, canary: Path, web: Web, hostile: Hostile
    ) -> None:
        web.pages["/x.tar.gz"] = Page(hostile.data)
        file = place.root / "x.tar.gz"
        file.write_bytes(hostile.data)
        fetcher = Fetcher(place.root, Cache(place.cache), allow_insecure=True)
        origin = Archive(f"{web.url}/x.tar.gz", hashlib.sha256(hostile.data).hexdigest(), ".")
        before = {each.name for each in canary.parent.rglob("*")}

        with pytest.raises(NotToBeHad):
            fetcher.bring(Locked("nginx", "1.0.0", "0" * 64, origin, {}))
        with pytest.raises(BadPackage):
            verify(file)

        after = {each.name for each in canary.parent.rglob("*")}
        assert after == before
        assert "canary" not in after

    @pytest.mark.parametrize("url", ["file:///etc/passwd", "https://127.0.0.1/x", "http://example.org/x", "ssh://h/x"])
    def test_S19_an_archive_comes_over_https_from_public_addresses(self, place: Place, url: str) -> None:
        place.environment = STRICT
        place.wants(f'[cookbooks]\nnginx = {{ archive = "{url}", sha256 = "{"0" * 64}" }}\n')

        assert "cookbooks.toml:2: nginx: " in place.refused("deps", "lock")

    def test_S22_a_package_with_an_entry_of_another_name_is_refused(self, place: Place) -> None:
        place.ok("package", "-o", "good.tar.gz")
        for name, files in {
            "a stranger beside": {"package.json": "", "stray/x": "y"},
            "names that lead out": {"package.json": '{"format":1,"cookbooks":{"../../etc":{}}}'},
            "no object": {"package.json": "[1]"},
            "deep": {"package.json": "[" * 100_000},
            "no list of files": {"package.json": '{"format":1,"cookbooks":{"shop":3}}', **cookbook("shop")},
        }.items():
            (place.root / "evil.tar.gz").write_bytes(tarball(files))
            assert "evil.tar.gz is refused" in place.refused("package", "--verify", "evil.tar.gz"), name


HOSTILE_NAMES = [
    "../../x",
    "/etc",
    "..",
    ".",
    "A",
    "1x",
    "x y",
    "x/y",
    "x\\u0000",
    "x\\ny",
    "-x",
    "x" * 65,
    "ünder",
    "",
]


class TestNames:
    @pytest.mark.parametrize("name", HOSTILE_NAMES, ids=range(len(HOSTILE_NAMES)))
    def test_S22_a_name_in_cookbooks_toml_is_a_cookbook_s(self, place: Place, name: str) -> None:
        place.wants(f'[cookbooks]\n"{name}" = {{ path = "../x" }}\n')
        assert "cookbooks.toml" in place.refused("deps", "lock")
        place.wants(f'[sources]\n"{name}" = {{ server = "https://example.org", stack = "s" }}\n')
        assert "cookbooks.toml" in place.refused("deps", "lock")
        place.refused("deps", "add", "--", name.encode().decode("unicode_escape").replace("\0", "\x01"))

    @pytest.mark.parametrize("name", HOSTILE_NAMES, ids=range(len(HOSTILE_NAMES)))
    def test_S22_a_cookbook_that_bears_such_a_name_is_refused(self, place: Place, tmp_path: Path, name: str) -> None:
        made = Repository(tmp_path / "nginx", cookbook("nginx", folder=""))
        made.commit({"cookbook.toml": f'[cookbook]\nname = "{name}"\nversion = "1.0"\n'})
        place.wants(f'[cookbooks]\nnginx = {{ git = "{made.path}" }}\n')

        assert "cookbooks.toml:2: nginx: cookbook.toml:2: name must be" in place.refused("deps", "lock")

    @pytest.mark.parametrize(
        ("files", "says"),
        [
            ({"recipes/../../x.py": ""}, None),
            ({"recipes/a b.py": ""}, "a recipe's file name"),
            ({"recipes/-x.py": ""}, "a recipe's file name"),
            ({"cookbook.toml": '[cookbook]\nname = "nginx"\nversion = "1;rm"\n'}, "version must look like"),
            ({"cookbook.toml": '[cookbook]\nname = "nginx"\nversion = "١"\n'}, "version must look like"),
            ({"cookbook.toml": '[cookbook]\nname = "nginx"\n[requires]\n"../x" = "*"\n'}, "[requires] ../x"),
            ({"cookbook.toml": '[cookbook]\nname = "nginx"\n[requires]\nx = "===1"\n'}, "[requires] of nginx 0.1.0"),
            ({"files/a\nb": ""}, "has a name that no cookbook may have"),
            ({"files/\\x": ""}, "has a name that no cookbook may have"),
            ({"Readme": "", "README": ""}, "which differ by case only"),
        ],
        ids=["up", "blank", "dash", "version", "digits", "requires", "specifier", "newline", "backslash", "twins"],
    )
    def test_S22_names_and_versions_in_a_fetched_cookbook_are_judged(
        self, place: Place, tmp_path: Path, files: dict[str, str], says: str | None
    ) -> None:
        made = Repository(tmp_path / "nginx", cookbook("nginx", folder=""))
        (made.path / "recipes").mkdir(exist_ok=True)
        made.commit(files)
        place.wants(f'[cookbooks]\nnginx = {{ git = "{made.path}" }}\n')
        if says is None:
            place.ok("deps", "lock")
            return

        said = place.refused("deps", "lock")

        assert "cookbooks.toml:2: " in said
        assert says in said

    @pytest.mark.parametrize(
        "path", ["../x", "/etc", "a/../../x", ".git", "a/.GIT/x", "a//b", "-x", "", "a\\nb", "a\\\\b"]
    )
    @pytest.mark.parametrize("kind", ["git", "archive"])
    def test_S22_a_path_stays_inside(self, place: Place, kind: str, path: str) -> None:
        place.wants(f'[cookbooks]\nnginx = {{ {kind} = "https://example.org/x.tar.gz", path = "{path}" }}\n')

        assert "cookbooks.toml:2: nginx: path " in place.refused("deps", "lock")

    @pytest.mark.parametrize(
        ("text", "says"),
        [
            ("[cookbook]\n", "cookbooks.toml:1: there is no table [cookbook] (did you mean cookbooks?)"),
            ("cookbooks = 3\n", "cookbooks.toml:1: cookbooks must be a table"),
            ("[cookbooks]\n\nnginx = 3\n", "cookbooks.toml:3: [cookbooks] must be like nginx ="),
            ('[cookbooks]\nnginx = "1.2"\n', "cookbooks.toml:2: nginx: version '1.2' is no version: write \"==1.2\""),
            ('[cookbooks]\nnginx = "~> 1.2"\n', 'is "~=1.2" here'),
            ('[cookbooks]\nnginx = ">=1;x"\n', "is no version such as"),
            ('[cookbooks]\nnginx = ">=1.2"\n', "nginx says no place: give git, archive or path"),
            ('[cookbooks]\nnginx = { git = "https://h/x", tag = "a", rev = "b" }\n', "tag and rev exclude each other"),
            ('[cookbooks]\nnginx = { git = "https://h/x", gat = "a" }\n', "has no gat (did you mean git?)"),
            ('[cookbooks]\nnginx = { git = ["x"] }\n', "nginx: git must be a text"),
            ('[cookbooks]\nnginx = { git = "https://h/x", rev = "main" }\n', "rev must be a whole commit id"),
            ('[cookbooks]\nnginx = { archive = "https://h/x", sha256 = "ABC" }\n', "sha256 must be 64 digits"),
            ('[cookbooks]\nnginx = { builtin = "yes" }\n', "builtin is true"),
            ('[cookbooks]\nnginx = { source = "main" }\n', "nginx says no place"),
            ('[sources]\nmain = { server = "https://h" }\n', "cookbooks.toml:2: [sources] must be like"),
            ('[sources]\nmain = { server = "file:///x", stack = "s" }\n', "cookbooks.toml:2: [sources] main"),
            ("[cookbooks\n", "cookbooks.toml:1: "),
            ("[cookbooks]\nx = " + "9" * 5000 + "\n", "cookbooks.toml:1: cannot be read"),
            ("x = " + "[" * 50_000 + "\n", "cookbooks.toml:1: cannot be read"),
            ('[cookbooks]\n"a\\nb" = "*"\n', "[cookbooks] 'a\\nb' is no name"),
            ("[cookbooks]\n" + "".join(f'c{n} = {{ path = "x" }}\n' for n in range(501)), "has more than 500"),
            ("#" * (1 << 21), "is larger than 1 MiB"),
        ],
        ids=range(22),
    )
    def test_S22_what_cookbooks_toml_may_not_say_is_named_with_its_line(
        self, place: Place, text: str, says: str
    ) -> None:
        said = place.wants(text).refused("deps", "lock")

        assert says in said, said

    def test_S22_a_file_that_is_not_utf_8_or_no_file_is_refused(self, place: Place) -> None:
        (place.root / "cookbooks.toml").write_bytes(b"\xff\xfe")
        assert "cookbooks.toml:1: is not UTF-8" in place.refused("deps", "lock")
        (place.root / "cookbooks.toml").unlink()
        (place.root / "cookbooks.toml").mkdir()
        assert "cookbooks.toml: cannot be read" in place.refused("package")


ENTRY = f"""[[cookbook]]
name = "nginx"
version = "1.4.0"
digest = "{"a" * 64}"
git = "https://example.org/nginx"
tag = "v1"
commit = "{"b" * 40}"
path = "."
"""


def changed(old: str, new: str) -> Callable[[str], str]:
    return lambda text: text.replace(old, new)


TAMPERED = {
    "name up": changed('"nginx"', '"../nginx"'),
    "no name": changed('name = "nginx"\n', ""),
    "version": changed('"1.4.0"', '"1.4.0\\n"'),
    "digest": changed("a" * 64, "../" * 21 + "a"),
    "digest case": changed("a" * 64, "A" * 64),
    "url": changed("https://example.org/nginx", "ext::sh -c x"),
    "option": changed("https://example.org/nginx", "--upload-pack=x"),
    "other url": changed("https://example.org/nginx", "https://evil.example.org/nginx"),
    "other tag": changed('"v1"', '"v2"'),
    "no commit": changed("b" * 40, ""),
    "short commit": changed("b" * 40, "b" * 7),
    "path up": changed('path = "."', 'path = "../x"'),
    "path of git": changed('path = "."', 'path = ".git"'),
    "number": changed('"1.4.0"', "1"),
    "further key": lambda text: text + 'hook = "x"\n',
    "two kinds": lambda text: text + 'archive = "https://example.org/x"\n',
    "two refs": lambda text: text + 'branch = "x"\n',
    "twice": lambda text: text + ENTRY,
    "a stranger": lambda text: text + ENTRY.replace("nginx", "other"),
    "requires": lambda text: text + 'requires = { "../x" = "*" }\n',
    "bad specifier": lambda text: text + 'requires = { x = "; rm" }\n',
    "requires is a list": lambda text: text + 'requires = ["x"]\n',
    "version 2": changed("version = 1\n", "version = 2\n"),
    "no list": lambda text: text.partition("[[")[0] + 'cookbook = "x"\n',
    "no tables": lambda text: text.partition("[[")[0] + 'cookbook = ["x"]\n',
    "nothing": lambda _: "",
    "no toml": lambda _: "<<<<<<< HEAD\n",
    "another kind": lambda text: text.partition("git =")[0] + 'path = "../x"\n',
    "a source": lambda text: text.partition("git =")[0] + f'source = "main"\nbundle = "{"c" * 64}"\n',
}


@pytest.mark.parametrize("tamper", TAMPERED.values(), ids=TAMPERED)
@pytest.mark.parametrize("command", [["package"], ["publish", "--stack", "s"]], ids=["package", "publish"])
def test_S22_a_lock_that_was_tampered_with_is_refused_before_anything_is_fetched(
    place: Place, tamper: Callable[[str], str], command: list[str]
) -> None:
    place.wants('[cookbooks]\nnginx = { git = "https://example.org/nginx", tag = "v1" }\n')
    wants = _wants(place)
    place.write({"cookbooks.lock": tamper(f'version = 1\nwants = "{wants}"\n\n{ENTRY}')})

    said = place.refused(*command)

    assert "cookbooks.lock" in said
    assert "toque cookbook deps lock" in said
    assert "fetching" not in said


def _wants(place: Place) -> str:
    from toque.cookbook.deps.lock import wants_of
    from toque.cookbook.deps.repository import Repository as OnDisk

    found = OnDisk.read(place.root)
    return wants_of(found.manifest, found.own)


def test_what_was_not_tampered_with_is_read(place: Place) -> None:
    """The table above is of this lock: without a change it goes as far as to the network, or here to --offline."""
    place.wants('[cookbooks]\nnginx = { git = "https://example.org/nginx", tag = "v1" }\n')
    place.write({"cookbooks.lock": f'version = 1\nwants = "{_wants(place)}"\n\n{ENTRY}'})

    assert "--offline forbids" in place.refused("package", "--offline")


def test_S22_a_note_of_the_cache_that_was_tampered_with_leads_nowhere(place: Place, tmp_path: Path) -> None:
    made = Repository(tmp_path / "nginx", cookbook("nginx", folder=""))
    place.wants(f'[cookbooks]\nnginx = {{ git = "{made.path}" }}\n').ok("deps", "lock")
    lock = place.lock
    for said in (b"[]", b'{"path": 3}', b"\xff", canonical({"path": "../..", "digest": "../" * 21 + "x"})):
        for note in (place.cache / "toque/cookbooks/notes").iterdir():
            note.write_bytes(said)
        (place.root / "cookbooks.lock").unlink()
        place.ok("deps", "lock")
        assert place.lock == lock


def test_reading_neither_file_needs_the_other(tmp_path: Path) -> None:
    assert read_lock(tmp_path) is None
    assert read_manifest(tmp_path).cookbooks == {}
    (tmp_path / "cookbooks.lock").write_text("x = [")
    with pytest.raises(BadDependencies, match=r"cookbooks\.lock:1: "):
        read_lock(tmp_path)
