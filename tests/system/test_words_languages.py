"""The package managers of languages, Subversion and podman as they are; nothing is fetched from the internet."""

from __future__ import annotations

import base64
import hashlib
import shutil
import subprocess
import tempfile
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.needs import needs, needs_root
from tests.system.case_sandbox import Box, a_box
from tests.system.case_words import apply, put, toque
from toque import compose, container
from toque.core import LocalHost, Run, Secret

pytestmark = [pytest.mark.root, pytest.mark.slow, needs_root()]

PROVES = ("bundle", "compose", "container", "gem_package", "npm_package", "pip_package", "python_venv", "subversion")


@pytest.fixture(scope="module")
def box(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Box]:
    """One for all tests here: each keeps to a folder of its own."""
    with a_box(tmp_path_factory.mktemp("data")) as made:
        made.start().shell(
            "useradd --uid 4300 --create-home shop && mkdir -p /srv/index /srv/shop && chown shop /srv/shop"
        )
        yield made


def a_wheel(box: Box, name: str, version: str, requires: str = "") -> str:
    """Put a wheel into the index of the sandbox: one module that knows its version. Its sha256."""
    files = {
        f"{name}.py": f"VERSION = {version!r}\n",
        f"{name}-{version}.dist-info/METADATA": f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n{requires}",
        f"{name}-{version}.dist-info/WHEEL": "Wheel-Version: 1.0\nGenerator: test\nRoot-Is-Purelib: true\nTag: py3-none-any\n",
    }
    digests = {path: hashlib.sha256(text.encode()).digest() for path, text in files.items()}
    record = [
        f"{p},sha256={base64.urlsafe_b64encode(d).decode().rstrip('=')},{len(files[p])}" for p, d in digests.items()
    ]
    files[f"{name}-{version}.dist-info/RECORD"] = "\n".join([*record, f"{name}-{version}.dist-info/RECORD,,", ""])
    file = Path(f"/proc/{box.pid}/root/srv/index/{name.replace('_', '-')}/{name}-{version}-py3-none-any.whl")
    file.parent.mkdir(exist_ok=True)
    with zipfile.ZipFile(file, "w") as wheel:
        for path, text in files.items():
            wheel.writestr(path, text)
    there = sorted(each.name for each in file.parent.glob("*.whl"))
    (file.parent / "index.html").write_text("".join(f'<a href="{each}">{each}</a>\n' for each in there))
    return hashlib.sha256(file.read_bytes()).hexdigest()


def imported(box: Box, *modules: str) -> str:
    """The versions that the environment's own Python sees."""
    code = f"import {', '.join(modules)}; print({', '.join(f'{each}.VERSION' for each in modules)})"
    return box.run("/srv/shop/venv/bin/python", "-c", code)


PROJECT = b'[build-system]\nrequires = []\nbuild-backend = "make"\nbackend-path = ["."]\n'
BACKEND = b'''
import zipfile

def build_editable(folder, settings=None, metadata=None):
    """A wheel that only says where the project is."""
    info = "inplace-0.3.dist-info"
    with zipfile.ZipFile(f"{folder}/inplace-0.3-py3-none-any.whl", "w") as wheel:
        wheel.writestr("inplace.pth", "/srv/inplace\\n")
        wheel.writestr(f"{info}/METADATA", "Metadata-Version: 2.1\\nName: inplace\\nVersion: 0.3\\n")
        wheel.writestr(f"{info}/WHEEL", "Wheel-Version: 1.0\\nRoot-Is-Purelib: true\\nTag: py3-none-any\\n")
        wheel.writestr(f"{info}/RECORD", "")
    return "inplace-0.3-py3-none-any.whl"
'''


@needs("python3")
def test_a_virtual_environment_and_the_packages_in_it_come_change_and_go(box: Box) -> None:
    a_wheel(box, "tiny", "1.0")
    a_wheel(box, "tiny", "2.0", "Provides-Extra: more\nRequires-Dist: extra_one ; extra == 'more'\n")
    digest = a_wheel(box, "extra_one", "0.1")
    recipe = """
        from toque import pip_package, python_venv
        venv = python_venv("/srv/shop/venv", interpreter="/usr/bin/python3", owner="shop").path
        pip_package("tiny", version="< 2", venv=venv, index_url="file:///srv/index")
        """

    apply(box, recipe)

    assert box.run("stat", "-c", "%U", "/srv/shop/venv", "/srv/shop/venv/bin/python").split() == ["shop", "shop"]
    assert imported(box, "tiny") == "1.0"
    assert box.shell("stat -c %U /srv/shop/venv/lib/python3*/site-packages/tiny.py") == "shop"

    put(box, "/srv/locked.txt", f"extra_one==0.1 --hash=sha256:{digest}  # it is small\n".encode())
    put(box, "/srv/inplace/pyproject.toml", PROJECT)
    put(box, "/srv/inplace/make.py", BACKEND)
    put(box, "/srv/inplace/inplace.py", b"VERSION = 'mine'\n")
    said = apply(
        box,
        """
        from toque import pip_package
        where = {"venv": "/srv/shop/venv", "index_url": "file:///srv/index"}
        pip_package("tiny", upgrade=True, **where)
        pip_package(requirements="/srv/locked.txt", require_hashes=True, **where)
        pip_package("tiny", extras=["more"], **where)
        pip_package(editable="/srv/inplace", options=["--no-index"], **where)
        """,
    )
    assert "tiny 2.0" in said
    assert imported(box, "tiny", "extra_one", "inplace") == "2.0 0.1 mine"

    put(box, "/srv/locked.txt", f"tiny==1.0 --hash=sha256:{'0' * 64}\n".encode())
    code, said = toque(
        box,
        "apply",
        """
        from toque import pip_package
        pip_package(requirements="/srv/locked.txt", venv="/srv/shop/venv", index_url="file:///srv/index")
        """,
    )
    assert code == 1
    assert "DO NOT MATCH THE HASHES" in said

    said = apply(
        box,
        """
        from toque import pip_package, python_venv
        pip_package(["tiny", "extra-one"], venv="/srv/shop/venv", present=False)
        python_venv("/srv/shop/venv", present=False)
        """,
    )
    assert "pip_package[tiny extra-one] removed" in said
    assert box.shell("ls /srv/shop") == ""


