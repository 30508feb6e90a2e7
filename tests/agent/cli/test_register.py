"""What `toque opsworks register` refuses, and what it brings to a machine. The oracle is the OpsWorks client's source."""

from __future__ import annotations

import ast
import io
import json
import os
import shlex
import subprocess
import tarfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.fakes.ec2 import REGION, Ec2
from tests.fakes.ec2 import ec2 as ec2_of_moto
from tests.fakes.web import Page, Web, certificate_for
from tests.needs import needs, needs_that
from toque.cli import ec2
from toque.cli.ec2 import Machine, NotFound
from toque.cli.register import Arguments, Refusal, check, script_for, ssh_command

LEAST: dict[str, Any] = {
    "stack_id": "s-1",
    "infrastructure_class": "on-premises",
    "hostname": None,
    "private_ip": None,
    "public_ip": None,
    "ssh": None,
    "username": None,
    "private_key": None,
    "local": False,
    "use_instance_profile": False,
    "target": None,
}
REFUSED = [
    pytest.param({}, "One of target or --local is required.", id="nothing"),
    pytest.param({"target": "x", "local": True}, "Arguments target and --local are mutually exclusive.", id="both"),
    pytest.param(
        {"target": "x", "ssh": "ssh x", "username": "ann"},
        "Argument --override-ssh cannot be used together with --ssh-username or --ssh-private-key.",
        id="two ways",
    ),
    pytest.param(
        {"target": "x", "infrastructure_class": "ec2", "private_ip": "10.0.0.1"},
        "--override-private-ip is not supported for EC2.",
        id="private address of ec2",
    ),
    pytest.param(
        {"target": "x", "infrastructure_class": "ec2", "public_ip": "10.0.0.1"},
        "--override-public-ip is not supported for EC2.",
        id="public address of ec2",
    ),
    pytest.param(
        {"local": True, "use_instance_profile": True},
        "--use-instance-profile is only supported for EC2.",
        id="profile on premises",
    ),
]


def arguments(**given: Any) -> Arguments:
    return Arguments(**(LEAST | given))


@pytest.mark.parametrize(("given", "said"), REFUSED)
def test_08_10_2_what_the_client_refuses_is_refused_in_its_words(given: dict[str, Any], said: str) -> None:
    with pytest.raises(Refusal) as refused:
        check(arguments(**given))

    assert str(refused.value) == said


@pytest.mark.aws
@needs_that("the last OpsWorks clients: run 'make setup', or set TOQUE_AWS", lambda: "TOQUE_AWS" in os.environ)
def test_these_are_the_words_of_the_client_s_source() -> None:
    home = Path(os.environ["TOQUE_AWS"]).absolute().parent.parent
    [source] = home.glob("lib/python3*/site-packages/awscli/customizations/opsworks.py")

    texts = {each.value for each in ast.walk(ast.parse(source.read_text())) if isinstance(each, ast.Constant)}

    assert {case.values[1] for case in REFUSED} <= texts


@pytest.mark.parametrize("name", ["-web", "web-", "we_b", "web.example", "w" * 64, "wéb"])
def test_a_bad_host_name_is_refused(name: str) -> None:
    with pytest.raises(Refusal, match="Invalid hostname: "):
        check(arguments(local=True, hostname=name))


def test_good_ones_pass() -> None:
    for name in ("web1", "WEB-1", "w" * 63):
        check(arguments(local=True, hostname=name))
    check(arguments(target="web1", username="ann", private_key="key"))
    check(arguments(target="web1", infrastructure_class="ec2", use_instance_profile=True))


def test_ssh_is_an_argument_list_whose_last_word_is_the_script() -> None:
    plain = ssh_command(arguments(target="web1", username="ann", private_key="a key"), "web1", "echo 'it is' $HOME")
    overridden = ssh_command(arguments(target="web1", ssh="ssh -p '22 ' ann@web1"), "web1", "true")

    assert plain[:-1] == ["ssh", "-tt", "-l", "ann", "-i", "a key", "--", "web1"]
    assert shlex.split(plain[-1]) == ["/bin/sh", "-c", "echo 'it is' $HOME"]
    assert overridden == ["ssh", "-p", "22 ", "ann@web1", "/bin/sh -c true"]
    # What looks like an option of ssh's is an address.
    assert ssh_command(arguments(), "-oProxyCommand=evil", "")[-3:-1] == ["--", "-oProxyCommand=evil"]


