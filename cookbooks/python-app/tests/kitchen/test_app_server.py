"""An app server before its first deployment: the interpreter with its environments, and the account."""

from typing import Any


def test_apps_run_as_a_user_of_their_own(host: Any) -> None:
    deploy = host.user("deploy")

    assert deploy.group == "www-data"
    assert deploy.home == "/home/deploy"
    assert host.file("/home/deploy").user == "deploy"


def test_an_environment_can_be_made(host: Any) -> None:
    assert host.run("python3 -m venv --without-pip /tmp/environment").succeeded
    assert host.file("/tmp/environment/bin/python").exists


def test_nothing_is_written_for_an_app_that_is_not_here(host: Any) -> None:
    assert host.file("/srv/www").is_directory
    assert not host.file("/srv/www/shop").exists