@needs("npm")
def test_a_package_of_node_for_the_machine_and_a_project_as_its_lock_file_says(box: Box) -> None:
    put(box, "/srv/left/package.json", b'{"name": "left", "version": "1.2.0", "bin": {"left": "left.js"}}')
    put(box, "/srv/left/left.js", b"#!/usr/bin/env node\nconsole.log('left')\n")
    box.shell("cd /srv/left && npm pack --silent --offline && mkdir /srv/web && chown shop /srv/web")
    put(box, "/srv/web/package.json", b'{"name": "web", "dependencies": {"left": "file:../left/left-1.2.0.tgz"}}')
    box.shell("cd /srv/web && npm install --silent --offline --package-lock-only && chown -R shop /srv/web")
    recipe = """
        from toque import npm_package
        npm_package("left", source="/srv/left/left-1.2.0.tgz", version="^1.1")
        npm_package(path="/srv/web", ci=True, production=True)
        """

    apply(box, recipe)

    assert box.run("left") == "left"
    assert box.run("node", "-p", "require('/srv/web/node_modules/left/package.json').version") == "1.2.0"
    assert box.run("stat", "-c", "%U", "/srv/web/node_modules/left/left.js") == "shop"

    apply(box, 'from toque import npm_package\nnpm_package("left", present=False)\n')
    assert box.execute(["which", "left"]).returncode == 1


@needs("gem", "bundle")
def test_gems_alone_and_for_a_project(box: Box) -> None:
    for version in ("0.1", "0.2"):
        text = (
            f"Gem::Specification.new('pebble', '{version}') {{|s| s.summary = 's'; s.authors = ['a']; s.files = []}}\n"
        )
        put(box, "/srv/gems/pebble.gemspec", text.encode())
        box.shell("cd /srv/gems && gem build --silent pebble.gemspec")
    put(box, "/srv/rails/Gemfile", b"source 'https://rubygems.org'\ngem 'pebble'\n")
    box.shell("chown shop /srv/rails")

    apply(
        box,
        """
        from toque import bundle, gem_package
        gem_package("pebble", source="/srv/gems/pebble-0.1.gem", version="~> 0.1.0")
        bundle("/srv/rails", without=["test"], options=["--local"])
        """,
    )

    assert "pebble (0.1)" in box.run("gem", "list", "--local")
    assert box.run("stat", "-c", "%U", "/srv/rails/Gemfile.lock", "/srv/rails/.bundle/config").split() == [
        "shop",
        "shop",
    ]

    apply(box, 'from toque import gem_package\ngem_package("pebble", present=False)\n')
    assert "pebble" not in box.run("gem", "list", "--local")


@needs("svnadmin", "svn")
def test_a_working_copy_and_an_export_follow_a_repository(box: Box) -> None:
    box.shell("svnadmin create /srv/repo && svn mkdir -q -m start file:///srv/repo/trunk && mkdir /srv/import")
    for text in ("one", "two"):
        put(box, f"/srv/import/{text}", text.encode())
        box.shell(f"svn import -q -m {text} /srv/import/{text} file:///srv/repo/trunk/{text}")
    box.shell("chown -R shop /srv/repo")

    apply(
        box,
        """
        from toque import subversion
        where = {"repository": "file:///srv/repo/trunk", "allow_insecure": True, "user": "shop"}
        subversion("/srv/copy", revision=2, **where)
        subversion("/srv/plain", export=True, **where)
        """,
    )

    assert box.shell("cd /srv; cat copy/* plain/*; stat -c %U copy/one plain/two") == "oneonetwoshop\nshop"
    assert box.execute(["test", "-e", "/srv/plain/.svn"]).returncode == 1

    box.shell("echo mine > /srv/copy/one")
    apply(
        box,
        """
        from toque import subversion
        subversion("/srv/copy", repository="file:///srv/repo/trunk", allow_insecure=True, user="shop")
        """,
    )
    assert box.shell("cat /srv/copy/*") == "onetwo"


