"""The balancer on a machine: it runs, and it knows who is online."""

from typing import Any

CONF = "/etc/haproxy/haproxy.cfg"


def test_it_runs(host: Any) -> None:
    assert host.process.filter(comm="haproxy")


def test_its_configuration_is_one_that_haproxy_takes(host: Any) -> None:
    assert host.run("haproxy -c -f %s", CONF).succeeded


def test_requests_go_to_who_is_online(host: Any) -> None:
    conf = host.file(CONF).content_string

    assert "server app1 127.0.0.1:18091 check" in conf
    assert "app2" not in conf


def test_it_answers_although_no_app_does(host: Any) -> None:
    listens = [line.split()[1] for line in host.file(CONF).content_string.splitlines() if " bind " in line]

    ask = "import socket, sys; h, p = sys.argv[1].split(':'); s = socket.create_connection((h, int(p)), 5); "
    ask += "s.sendall(b'GET / HTTP/1.0\\r\\n\\r\\n'); print(s.recv(99).split()[1].decode())"
    assert host.check_output("python3 -c %s %s", ask, listens[0]) == "503"
