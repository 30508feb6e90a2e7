"""`toque server run` as a process: real granian, real sockets, the last real OpsWorks clients."""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import signal
import socket
import ssl
import subprocess
import threading
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.together.serving import Served, free_port, init, running, toque_server, until

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def installation(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, dict[str, Any]]:
    data_dir = tmp_path_factory.mktemp("server") / "data"
    return data_dir, init(data_dir, f"--listen=127.0.0.1:{free_port()}")


@pytest.fixture(scope="module")
def served(installation: tuple[Path, dict[str, Any]]) -> Iterator[Served]:
    with running(installation[0]) as process:
        yield process


def get(url: str, *, token: str | None = None, body: bytes | None = None, **options: Any) -> tuple[int, bytes]:
    headers = {"Authorization": f"Bearer {token}"} if token else {}
    if body is not None:
        headers["Content-Type"] = "application/json"
    try:
        with urllib.request.urlopen(
            urllib.request.Request(url, data=body, headers=headers), timeout=30, **options
        ) as answer:
            return answer.status, answer.read()
    except urllib.error.HTTPError as error:
        return error.code, error.read()


def test_init_prints_what_opens_the_server(installation: tuple[Path, dict[str, Any]], served: Served) -> None:
    _, said = installation

    status, body = get(f"{said['url']}/api/DescribeStacks", token=said["api_token"], body=b"{}")

    assert (status, json.loads(body)) == (200, {"Stacks": []})
    assert said["url"] in served.out


def test_init_refuses_a_directory_in_use_and_changes_nothing(installation: tuple[Path, dict[str, Any]]) -> None:
    data_dir, _ = installation
    before = (data_dir / "keys" / "master.key").read_bytes()

    again = toque_server("init", "--data-dir", data_dir)

    assert again.returncode == 1
    assert "holds an installation already; nothing was changed" in again.stderr
    assert (data_dir / "keys" / "master.key").read_bytes() == before


def test_R1_a_second_server_on_the_same_sqlite_is_refused(
    installation: tuple[Path, dict[str, Any]], served: Served
) -> None:
    for arguments in (("run",), ("create-user", "ann")):
        second = toque_server(arguments[0], "--data-dir", installation[0], *arguments[1:])

        assert second.returncode == 1
        assert f"in use by process {served.worker}" in second.stderr


@pytest.mark.parametrize("option", [(), ("--public-url=http://192.0.2.1",)])
def test_plain_http_is_for_this_machine_only(tmp_path: Path, option: tuple[str, ...]) -> None:
    refused = toque_server("init", "--data-dir", tmp_path / "d", "--listen=0.0.0.0:8780", *option)

    assert refused.returncode == 1
    assert "--tls-self-signed" in refused.stderr
    assert not (tmp_path / "d" / "keys").exists()


def test_a_self_signed_server_is_trusted_by_who_has_its_authority(tmp_path: Path) -> None:
    said = init(tmp_path / "d", f"--listen=127.0.0.1:{free_port()}", "--tls-self-signed")
    with running(tmp_path / "d"):
        trusting = ssl.create_default_context(cafile=said["ca_file"])
        assert said["url"].startswith("https://")
        assert get(f"{said['url']}/healthz", context=trusting) == (200, b"ok\n")
        with pytest.raises(urllib.error.URLError, match="CERTIFICATE_VERIFY_FAILED"):
            get(f"{said['url']}/healthz", context=ssl.create_default_context())

    authority = ssl.PEM_cert_to_DER_cert(Path(said["ca_file"]).read_text())
    assert hashlib.sha256(authority).hexdigest().upper() == said["ca_fingerprint"].replace(":", "")


def test_R26_a_stop_ends_with_status_0_and_frees_the_database(tmp_path: Path) -> None:
    init(tmp_path / "d", f"--listen=127.0.0.1:{free_port()}")
    with running(tmp_path / "d") as first:
        first.process.send_signal(signal.SIGTERM)
        assert first.process.wait(timeout=30) == 0

    with running(tmp_path / "d"):
        pass


