"""Users, access and certificates on a real machine: a sandbox with its own accounts, by `toque apply`."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.needs import needs, needs_root, stop_without
from tests.system.case_sandbox import Box, a_box, wait_for
from tests.system.case_words import apply, toque
from toque import sandbox

pytestmark = [pytest.mark.root, pytest.mark.slow, needs_root()]

PROVES = (
    "authorized_keys",
    "certificate",
    "csr",
    "dhparam",
    "group",
    "known_host",
    "limits",
    "private_key",
    "sudo",
    "trusted_ca",
    "user",
)


@pytest.fixture(scope="module")
def box(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Box]:
    """One for all tests here: each keeps to names of its own."""
    with a_box(tmp_path_factory.mktemp("data")) as made:
        yield made.start()


@pytest.fixture(scope="module")
def equipped(box: Box) -> Box:
    """The same with sudo, and the client and server of SSH."""
    get = "apt-get -qq update && apt-get -qq install --no-install-recommends -y sudo openssh-server"
    if sandbox.execute(box.spec.directory, ["sh", "-c", get]).returncode != 0:
        stop_without("Debian's packages over the network")
    return box


def test_a_user_is_locked_expires_moves_and_goes_with_all_that_runs(box: Box) -> None:
    apply(
        box,
        """
        from toque import Secret, group, user
        user("eva", home="/srv/eva", locked=True, expires="2031-01-02", password=Secret("$6$saltsalt$" + "b" * 86))
        user("new", locked=True)
        group("crew", members=["eva", "games"])
        """,
    )
    assert box.run("passwd", "--status", "eva").split()[:2] == ["eva", "L"]
    assert "Jan 02, 2031" in box.run("chage", "--list", "eva")

    apply(
        box,
        """
        from toque import group, user
        user("eva", home="/srv/eva2", move_home=True, locked=False, expires="never")
        group("crew", excluded_members=["games", "nobody"])
        """,
    )
    assert box.run("passwd", "--status", "eva").split()[:2] == ["eva", "P"]
    assert box.run("getent", "shadow", "eva").split(":")[1] == "$6$saltsalt$" + "b" * 86
    assert box.shell("ls -d /srv/eva /srv/eva2 2>/dev/null || true") == "/srv/eva2"
    assert box.run("getent", "group", "crew").endswith(":eva")

    box.shell("setsid su eva -c 'exec sleep 600' >/dev/null 2>&1 &")
    box.shell("for n in $(seq 100); do pgrep -u eva sleep && exit; sleep 0.1; done; exit 1")
    code, said = toque(box, "apply", "from toque import user\nuser('eva', present=False)\n")
    assert code == 1
    assert "currently used by process" in said
    apply(box, "from toque import user\nuser('eva', present=False, remove_home=True, end_sessions=True)\n")
    assert box.shell("pgrep -f '^sleep 600' || true; getent passwd eva; ls -d /srv/eva2 2>/dev/null; true") == ""


def test_keys_come_and_go_with_the_rights_of_their_user_alone(equipped: Box) -> None:
    box = equipped
    box.shell("ssh-keygen -q -t ed25519 -N '' -f /srv/kim; ssh-keygen -q -t rsa -N '' -f /srv/lee")
    kim, lee = box.run("cat", "/srv/kim.pub"), box.run("cat", "/srv/lee.pub")

    apply(
        box,
        f"""
        from toque import authorized_keys, user
        user("kim", shell="/bin/sh")
        for name in ("kim", "root"):
            authorized_keys(name, keys=[{kim!r}, {lee!r}], options=["no-pty"])
        """,
    )
    assert box.run("tail", "-n", "2", "/root/.ssh/authorized_keys") == f"no-pty {kim}\nno-pty {lee}"
    assert box.run("stat", "-c", "%a %U", "/home/kim/.ssh", "/home/kim/.ssh/authorized_keys") == "700 kim\n600 kim"
    assert box.run("ssh-keygen", "-lf", "/home/kim/.ssh/authorized_keys").count("SHA256:") == 2
    assert box.run("cat", "/home/kim/.ssh/authorized_keys") == f"no-pty {kim}\nno-pty {lee}"

    apply(box, f"from toque import authorized_keys\nauthorized_keys('kim', keys=[{lee!r}], present=False)\n")
    assert box.run("cat", "/home/kim/.ssh/authorized_keys") == f"no-pty {kim}"

    # A user who lays a link gets his own rights and no more.
    box.shell("mkdir -m 700 /srv/root-only && rm -r /home/kim/.ssh && ln -s /srv/root-only /home/kim/.ssh")
    code, said = toque(box, "apply", f"from toque import authorized_keys\nauthorized_keys('kim', keys=[{kim!r}])\n")
    assert code == 1
    assert "Permission denied" in said
    assert box.run("find", "/srv/root-only", "-uid", "0") == "/srv/root-only"


def test_sudo_allows_what_the_rule_says_and_no_broken_rule_stands(equipped: Box) -> None:
    box = equipped
    box.shell("useradd jo.doe && useradd max && groupadd ops && usermod --groups ops max")
    rules = """
        from toque import sudo
        sudo("jo.doe", commands=["/usr/bin/id --user", "/usr/bin/printf a\\\\,b:c\\=#d"], nopasswd=True)
        sudo("ops", groups=["ops"], commands=["LOOK", "!/usr/bin/whoami"], runas="games", nopasswd=True, noexec=True,
             defaults=["!requiretty", "env_keep += SHOP"], command_aliases={"LOOK": ["/usr/bin/id", "/usr/bin/env"]})
        """

    apply(box, rules)

    assert box.run("su", "jo.doe", "-c", "sudo -n /usr/bin/id --user") == "0"
    assert box.run("su", "jo.doe", "-c", "sudo -n /usr/bin/printf 'a,b:c=#d'") == "a,b:c=#d"
    assert "a password is required" in box.shell("su jo.doe -c 'sudo -n /usr/bin/id --group' 2>&1 || true")
    assert box.run("su", "max", "-c", "sudo -n -u games /usr/bin/id --user --name") == "games"
    assert box.run("su", "max", "-c", "SHOP=open sudo -n -u games /usr/bin/env").count("SHOP=open") == 1
    assert box.run("stat", "-c", "%a %U", "/etc/sudoers.d/jo__doe", "/etc/sudoers.d/ops") == "440 root\n440 root"

    before = box.run("sh", "-c", "ls -a /etc/sudoers.d && cat /etc/sudoers.d/ops")
    code, said = toque(
        box, "apply", "from toque import sudo\nsudo('ops', groups=['ops'], defaults=['no_such_option'])\n"
    )
    assert code == 1
    assert "visudo" in said
    assert "no_such_option" in said
    assert box.run("sh", "-c", "ls -a /etc/sudoers.d && cat /etc/sudoers.d/ops") == before

    apply(box, "from toque import sudo\nfor name in ('jo.doe', 'ops'):\n    sudo(name, present=False)\n")
    assert "a password is required" in box.shell("su jo.doe -c 'sudo -n /usr/bin/id --user' 2>&1 || true")


@needs("openssl")
def test_openssl_finds_keys_requests_and_certificates_good(box: Box) -> None:
    recipe = """
        from toque import Secret, certificate, csr, directory, private_key
        directory("/srv/tls")
        private_key("/srv/tls/rsa.key", type="rsa", bits=2048, owner="games", mode="0400", public="/srv/rsa.pub")
        private_key("/srv/tls/locked.key", type="ed25519", passphrase=Secret("correct horse"))
        csr("/srv/tls/out.csr", key="/srv/tls/rsa.key", names=["out.example"], subject="CN=out.example,O=Shop,C=DE")
        certificate("/srv/tls/ca.pem", key="/srv/tls/ca.key", subject="CN=Our own CA", authority=True, days=3650)
        by_us = {"ca": "/srv/tls/ca.pem", "ca_key": "/srv/tls/ca.key"}
        certificate("/srv/tls/shop.pem", key="/srv/tls/shop.key", names=["shop.example", "*.shop.example", "10.0.0.1"],
                    days=90, renew_before=30, chain=True, **by_us)
        certificate("/srv/tls/out.pem", request="/srv/tls/out.csr", group="games", mode="0640", **by_us)
        """

    said = apply(box, recipe)

    assert "correct horse" not in said
    assert "Key is valid" in box.run("openssl", "pkey", "-in", "/srv/tls/rsa.key", "-check", "-noout")
    assert box.run("openssl", "pkey", "-in", "/srv/tls/rsa.key", "-pubout") == box.run("cat", "/srv/rsa.pub")
    box.run("openssl", "pkey", "-in", "/srv/tls/locked.key", "-passin", "pass:correct horse", "-noout")
    assert box.run("stat", "-c", "%a %U", "/srv/tls/rsa.key", "/srv/tls/shop.key") == "400 games\n600 root"
    assert "verify OK" in box.shell("openssl req -in /srv/tls/out.csr -noout -verify 2>&1")
    subject = box.run("openssl", "req", "-in", "/srv/tls/out.csr", "-noout", "-subject")
    assert subject.replace(" ", "") == "subject=C=DE,O=Shop,CN=out.example"
    for name, host in (("shop", "www.shop.example"), ("out", "out.example")):
        verify = ["openssl", "verify", "-x509_strict", "-purpose", "sslserver", "-verify_hostname", host]
        assert box.run(*verify, "-CAfile", "/srv/tls/ca.pem", f"/srv/tls/{name}.pem").endswith(": OK")
    of_key = box.run("openssl", "pkey", "-in", "/srv/tls/shop.key", "-pubout")
    assert box.run("openssl", "x509", "-in", "/srv/tls/shop.pem", "-noout", "-pubkey") == of_key
    names = box.run("openssl", "x509", "-in", "/srv/tls/shop.pem", "-noout", "-ext", "subjectAltName")
    assert "DNS:shop.example, DNS:*.shop.example, IP Address:10.0.0.1" in names

    # Sixty days on, as it were: the recipe asks for a renewal before the 90 days that are left.
    first = box.run("openssl", "x509", "-in", "/srv/tls/shop.pem", "-noout", "-serial")
    said = apply(box, recipe.replace("days=90, renew_before=30", "days=120, renew_before=91"))
    assert "in_time False → True" in said
    assert box.run("openssl", "x509", "-in", "/srv/tls/shop.pem", "-noout", "-serial") != first
    box.run("openssl", "x509", "-in", "/srv/tls/shop.pem", "-noout", "-checkend", str(119 * 86400))
    assert box.run("openssl", "pkey", "-in", "/srv/tls/shop.key", "-pubout") == of_key

    words = ("certificate", "out.pem"), ("csr", "out.csr"), ("private_key", "rsa.key")
    apply(
        box,
        "from toque import certificate, csr, private_key\n"
        + "".join(f"{word}('/srv/tls/{name}', present=False)\n" for word, name in words),
    )
    assert box.run("ls", "/srv/tls").split() == ["ca.key", "ca.pem", "locked.key", "shop.key", "shop.pem"]


def test_a_machine_is_known_to_ssh_by_its_key_or_by_its_fingerprint(equipped: Box) -> None:
    """A real sshd shows its key to ssh-keyscan; of a machine that shows another one nothing is believed."""
    box = equipped
    box.shell("useradd --create-home lou; mkdir -p /run/sshd; ssh-keygen -A >/dev/null")
    box.shell("/usr/sbin/sshd -p 18022 -o ListenAddress=127.80.3.7 -o PidFile=/run/known.pid")
    wait_for("sshd", lambda: box.shell("ssh-keyscan -p 18022 127.80.3.7 2>/dev/null | head -1") != "")
    public = box.run("cat", "/etc/ssh/ssh_host_ed25519_key.pub")
    shown = box.run("ssh-keygen", "-lf", "/etc/ssh/ssh_host_ed25519_key.pub").split()[1]
    find = ["ssh-keygen", "-F", "[127.80.3.7]:18022", "-l", "-f"]

    apply(
        box,
        f"""
        from toque import known_host
        known_host("127.80.3.7", port=18022, fingerprints=[{shown!r}], user="lou", hashed=True)
        known_host("127.80.3.7", port=18022, keys=[{public!r}])
        """,
    )
    for path in ("/home/lou/.ssh/known_hosts", "/etc/ssh/ssh_known_hosts"):
        assert shown in box.run(*find, path)
    assert "127.80.3.7" not in box.run("cat", "/home/lou/.ssh/known_hosts")
    assert box.run("stat", "-c", "%U %a", "/home/lou/.ssh/known_hosts") == "lou 600"
    strict = "ssh -p 18022 -o StrictHostKeyChecking=yes -o BatchMode=yes lou@127.80.3.7 true 2>&1 || true"
    assert "Permission denied (publickey" in box.run("su", "lou", "-c", strict)

    other = "SHA256:" + "A" * 43
    wrong = f"from toque import known_host\nknown_host('127.80.3.7', port=18022, fingerprints=[{other!r}])\n"
    code, said = toque(box, "apply", wrong)
    assert code == 1
    assert f"{shown} (ssh-ed25519)" in said
    assert shown in box.run(*find, "/etc/ssh/ssh_known_hosts")

    apply(
        box,
        """
        from toque import known_host
        known_host("127.80.3.7", port=18022, user="lou", present=False)
        known_host("127.80.3.7", port=18022, present=False)
        """,
    )
    assert "Host key verification failed" in box.run("su", "lou", "-c", strict)
    box.shell("kill $(cat /run/known.pid)")


def test_sessions_have_the_limits_and_tls_the_parameters(box: Box) -> None:
    # openssl has groups that are not those of RFC 7919; a search for new numbers takes minutes.
    group = "openssl genpkey -genparam -algorithm DH -pkeyopt group:modp_2048 -out /srv/dh/own.pem"
    box.shell(f"useradd --create-home pat; mkdir -p /srv/dh; {group}")

    apply(
        box,
        """
        from toque import dhparam, limits
        limits("pat", domain="pat", item="nofile", soft=321, hard=654)
        dhparam("/srv/dh/named.pem", bits=4096)
        dhparam("/srv/dh/own.pem", generated=True)       # it is there, so nothing is searched
        """,
    )

    assert box.run("su", "pat", "-c", "ulimit -Sn; ulimit -Hn").split() == ["321", "654"]
    assert "GROUP: ffdhe4096" in box.run("openssl", "dhparam", "-in", "/srv/dh/named.pem", "-text", "-noout")

    apply(
        box,
        """
        from toque import dhparam, limits
        limits("pat", present=False)
        dhparam("/srv/dh/named.pem", present=False)
        """,
    )
    assert box.run("su", "pat", "-c", "ulimit -Sn") != "321"
    assert box.run("ls", "/srv/dh") == "own.pem"


@needs("openssl", "update-ca-certificates")
def test_an_authority_of_ones_own_is_trusted_by_the_whole_machine(box: Box) -> None:
    apply(
        box,
        """
        from toque import certificate, directory
        directory("/srv/trust")
        certificate("/srv/trust/ca.pem", key="/srv/trust/ca.key", subject="CN=Trusted here", authority=True)
        certificate("/srv/trust/web.pem", key="/srv/trust/web.key", names=["web.example"], ca="/srv/trust/ca.pem",
                    ca_key="/srv/trust/ca.key")
        """,
    )
    verify = "openssl verify -CApath /etc/ssl/certs /srv/trust/web.pem 2>&1 || true"
    assert "unable to get local issuer" in box.shell(verify)

    apply(
        box,
        """
        from pathlib import Path
        from toque import trusted_ca
        trusted_ca("here", content=Path("/srv/trust/ca.pem").read_text())
        """,
    )
    assert box.shell(verify) == "/srv/trust/web.pem: OK"

    apply(box, "from toque import trusted_ca\ntrusted_ca('here', present=False)\n")
    assert "unable to get local issuer" in box.shell(verify)
