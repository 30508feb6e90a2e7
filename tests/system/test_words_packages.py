"""Packages of Debian's family as they are: apt, debconf and a signed repository made here, in a sandbox."""

from __future__ import annotations

import gzip
import hashlib
import shutil
import subprocess
import threading
from collections.abc import Iterator
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from tests.needs import needs, needs_root
from tests.system.case_sandbox import Box, a_box
from tests.system.case_words import apply, put, toque

pytestmark = [pytest.mark.root, pytest.mark.slow, needs_root(), needs("apt-get", "dpkg-deb", "gpg")]

PROVES = ("apt_repository", "os_upgrade", "package", "package_index")

CONFIG = """\
#!/bin/sh -e
. /usr/share/debconf/confmodule
db_input high tool/port || true
db_go || true
"""
POSTINST = """\
#!/bin/sh -e
. /usr/share/debconf/confmodule
db_get tool/port
echo "$RET" > /opt/tool/port
"""
TEMPLATES = "Template: tool/port\nType: string\nDefault: 80\nDescription: Where shall it listen?\n"


class Repository:
    """A signed repository of packages in a folder, and the key that signs it."""

    def __init__(self, folder: Path) -> None:
        self.home, self.root = folder / "gnupg", folder / "www"
        self.home.mkdir(mode=0o700)
        (self.root / "dists/stable/main/binary-all").mkdir(parents=True)
        self.gpg(
            "--passphrase", "", "--quick-generate-key", "Toque Test <test@example.org>", "ed25519", "sign", "never"
        )
        listed = self.gpg("--with-colons", "--list-keys").decode().splitlines()
        self.fingerprint = next(line.split(":")[9] for line in listed if line.startswith("fpr"))
        self.key = self.gpg("--armor", "--export").decode()
        (self.root / "key.asc").write_text(self.key)
        self.stanzas: list[str] = []

    def gpg(self, *arguments: str, input: bytes | None = None) -> bytes:
        argv = ["gpg", "--homedir", str(self.home), "--batch", "--quiet", "--pinentry-mode", "loopback", *arguments]
        return subprocess.run(argv, input=input, capture_output=True, check=True).stdout

    def add(self, version: str) -> None:
        """Make a package `tool` that asks debconf for a port, and sign the lists anew."""
        tree = self.root.parent / f"tool-{version}"
        (tree / "DEBIAN").mkdir(parents=True)
        (tree / "opt/tool").mkdir(parents=True)
        (tree / "opt/tool/version").write_text(version + "\n")
        control = f"Package: tool\nVersion: {version}\nArchitecture: all\nMaintainer: Toque <test@example.org>\n"
        (tree / "DEBIAN/control").write_text(control + "Depends: debconf\nDescription: a small thing\n")
        (tree / "DEBIAN/templates").write_text(TEMPLATES)
        for name, script in (("config", CONFIG), ("postinst", POSTINST)):
            (tree / "DEBIAN" / name).write_text(script)
            (tree / "DEBIAN" / name).chmod(0o755)
        file = self.root / f"tool_{version}_all.deb"
        subprocess.run(
            ["dpkg-deb", "--root-owner-group", "--build", "-Znone", tree, file], check=True, capture_output=True
        )
        data = file.read_bytes()
        facts = f"Filename: {file.name}\nSize: {len(data)}\nSHA256: {hashlib.sha256(data).hexdigest()}\n"
        self.stanzas.append(control + f"Depends: debconf\n{facts}Description: a small thing\n")
        self.sign()

    def sign(self) -> None:
        packages = gzip.compress("\n".join(self.stanzas).encode(), mtime=0)
        (self.root / "dists/stable/main/binary-all/Packages.gz").write_bytes(packages)
        plain = "\n".join(self.stanzas).encode()
        sums = "".join(
            f" {hashlib.sha256(each).hexdigest()} {len(each)} main/binary-all/{name}\n"
            for name, each in (("Packages", plain), ("Packages.gz", packages))
        )
        release = "Origin: Toque\nLabel: Toque-Security\nSuite: stable\nCodename: stable\nArchitectures: all amd64\n"
        release += f"Components: main\nDate: Sat, 01 Jan 2022 00:00:00 UTC\nSHA256:\n{sums}"
        (self.root / "dists/stable/InRelease").write_bytes(self.gpg("--clearsign", input=release.encode()))


@pytest.fixture(scope="module")
def repository(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Repository]:
    made = Repository(tmp_path_factory.mktemp("repository"))
    made.add("1.0")
    yield made
    subprocess.run(["gpgconf", "--homedir", str(made.home), "--kill", "gpg-agent"], check=False)


@pytest.fixture(scope="module")
def url(repository: Repository) -> Iterator[str]:
    class Quiet(SimpleHTTPRequestHandler):
        def log_message(self, *_: object) -> None: ...

    with ThreadingHTTPServer(("127.0.0.1", 0), partial(Quiet, directory=str(repository.root))) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_address[1]}"
        server.shutdown()