def test_a_killed_server_leaves_no_worker_behind(tmp_path: Path) -> None:
    init(tmp_path / "d", f"--listen=127.0.0.1:{free_port()}")
    with running(tmp_path / "d") as first:
        worker = first.worker
        first.process.kill()
        first.process.wait()
        until(lambda: not _runs(worker), "the worker to end with its parent")

    with running(tmp_path / "d"):
        pass


def test_R26_a_request_under_way_is_answered_before_the_end(tmp_path: Path) -> None:
    said = init(tmp_path / "d", f"--listen=127.0.0.1:{free_port()}")
    with running(tmp_path / "d") as server:
        host, port = said["url"].removeprefix("http://").split(":")
        token = said["api_token"]
        with socket.create_connection((host, int(port)), timeout=30) as peer:
            head = (
                f"POST /api/DescribeStacks HTTP/1.1\r\nHost: {host}\r\nAuthorization: Bearer {token}\r\n"
                "Content-Type: application/json\r\nContent-Length: 2\r\nConnection: close\r\n\r\n{"
            )
            peer.sendall(head.encode())
            server.process.send_signal(signal.SIGTERM)
            peer.sendall(b"}")
            answer = b"".join(iter(lambda: peer.recv(65536), b""))

        assert answer.startswith(b"HTTP/1.1 200")
        assert server.process.wait(timeout=30) == 0


@pytest.mark.postgres
def test_several_workers_serve_postgresql_and_count_together(tmp_path: Path, postgres_url: Callable[[], str]) -> None:
    said = init(tmp_path / "d", f"--listen=127.0.0.1:{free_port()}", f"--database={postgres_url()}")
    with running(tmp_path / "d", "--workers=2") as server:
        answers = [get(f"{said['url']}/api/DescribeStacks", token=said["api_token"], body=b"{}")[0] for _ in range(40)]
        _, counted = get(f"{said['url']}/metrics")

        assert set(answers) == {200}
        assert b'toque_requests_total{operation="DescribeStacks",status="200",wire="api"} 40.0' in counted
        # While it serves, a user may be made: on PostgreSQL nobody holds the database alone.
        assert toque_server("create-user", "--data-dir", tmp_path / "d", "ann").returncode == 0
        server.process.send_signal(signal.SIGTERM)
        assert server.process.wait(timeout=30) == 0


def test_S12_rekey_works_while_the_server_runs(installation: tuple[Path, dict[str, Any]], served: Served) -> None:
    data_dir, said = installation
    before = (data_dir / "keys" / "master.key").read_bytes()

    done = toque_server("rekey", "--data-dir", data_dir)

    assert done.returncode == 0, done.stderr
    assert (data_dir / "keys" / "master.key").read_bytes() != before
    assert len(list((data_dir / "keys" / "retired").iterdir())) == 1
    assert get(f"{said['url']}/api/DescribeStacks", token=said["api_token"], body=b"{}")[0] == 200


@pytest.mark.parametrize("path", ["/", "/api/DescribeStacks"])
def test_R22_slow_peers_take_nothing_from_the_others(
    installation: tuple[Path, dict[str, Any]], served: Served, path: str
) -> None:
    said = installation[1]
    host, port = said["url"].removeprefix("http://").split(":")
    slow = [socket.create_connection((host, int(port))) for _ in range(100)]
    try:
        for peer in slow:
            peer.sendall(f"POST {path} HTTP/1.1\r\nHost: x\r\nContent-Length: 100\r\n\r\n{{".encode())
        answers: list[int] = []
        done = threading.Thread(
            target=lambda: answers.append(
                get(f"{said['url']}/api/DescribeStacks", token=said["api_token"], body=b"{}")[0]
            )
        )
        done.start()
        done.join(timeout=30)
        assert answers == [200]
    finally:
        for peer in slow:
            peer.close()


