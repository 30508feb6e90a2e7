"""The words for files on a real machine: what ordinary programs see of them, and what somebody else wrote left alone."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.needs import needs_root
from tests.system.case_sandbox import Box, a_box
from tests.system.case_words import apply, put, toque

pytestmark = [pytest.mark.root, pytest.mark.slow, needs_root()]

PROVES = ("block", "cleanup", "config_value", "env_file", "line", "replace", "tree")


@pytest.fixture(scope="module")
def box(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Box]:
    """One for all tests here: each keeps to files of its own."""
    with a_box(tmp_path_factory.mktemp("data")) as made:
        made.start().shell("useradd --uid 4200 shop && mkdir -p /srv/w")
        yield made


def test_lines_and_blocks_of_a_file_come_and_go_and_the_rest_stays(box: Box) -> None:
    put(box, "/srv/w/sshd", b"Port 22\n#PermitRootLogin yes\nUsePAM yes\n")
    box.shell("chown shop:shop /srv/w/sshd; chmod 640 /srv/w/sshd")

    said = apply(
        box,
        r"""
        from toque import block, line, replace
        line("/srv/w/sshd", "PermitRootLogin no", match=r"^#?\s*PermitRootLogin\s")
        block("/srv/w/sshd", "Match User shop\n  ForceCommand false", marker="shop")
        replace("/srv/w/sshd", r"^Port (\d\d)$", r"Port 22\1")
        """,
    )

    assert "-#PermitRootLogin yes" in said
    assert "+PermitRootLogin no" in said
    expected = (
        "Port 2222\nPermitRootLogin no\nUsePAM yes\n# BEGIN shop\nMatch User shop\n  ForceCommand false\n# END shop"
    )
    assert box.run("cat", "/srv/w/sshd") == expected
    assert box.run("stat", "-c", "%U:%G %a", "/srv/w/sshd") == "shop:shop 640"

    apply(
        box,
        """
        from toque import block, line
        line("/srv/w/sshd", "UsePAM yes", present=False)
        block("/srv/w/sshd", marker="shop", present=False)
        """,
    )
    assert box.run("cat", "/srv/w/sshd") == "Port 2222\nPermitRootLogin no"


def test_a_change_that_does_not_verify_leaves_the_file_as_it_was(box: Box) -> None:
    put(box, "/srv/w/a.json", b'{"a": 1}\n')

    code, said = toque(box, "apply", 'from toque import line\nline("/srv/w/a.json", "oops", verify="json")')

    assert (code, "is not JSON" in said) == (1, True)
    assert box.shell("ls -A /srv/w; cat /srv/w/a.json").endswith('{"a": 1}')


def test_values_of_configuration_files_are_read_by_the_parsers_of_others(box: Box) -> None:
    put(box, "/srv/w/a.yaml", b"# ours\nserver:\n  port: 80  # http\n")
    put(box, "/srv/w/a.toml", b'# ours\n[server]\nport = 80 # http\nname = "x"\n')
    put(box, "/srv/w/a.ini", b"; ours\n[server]\nport = 80\n")

    apply(
        box,
        """
        from toque import Secret, config_value
        config_value("/srv/w/a.yaml", "server.port", 8080)
        config_value("/srv/w/a.toml", "server.port", 8080)
        config_value("/srv/w/a.toml", "server.name", present=False)
        config_value("/srv/w/a.ini", "port", 8080, section="server")
        config_value("/srv/w/b.json", "server.port", 8080, create=True)
        config_value("/srv/w/b.env", "GREETING", "it is 5 o'clock", create=True)
        """,
    )

    assert box.run("cat", "/srv/w/a.yaml") == "# ours\nserver:\n  port: 8080  # http"
    assert box.run("cat", "/srv/w/a.toml") == "# ours\n[server]\nport = 8080 # http"
    script = "import configparser, json; c = configparser.ConfigParser(); c.read('/srv/w/a.ini'); "
    script += "print(c['server']['port'], json.load(open('/srv/w/b.json')))"
    assert box.run("/opt/toque/bin/python", "-c", script) == "8080 {'server': {'port': 8080}}"
    assert box.shell(". /srv/w/b.env; echo $GREETING") == "it is 5 o'clock"


def test_a_tree_of_the_cookbook_is_there_with_its_owner_and_nothing_else(box: Box) -> None:
    put(box, "/srv/files/site/conf/a.conf.j2", b"port {{ port }}\n")
    put(box, "/srv/files/site/index.html", b"<p>hello</p>\n")
    put(box, "/srv/w/site/old.html", b"old")
    put(box, "/srv/w/site/cache/x", b"kept")

    said = apply(
        box,
        """
        from toque import tree
        tree("/srv/w/site", source="site", owner="shop", mode="0640", directory_mode="0750", purge=True,
             exclude=["cache"], variables={"port": 80})
        """,
    )

    assert "old.html  (not of the cookbook)" in said
    found = box.shell(
        "cd /srv/w/site && find . -path ./cache -prune -o -printf '%p %U %m\\n' | sort; cat conf/a.conf cache/x"
    )
    assert found == (". 4200 750\n./conf 4200 750\n./conf/a.conf 4200 640\n./index.html 4200 640\nport 80\nkept")
    apply(box, 'from toque import tree\ntree("/srv/w/site", source="site", present=False)')
    assert box.shell("ls /srv/w/site 2>/dev/null || echo gone") == "gone"


def test_old_files_are_listed_and_removed_by_the_owner_of_their_folder(box: Box) -> None:
    box.shell(
        "mkdir -p /srv/w/logs && cd /srv/w/logs && touch new.log && touch -d '40 days ago' old.log old.keep -- -rf.log"
        " && chown shop . && ln -s /etc/passwd link.log && touch -h -d '40 days ago' link.log"
    )

    said = apply(
        box,
        """
        from toque import cleanup
        cleanup("/srv/w/logs", patterns=["*.log"], older_than_days=30)
        """,
    )

    assert "-/srv/w/logs/old.log  (0 bytes, changed " in said
    assert box.shell("ls -A /srv/w/logs; test -s /etc/passwd && echo whole") == "new.log\nold.keep\nwhole"


def test_an_environment_is_read_back_by_a_shell_and_its_secrets_are_not_said(box: Box) -> None:
    said = apply(
        box,
        r"""
        from toque import Secret, env_file
        env_file("/srv/w/shop.env", {"PORT": 8080, "PASSWORD": Secret('pa"ss $w`o`rd\\'), "KEY": "two\nlines"}, owner="shop")
        """,
    )

    assert "w`o`rd" not in said
    assert "rd\\" not in said
    assert box.run("stat", "-c", "%U %a", "/srv/w/shop.env") == "shop 600"
    read = box.shell('. /srv/w/shop.env; printf "%s|%s|%s" "$PORT" "$PASSWORD" "$KEY"')
    assert read == '8080|pa"ss $w`o`rd\\|two\nlines'


def test_owners_and_modes_hold_downwards_and_links_have_an_owner_of_their_own(box: Box) -> None:
    box.shell("mkdir -p /srv/w/media/a && touch /srv/w/media/x /srv/w/media/a/y && ln -s /etc/passwd /srv/w/media/l")

    apply(
        box,
        """
        from toque import directory, link
        directory("/srv/w/media", owner="shop", mode="0750", file_mode="0640", recursive=True)
        link("/srv/w/now", to="media", owner="shop")
        """,
    )

    found = box.shell("cd /srv/w && find media now -printf '%p %u %m\\n' | sort; stat -c '%U %a' /etc/passwd").split(
        "\n"
    )
    assert found == [
        "media shop 750",
        "media/a shop 750",
        "media/a/y shop 640",
        "media/l shop 777",
        "media/x shop 640",
        "now shop 777",
        "root 644",
    ]


@pytest.mark.parametrize(
    ("check", "program", "name", "good", "bad"),
    [
        ("sudoers", "visudo", "shop", "shop ALL=(ALL) NOPASSWD: ALL\\n", "shop ALL=(\\n"),
        (
            "systemd_unit",
            "systemd-analyze",
            "shop.service",
            "[Service]\\nExecStart=/bin/true\\n",
            "[Service]\\nType=x\\n",
        ),
    ],
    ids=["sudoers", "systemd_unit"],
)
def test_checks_by_name_ask_the_program_of_the_machine(
    box: Box, check: str, program: str, name: str, good: str, bad: str
) -> None:
    """Where the machine lacks it, that is said, and nothing arrives unchecked either."""
    is_there = box.shell(f"command -v {program} || true") != ""

    code, said = toque(
        box, "apply", f'from toque import file\nfile("/srv/w/{name}", content="{bad}", verify="{check}")'
    )
    assert (code, program in said) == (1, True)
    code, said = toque(
        box, "apply", f'from toque import file\nfile("/srv/w/{name}", content="{good}", verify="{check}")'
    )
    assert code == (0 if is_there else 1), said

    left = box.shell(f"ls /srv/w/{name} 2>/dev/null; ls -d /run/toque-verify 2>/dev/null; true")
    assert left == (f"/srv/w/{name}" if is_there else "")
