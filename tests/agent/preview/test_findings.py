from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from toque.preview import accounts, packages
from toque.preview.files import FileChange
from toque.preview.findings import LISTED_BELOW, Findings
from toque.preview.packages import MANAGERS, PackageChange
from toque.preview.services import ServiceChange, run_for_real, units_shown

DPKG = MANAGERS[0]


def test_a_page_has_the_sections_that_have_something() -> None:
    found = Findings(
        0,
        files=[FileChange("/etc/a", "changed", "file", (), "-a\n+b")],
        packages=[PackageChange("nginx", "", "1.2", 3), PackageChange("old", "1", "")],
        records=2,
        services=[ServiceChange("nginx.service", ["started"], recorded=True)],
        not_shown=[("sysctl[a]", "the kernel's")],
    )

    assert found.page() == (
        "\nFiles\n  changed /etc/a\n      -a\n      +b\n"
        "\nPackages\n  nginx 1.2 installed (3 files)\n  old 1 removed\n  (2 files of the package manager's own records)\n"
        "\nServices\n  nginx.service started (recorded, not run)\n"
        "\nNot shown\n  sysctl[a]: the kernel's\n"
    )


def test_nothing_is_said_to_be_nothing_unless_it_failed() -> None:
    assert Findings(0).page() == "\nnothing would change\n"
    assert Findings(1).page() == ""
    assert not Findings(0).anything


def test_a_large_new_directory_is_counted_but_for_what_a_recipe_names() -> None:
    below = [FileChange(f"/srv/new/{number:02}", "created", "file") for number in range(LISTED_BELOW + 2)]
    found = Findings(
        0,
        resources=[{"word": "file", "name": "/srv/new/05", "status": "changed"}],
        files=[FileChange("/srv/new", "created", "directory", ("0755 root:root",)), *below],
    )

    assert found.page() == (
        f"\nFiles\n  created /srv/new/ (0755 root:root), with {LISTED_BELOW + 2} below it\n  created /srv/new/05\n"
    )
    assert len(found.document()["files"]) == LISTED_BELOW + 3


def test_packages_are_compared_by_version_and_only_when_installed() -> None:
    def listed(argv: Sequence[str]) -> str:
        return "a:amd64\t1\tinstalled\nb\t2\tconfig-files\nc\t3\tinstalled\n"

    had = packages.installed(DPKG, listed)

    assert had == {"a:amd64": "1", "c": "3"}
    assert [str(each) for each in packages.differing(had, {"a:amd64": "2", "d": "1"})] == [
        "a:amd64 1 → 2",
        "c 3 removed",
        "d 1 installed",
    ]


def test_files_belong_to_packages_of_the_clone_and_to_those_that_the_host_had() -> None:
    new, gone = PackageChange("new", "", "1"), PackageChange("gone", "1", "")
    owners = packages.owners_of_files(
        DPKG, [new, gone], host=lambda argv: f"/host/{argv[-1]}\n", clone=lambda argv: f"/clone/{argv[-1]}\n"
    )

    assert owners == {"/clone/new": new, "/host/gone": gone}


def test_accounts_are_told_without_their_passwords(tmp_path: Path) -> None:
    for name, user, hashed in (
        ("was", "ann:x:1:1::/home/ann:/bin/sh", "ann:*:1:"),
        ("now", "ann:x:1:1::/srv:/bin/sh", "ann:$y$s:1:"),
    ):
        (tmp_path / name / "etc").mkdir(parents=True)
        (tmp_path / name / "etc/passwd").write_text(
            f"{user}\nbob:x:2:2:::/bin/sh\n"[: None if name == "now" else len(user) + 1]
        )
        (tmp_path / name / "etc/shadow").write_text(f"{hashed}\n")

    told = accounts.differing(accounts.users(tmp_path / "was"), accounts.users(tmp_path / "now"))

    assert [str(each) for each in told] == [
        "ann changed: home /home/ann → /srv, password",
        "bob created: uid 2, gid 2, shell /bin/sh",
    ]


def test_services_that_a_clone_really_started_are_told_unless_the_host_runs_them(tmp_path: Path) -> None:
    host, clone = tmp_path / "host", tmp_path / "clone"
    (clone / "etc/rc3.d").mkdir(parents=True)
    (clone / "etc/rc3.d/S01web").symlink_to("../init.d/web")
    (clone / "var/lib/toque-sandbox").mkdir(parents=True)
    (clone / "var/lib/toque-sandbox/services.json").write_text('["web", "cron"]')

    told = run_for_real(host, clone, runs_here=lambda name: name == "cron")

    assert [str(each) for each in told] == ["web enabled, started"]


def test_units_are_read_from_what_systemctl_shows() -> None:
    assert units_shown("Id=a.service\nActiveState=active\n\nActiveState=failed\nId=b.timer\n") == {
        "a.service": "active",
        "b.timer": "failed",
    }