@pytest.mark.parametrize("twice", ["X-Amz-Target", "Host", "X-Amz-Date", "Authorization"])
def test_S17_a_header_sent_twice_is_refused_whatever_the_server_makes_of_it(
    installation: tuple[Path, dict[str, Any]], served: Served, twice: str
) -> None:
    auth = pytest.importorskip("botocore.auth")
    from botocore.awsrequest import AWSRequest
    from botocore.credentials import Credentials

    said = installation[1]
    address = said["url"].removeprefix("http://")
    headers = {"Host": address, "X-Amz-Target": "OpsWorks_20130218.DescribeStacks"}
    request = AWSRequest("POST", f"{said['url']}/", headers=headers, data=b"{}")
    key = Credentials(said["access_key_id"], said["secret_access_key"])
    auth.SigV4Auth(key, "opsworks", "eu-1").add_auth(request)
    once = list(request.headers.items())
    double = [(name, value) for name, value in once if name.lower() == twice.lower()]

    answers = [_raw(address, [*once, *more]) for more in ([], double)]

    assert answers[0].startswith(b"HTTP/1.1 200")
    assert answers[1].startswith(b"HTTP/1.1 400")


def _raw(address: str, headers: list[tuple[str, str]]) -> bytes:
    host, port = address.split(":")
    lines = "".join(f"{name}: {value}\r\n" for name, value in headers)
    with socket.create_connection((host, int(port)), timeout=30) as peer:
        peer.sendall(f"POST / HTTP/1.1\r\n{lines}Content-Length: 2\r\nConnection: close\r\n\r\n{{}}".encode())
        return b"".join(iter(lambda: peer.recv(65536), b""))


class TestRealClients:
    """awscli 1.42.18: the last with an opsworks command."""

    @pytest.fixture
    def aws(
        self, installation: tuple[Path, dict[str, Any]], served: Served
    ) -> Callable[..., subprocess.CompletedProcess[str]]:
        program = os.environ.get("TOQUE_AWS") or shutil.which("aws", path=".venv-aws/bin")
        if program is None:
            pytest.skip("no OpsWorks client: make setup, or set TOQUE_AWS")
        said = installation[1]

        def run(*arguments: str, secret: str | None = None) -> subprocess.CompletedProcess[str]:
            env = {
                "PATH": os.environ["PATH"],
                "HOME": str(installation[0]),
                "AWS_ACCESS_KEY_ID": said["access_key_id"],
                "AWS_SECRET_ACCESS_KEY": secret or said["secret_access_key"],
                "AWS_ENDPOINT_URL_OPSWORKS": said["url"],
                "AWS_DEFAULT_REGION": "xx-custom-9",
                "AWS_EC2_METADATA_DISABLED": "true",
            }
            return subprocess.run(
                [program, "opsworks", *arguments], capture_output=True, text=True, env=env, timeout=60
            )

        return run

    pytestmark = pytest.mark.aws

    def test_09_1_09_33_any_region_sees_the_stacks(self, aws: Callable[..., Any]) -> None:
        done = aws("describe-stacks")

        assert (done.returncode, json.loads(done.stdout)) == (0, {"Stacks": []})

    def test_09_2_a_wrong_secret_is_a_signature_error(self, aws: Callable[..., Any]) -> None:
        done = aws("describe-stacks", secret="wrong")

        assert done.returncode == 255
        assert "InvalidSignatureException" in done.stderr
        assert "Stacks" not in done.stdout

    def test_09_6_an_error_of_the_service_ends_with_255(self, aws: Callable[..., Any]) -> None:
        done = aws("describe-stacks", "--stack-ids", "none")

        assert done.returncode == 255
        assert "ResourceNotFoundException" in done.stderr


def _runs(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except FileNotFoundError:
        return False
