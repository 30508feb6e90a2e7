from __future__ import annotations

from toque.sandbox.environment import environment


def test_proxies_and_certificates_of_the_host_reach_the_clone() -> None:
    host = {"https_proxy": "http://proxy:3128", "NO_PROXY": "localhost", "SSL_CERT_FILE": "/etc/ssl/ca.pem"}

    assert environment(host).items() >= host.items()


def test_nothing_else_of_the_host_does() -> None:
    host = {
        "PYTHONPATH": "/src",
        "AWS_SECRET_ACCESS_KEY": "s",
        "TOQUE_API_TOKEN": "t",
        "HOME": "/home/me",
        "PATH": "/x",
    }

    seen = environment(host)

    assert not seen.keys() & {"PYTHONPATH", "AWS_SECRET_ACCESS_KEY", "TOQUE_API_TOKEN"}
    assert seen["HOME"] == "/root"
    assert "/x" not in seen["PATH"].split(":")