@pytest.fixture
def podman(tmp_path: Path) -> Iterator[list[str]]:
    """podman with a storage of its own and one image, and what it made gone afterwards.

    On this machine itself: inside of a sandbox the kernel lets nobody mount another /proc.
    """
    short = tempfile.mkdtemp(prefix="toque-", dir="/run")  # podman takes no longer path for it than 50 characters
    storage = ["--root", str(tmp_path / "root"), "--runroot", short, "--storage-driver", "vfs"]
    argv = ["podman", *storage, "--cgroup-manager", "cgroupfs", "--runtime", "runc", "--events-backend", "file"]
    argv += ["--network-config-dir", str(tmp_path / "networks")]
    (tmp_path / "image/bin").mkdir(parents=True)
    shutil.copy("/bin/busybox", tmp_path / "image/bin/busybox")
    subprocess.run(["tar", "-cf", tmp_path / "image.tar", "-C", tmp_path / "image", "."], check=True)
    subprocess.run([*argv, "import", "--quiet", tmp_path / "image.tar", "localhost/tiny:1"], check=True)
    yield argv
    subprocess.run([*argv, "rm", "--all", "--force", "--time", "0"], check=True, capture_output=True)
    subprocess.run([*argv, "network", "prune", "--force"], check=True, capture_output=True)
    shutil.rmtree(short)


@needs("podman", "runc", "busybox")
def test_a_container_is_made_changed_stopped_and_removed(podman: list[str], tmp_path: Path) -> None:
    def said(*words: str) -> str:
        return subprocess.run([*podman, *words], check=True, capture_output=True, text=True).stdout.strip()

    def shown(template: str) -> str:
        return said("container", "inspect", "--format", template, "toque-shop")

    given: dict[str, Any] = {
        "image": "localhost/tiny:1",
        "digest": said("image", "inspect", "--format", "{{.Digest}}", "localhost/tiny:1"),
        "engine": "podman",
        "engine_options": podman[1:],
        "environment": {"TOKEN": Secret("sesame 1"), "GREETING": "hello"},
        "mounts": [f"{tmp_path}/image:/data:ro"],
        "network": "host",
        "options": ["--ulimit", "nofile=1024:1024", "--ulimit", "nproc=1024:1024", "--stop-timeout", "0"],
        "command": ["/bin/busybox", "sleep", "600"],
    }

    with Run(LocalHost()):
        assert container("toque-shop", **given).changed
        assert not container("toque-shop", **given).changed
    inside = said("exec", "toque-shop", "/bin/busybox", "sh", "-c", "echo $GREETING $TOKEN; busybox ls /data")
    assert inside.split("\n") == ["hello sesame 1", "bin"]
    first = shown("{{.Id}}")

    with Run(LocalHost()):
        assert container("toque-shop", **given, running=False).changed
    assert shown("{{.Id}} {{.State.Running}}") == f"{first} false"

    given |= {"environment": {"TOKEN": "sesame 1", "GREETING": "goodbye"}, "restart_policy": "always", "running": False}
    with Run(LocalHost()):
        assert container("toque-shop", **given).changed
    assert shown("{{.HostConfig.RestartPolicy.Name}}") == "always"
    assert shown("{{.Id}}") != first

    with Run(LocalHost()):
        container("toque-shop", engine_options=podman[1:], present=False)
    assert said("ps", "--all", "--quiet") == ""


@needs("podman", "podman-compose", "runc", "busybox")
def test_a_compose_file_is_brought_up_changed_and_taken_down(podman: list[str], tmp_path: Path) -> None:
    def commands() -> list[str]:
        """What the project's running containers run."""
        listed = ["ps", "--quiet", "--filter", "label=com.docker.compose.project=toque-shop"]
        found = subprocess.run([*podman, *listed], check=True, capture_output=True, text=True).stdout.split()
        shown = [*podman, "container", "inspect", "--format", "{{.Config.Cmd}}", *found]
        return subprocess.run(shown, check=True, capture_output=True, text=True).stdout.splitlines() if found else []

    def shop(seconds: int, **given: Any) -> bool:
        limits = "ulimits: {nofile: 1024, nproc: 1024}, stop_signal: SIGKILL"
        service = f"image: localhost/tiny:1, command: [/bin/busybox, sleep, '{seconds}', '${{WHO}}'], {limits}"
        content = f"services:\n  web: {{{service}}}\n"
        options = podman[1:]
        path = f"{tmp_path}/compose.yaml"
        given |= {"content": content, "project": "toque-shop", "engine_options": options, "environment": {"WHO": "1"}}
        with Run(LocalHost()):
            return compose(path, **given).changed

    assert shop(600)
    assert not shop(600)
    assert commands() == ["[/bin/busybox sleep 600 1]"]

    assert shop(700)
    assert commands() == ["[/bin/busybox sleep 700 1]"]

    shop(700, present=False)
    assert commands() == []
    assert (tmp_path / "compose.yaml").exists()