def installer(boot_registration: str) -> bytes:
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w:gz") as archive:
        entry = tarfile.TarInfo("opsworks-agent-installer/boot-registration")
        data = boot_registration.encode()
        entry.mode, entry.size = 0o755, len(data)
        archive.addfile(entry, io.BytesIO(data))
    return out.getvalue()


@pytest.fixture(params=["http", "https"])
def web(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Web]:
    secure = request.param == "https"
    web = Web(certificate_for("localhost", tmp_path / "certificate.pem") if secure else None)
    yield web
    web.close()


@needs("curl", "tar", "sh")
def test_the_script_brings_installer_and_preconfig_as_they_are_and_leaves_nothing(web: Web, tmp_path: Path) -> None:
    boot = f'#!/bin/sh\ncat "${{0%/*}}/preconfig" >{tmp_path}/got\ndirname "${{0%/*}}" >{tmp_path}/where\nexit 3\n'
    web.pages["/installer.tgz"] = Page(installer(boot))
    programs = tmp_path / "bin"
    programs.mkdir()
    (programs / "sudo").write_text('#!/bin/sh\nexec "$@"\n')
    (programs / "sudo").chmod(0o755)
    odd = 'it\'s $HOME `id` \\ "x"\nEOF'
    parameters = {"hostname": odd, "assets_download_bucket": "a b"}
    if web.url.startswith("https"):
        parameters["ca_pem"] = (tmp_path / "certificate.pem").read_text()

    done = subprocess.run(
        ["/bin/sh"],
        input=script_for(f"{web.url}/installer.tgz", parameters),
        capture_output=True,
        text=True,
        env={"PATH": f"{programs}:{os.environ['PATH']}"},
    )

    assert done.returncode == 3, done.stderr
    lines = [each for each in (tmp_path / "got").read_text().splitlines() if not each.startswith(":ca_pem: ")]
    assert lines == [':assets_download_bucket: "a b"', f":hostname: {json.dumps(odd)}"]
    assert not Path((tmp_path / "where").read_text().strip()).exists()


@needs("curl", "tar", "sh")
def test_an_installer_that_is_not_there_ends_the_script(tmp_path: Path) -> None:
    web = Web()

    done = subprocess.run(["/bin/sh"], input=script_for(f"{web.url}/x.tgz", {}), capture_output=True, text=True)

    web.close()
    assert done.returncode != 0
    assert "404" in done.stderr


@pytest.fixture
def cloud(monkeypatch: pytest.MonkeyPatch) -> Iterator[Ec2]:
    with ec2_of_moto(monkeypatch) as cloud:
        yield cloud


def test_a_cloud_machine_is_found_by_its_id_address_or_name_and_only_in_its_vpc(cloud: Ec2) -> None:
    web1, web2, _, _ = cloud.run("web1"), cloud.run("web2"), cloud.run("twin"), cloud.run("twin")
    stack = {"Region": REGION, "VpcId": web1["VpcId"]}
    reached = Machine(web1["InstanceId"], web1["PublicIpAddress"])

    assert ec2.find(web1["InstanceId"], stack) == reached
    assert ec2.find("web1", stack) == reached
    assert ec2.find(web2["PrivateIpAddress"], stack) == Machine(web2["InstanceId"], web2["PrivateIpAddress"])
    with pytest.raises(NotFound, match="Found multiple instances matching twin: i-"):
        ec2.find("twin", stack)
    with pytest.raises(NotFound, match="Did not find any instance matching web9"):
        ec2.find("web9", stack)
    with pytest.raises(NotFound, match="Did not find any instance matching web1"):
        ec2.find("web1", stack | {"VpcId": "vpc-other"})
    with pytest.raises(NotFound, match="Did not find any instance matching web1"):
        ec2.find("web1", {"Region": REGION})
    with pytest.raises(NotFound, match="EC2 cannot be asked for i-0"):
        ec2.find("i-0", stack)
