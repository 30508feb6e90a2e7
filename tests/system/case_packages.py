"""Small packages made in a sandbox, in the formats of other systems, and a machine that says it is one of those."""

from __future__ import annotations

import hashlib
import io
import tarfile

from tests.system.case_sandbox import Box
from tests.system.case_words import put

RPMS = "/srv/rpms"
ARCH = "/srv/arch"


def be(box: Box, name: str, like: str = "") -> None:
    """Say in os-release that the machine is another system: by that the package manager is chosen."""
    put(box, "/srv/os-release", f'ID={name}\nID_LIKE="{like}"\nVERSION_ID=40\n'.encode())
    box.run("ln", "-sf", "/srv/os-release", "/etc/os-release")


def make_rpm(box: Box, name: str, version: str, folder: str = RPMS) -> None:
    """Build an rpm that brings /opt/NAME/version, and provides `virtual-NAME`."""
    spec = f"""\
Name: {name}
Version: {version}
Release: 1
Summary: a small thing
License: MIT
BuildArch: noarch
Provides: virtual-{name}
%description
A small thing.
%install
mkdir -p %{{buildroot}}/opt/{name}
echo {version} > %{{buildroot}}/opt/{name}/version
%files
/opt/{name}
"""
    put(box, f"/srv/{name}.spec", spec.encode())
    box.shell(
        f"mkdir -p {folder} && rpmbuild -bb --quiet --define '_topdir /srv/build' --define '_rpmdir {folder}'"
        f" --define '_build_name_fmt %%{{NAME}}-%%{{VERSION}}.rpm' /srv/{name}.spec 2>&1"
    )


def index_rpms(box: Box, folder: str = RPMS) -> None:
    box.run("createrepo_c", "--quiet", folder)


def make_arch_repository(box: Box, name: str, version: str) -> None:
    """Lay down a package and the database of its repository `toque`; Debian's pacman lacks the scripts that make them."""
    info = f"pkgname = {name}\npkgver = {version}\npkgdesc = a small thing\narch = any\nprovides = virtual-{name}\n"
    package = _tar({".PKGINFO": info, f"opt/{name}/version": version + "\n"})
    file = f"{name}-{version}-any.pkg.tar.gz"
    facts = {
        "FILENAME": file,
        "NAME": name,
        "VERSION": version,
        "CSIZE": str(len(package)),
        "ISIZE": "10",
        "SHA256SUM": hashlib.sha256(package).hexdigest(),
        "ARCH": "any",
        "PROVIDES": f"virtual-{name}",
    }
    description = "".join(f"%{key}%\n{value}\n\n" for key, value in facts.items())
    put(box, f"{ARCH}/{file}", package)
    put(box, f"{ARCH}/toque.db", _tar({f"{name}-{version}/desc": description}))


def _tar(files: dict[str, str]) -> bytes:
    made = io.BytesIO()
    with tarfile.open(fileobj=made, mode="w:gz") as archive:
        for name, content in files.items():
            entry = tarfile.TarInfo(name)
            entry.size = len(content.encode())
            archive.addfile(entry, io.BytesIO(content.encode()))
    return made.getvalue()