@pytest.fixture(scope="module")
def box(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Box]:
    with a_box(tmp_path_factory.mktemp("data")) as made:
        made.start()
        # Only what is made here is asked: Debian's own mirrors have nothing to do with it.
        made.shell("rm -rf /etc/apt/sources.list /etc/apt/sources.list.d/* /var/lib/apt/lists/*")
        yield made


def source(url: str, **properties: object) -> str:
    said = "".join(f", {name}={value!r}" for name, value in properties.items())
    return f"from toque import apt_repository\napt_repository('tools', uris={url!r}, suites='stable', components=['main']{said})\n"


def recipe(*lines: str) -> str:
    return "\n".join(["from toque import apt_repository, os_upgrade, package, package_index", *lines, ""])


def files(box: Box) -> str:
    """What the repository has left on the machine."""
    return box.run("find", "/etc/apt", "-name", "tools*")


def policy(box: Box) -> str:
    return box.run("apt-cache", "policy", "tool")


def test_a_signed_repository_is_believed_ranked_and_removed(box: Box, repository: Repository, url: str) -> None:
    key = {"key": f"{url}/key.asc", "fingerprint": repository.fingerprint, "allow_insecure": True}
    code, said = toque(box, "apply", source(url, **{**key, "fingerprint": "A" * 40}))
    assert code == 1
    assert f"holds the key {repository.fingerprint}, not {'A' * 40}: nothing was changed" in said
    assert files(box) == ""

    apply(box, source(url, **key, priority=990))

    assert "Signed-By: /etc/apt/keyrings/tools.gpg" in box.run("cat", "/etc/apt/sources.list.d/tools.sources")
    assert f"990 {url} stable/main" in policy(box)

    apply(box, source(url, key=repository.key, priority=100))
    assert f"100 {url} stable/main" in policy(box)

    apply(box, "from toque import apt_repository\napt_repository('tools', present=False)\n")
    assert files(box) == ""
    assert policy(box) == ""


def test_a_repository_that_somebody_else_signed_is_refused_and_put_back(
    box: Box, repository: Repository, url: str
) -> None:
    stranger = "/usr/share/keyrings/debian-archive-keyring.gpg"

    code, said = toque(box, "apply", source(url, key=stranger))

    assert code == 1
    assert "NO_PUBKEY" in said
    assert files(box) == ""


def test_packages_are_configured_held_upgraded_and_purged(box: Box, repository: Repository, url: str) -> None:
    there = source(url, key=repository.key)
    apply(box, there + recipe("package('tool', answers={'tool/port': 8080}, held=True)"))
    assert box.run("cat", "/opt/tool/port", "/opt/tool/version") == "8080\n1.0"
    assert box.run("apt-mark", "showhold") == "tool"

    repository.add("1.5")
    repository.add("2.0")
    fetch = ["package_index(max_age=0)", "package_index('again', max_age=0)"]
    code, said = toque(
        box, "apply", recipe(*fetch, "package('tool', version='>= 1.2, < 2', held=True)", "os_upgrade()")
    )
    assert code == 0, said
    assert "package_index[lists] changed" in said
    assert "package_index[again]" not in said
    assert "os_upgrade" not in said  # it is held
    assert box.run("cat", "/opt/tool/version") == "1.5"

    code, said = toque(box, "apply", recipe("package('tool', version='2.0')"))
    assert code == 1
    assert "tool is held at its version" in said
    assert "-tool 1.5 → 2.0" in apply(box, recipe("package('tool', held=False)", "os_upgrade(security=True)"))

    shutil.copy(repository.root / "tool_1.0_all.deb", f"/proc/{box.pid}/root/srv/tool.deb")
    apply(box, recipe("package('tool', file='/srv/tool.deb', downgrade=True)"))
    assert box.run("cat", "/opt/tool/version") == "1.0"

    code, said = toque(box, "apply", recipe("package('tool', answers={'tool/port': '9090'}).reconfigure()"))
    assert (code, box.run("cat", "/opt/tool/port")) == (0, "9090"), said

    apply(box, recipe("package('tool', present=False, purge=True)"))
    assert "Installed: (none)" in policy(box)


def test_a_lock_that_another_holds_is_waited_for_no_longer_than_is_said(box: Box, repository: Repository) -> None:
    put(box, "/srv/tool.deb", (repository.root / "tool_1.0_all.deb").read_bytes())
    put(box, "/srv/hold.py", HOLD)
    put(box, "/srv/recipe.py", recipe("package('tool', file='/srv/tool.deb', lock_timeout=1)").encode())

    said = box.shell("python3 /srv/hold.py /opt/toque/bin/toque apply /srv/recipe.py 2>&1")

    assert "dpkg frontend lock" in said


HOLD = b"""\
import fcntl, subprocess, sys
with open("/var/lib/dpkg/lock-frontend", "w") as file:
    fcntl.lockf(file, fcntl.LOCK_EX)
    subprocess.run(sys.argv[1:])
"""
