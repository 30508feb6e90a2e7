"""The words of a recipe on a real machine: a sandbox with its own users, packages and services, by `toque apply`."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator

import pytest

from tests.fakes.hostile_archives import honest
from tests.needs import needs, needs_root, stop_without
from tests.system.case_sandbox import Box, a_box, wait_for
from tests.system.case_words import apply, put, toque
from toque import sandbox

pytestmark = [pytest.mark.root, pytest.mark.slow, needs_root()]

PROVES = (
    "archive",
    "directory",
    "execute",
    "file",
    "git",
    "group",
    "link",
    "log",
    "package",
    "remote_file",
    "service",
    "template",
    "user",
)


@pytest.fixture(scope="module")
def box(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Box]:
    """One for all tests here: each keeps to names of its own."""
    with a_box(tmp_path_factory.mktemp("data")) as made:
        yield made.start()


def test_users_and_groups_are_made_changed_and_removed(box: Box) -> None:
    apply(
        box,
        r"""
        from toque import Secret, group, user
        group("shop", gid=4100)
        group("ops")
        user("shop", uid=4100, group="shop", groups=["ops"], home="/srv/shop", shell="/bin/bash", comment="The Shop",
             password=Secret("$6$saltsalt$" + "a" * 86))
        user("daemon2", system=True)
        """,
    )
    assert box.run("getent", "passwd", "shop") == "shop:x:4100:4100:The Shop:/srv/shop:/bin/bash"
    assert box.run("id", "-Gn", "shop") == "shop ops"
    assert box.run("stat", "-c", "%U:%G", "/srv/shop") == "shop:shop"
    assert "$6$saltsalt$aaa" in box.run("getent", "shadow", "shop")
    assert int(box.run("id", "-u", "daemon2")) < 1000

    said = apply(
        box,
        """
        from toque import group, user
        user("shop", groups=[], append=False, shell="/bin/sh")
        group("ops", members=["daemon2"], append=False)
        """,
    )
    assert "aaaaaa" not in said
    assert box.run("id", "-Gn", "shop") == "shop"
    assert box.run("getent", "group", "ops").endswith(":daemon2")

    apply(
        box,
        """
        from toque import group, user
        user("shop", present=False, remove_home=True)
        user("daemon2", present=False)
        group("ops", present=False)
        """,
    )
    assert box.shell("getent passwd shop daemon2; getent group ops; ls -d /srv/shop 2>/dev/null; true") == ""


def test_git_runs_as_the_user_of_the_working_copy(box: Box) -> None:
    box.shell(
        "useradd -m coder; mkdir -p /srv/git && cd /srv/git && git init -q -b main shop && cd shop && echo 1 >a && "
        "git add a && git -c user.name=a -c user.email=a@b commit -qm 1"
    )

    apply(
        box,
        """
        from toque import directory, git
        directory("/srv/www", owner="coder")
        git("/srv/www/shop", repository="/srv/git/shop", revision="main", user="coder", allow_insecure=True)
        """,
    )

    assert box.shell("stat -c %U /srv/www/shop/.git/HEAD /srv/www/shop/a | sort -u") == "coder"


def test_archives_and_downloads_arrive_with_their_owner(box: Box) -> None:
    data = honest("tar.gz")
    put(box, "/srv/tool.tar.gz", data)

    apply(
        box,
        f"""
        from toque import archive, remote_file
        remote_file("/opt/tool.tar.gz", source="file:///srv/tool.tar.gz", sha256="{hashlib.sha256(data).hexdigest()}",
                    owner="games", mode="0640")
        archive("/opt/tool", source="/opt/tool.tar.gz", strip_components=1, owner="games", group="games")
        """,
    )

    assert box.run("stat", "-c", "%U %a", "/opt/tool.tar.gz") == "games 640"
    assert box.run("stat", "-c", "%U:%G %a", "/opt/tool/bin/tool") == "games:games 755"


APP = """\
import http.server, os
print("up as", os.getuid(), os.environ["TOKEN"], os.getcwd(), os.environ["HOME"], flush=True)
http.server.HTTPServer(("127.80.3.7", 18333), http.server.SimpleHTTPRequestHandler).serve_forever()
"""
SHOP = f"""
    from toque import Secret, directory, file, service
    directory("/srv/app", owner="games")
    code = file("/srv/app/app.py", content={APP!r})
    service("app", command=["/usr/bin/python3", "app.py"], cwd="/srv/app", user="games", enabled=True,
            environment={{"TOKEN": Secret("it's $5")}}, restart_on=[code])
    """


def test_a_program_is_kept_running_and_is_no_descendant_of_the_run(box: Box) -> None:
    said = apply(box, SHOP)
    pid = box.run("pgrep", "-f", "^/usr/bin/python3 app.py")

    assert "it's $5" not in said
    assert box.shell(f"ps -o comm= -p $(ps -o ppid= -p {pid})") == "supervisord"
    assert box.run("ps", "-o", "user=", "-p", pid) == "games"
    assert "up as 5 it's $5 /srv/app /usr/games" in box.run("cat", "/var/log/toque/service-app.log")
    assert box.shell("find /etc/toque -name 'app*' -perm /077") == ""

    box.run("kill", "-9", pid)
    wait_for(
        "the program to run again", lambda: box.shell("pgrep -f '^/usr/bin/python3 app.py' || true") not in ("", pid)
    )

    before = box.run("pgrep", "-f", "^/usr/bin/python3 app.py")
    apply(box, SHOP.replace("up as", "now as"))
    assert box.run("pgrep", "-f", "^/usr/bin/python3 app.py") != before
    assert "now as 5" in box.run("cat", "/var/log/toque/service-app.log")

    apply(box, "from toque import service\nservice('app', present=False)\n")
    assert box.shell("pgrep -f '^/usr/bin/python3 app.py' || true") == ""
    assert box.shell("find /etc/toque -name 'app*'") == ""


def test_a_program_that_does_not_stay_up_fails_the_run_with_the_end_of_its_log(box: Box) -> None:
    code, said = toque(
        box,
        "apply",
        """
        from toque import service
        service("broken", command=["sh", "-c", "echo the database is away; exit 1"])
        """,
    )

    assert code == 1
    assert "does not stay up; its log ends:\n" in said
    assert "the database is away" in said
    assert "recipe.py:3" in said


@needs("apt-get")
def test_a_package_is_installed_and_its_service_kept(box: Box) -> None:
    if sandbox.execute(box.spec.directory, ["apt-get", "update"]).returncode != 0:
        stop_without("Debian's packages over the network")
    recipe = """
        from toque import file, package, service
        package(["memcached", "netcat-openbsd"], recommends=False)
        lines = ["-m 64", "-p 18211", "-u memcache", "-l 127.80.3.7", "-P /run/memcached.pid"]
        conf = file("/etc/memcached.conf", content="\\n".join([*lines, ""]))
        service("memcached", enabled=True, restart_on=[conf])
        """

    apply(box, recipe)

    pid = box.run("pgrep", "-x", "memcached")
    assert box.run("ps", "-o", "ppid=", "-p", pid) == "1"
    assert "STAT pid" in box.shell("printf 'stats\\r\\nquit\\r\\n' | nc -N 127.80.3.7 18211")
    assert box.shell("ls /etc/rc2.d | grep -c S..memcached") == "1"

    said = apply(box, recipe.replace("-m 64", "-m 32"))
    assert "restart" in said
    assert box.run("pgrep", "-x", "memcached") != pid

    apply(
        box,
        """
        from toque import package, service
        service("memcached", running=False, enabled=False)
        package("memcached", present=False, purge=True)
        """,
    )
    assert box.shell("pgrep -x memcached || true; ls /etc/memcached.conf 2>/dev/null || true") == ""


@needs("apt-get")
def test_a_package_that_nobody_has_is_named_with_what_comes_close(box: Box) -> None:
    code, said = toque(box, "apply", "from toque import package\npackage('memcachd')\n")

    assert code == 1
    assert "no package is called 'memcachd'" in said
    assert "did you mean memcached?" in said


def test_a_service_whose_script_is_missing_says_so(box: Box) -> None:
    code, said = toque(box, "apply", "from toque import service\nservice('no-such-service')\n")

    assert code == 1
    assert "there is no service no-such-service on this machine" in said


def test_a_template_a_link_and_a_program_that_makes_what_it_says(box: Box) -> None:
    put(box, "/srv/motd.j2", b"welcome to {{ place }}\n")

    said = apply(
        box,
        """
        from toque import execute, link, log, template
        motd = template("/srv/motd", source="motd.j2", place="web1", mode="0640")
        link("/srv/motd.now", to="/srv/motd")
        execute(["cp", "/srv/motd.now", "/srv/motd.copy"], creates="/srv/motd.copy")
        log(f"changed: {motd.changed}")
        """,
    )

    assert "changed: True" in said
    assert box.run("cat", "/srv/motd.copy") == "welcome to web1"
    assert box.run("readlink", "/srv/motd.now") == "/srv/motd"
    assert box.run("stat", "-c", "%a", "/srv/motd") == "640"
