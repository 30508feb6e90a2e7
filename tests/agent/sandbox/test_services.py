from __future__ import annotations

from pathlib import Path

import pytest

from toque.sandbox.services import NoService, Remembered, script


def test_a_service_is_asked_through_its_sysv_script() -> None:
    argv = script("nginx", "start", exists={"/etc/init.d/nginx"}.__contains__)

    assert argv == ["/etc/init.d/nginx", "start"]


def test_where_openrc_is_at_home_it_is_asked() -> None:
    argv = script("nginx", "start", exists={"/etc/init.d/nginx", "/sbin/rc-service"}.__contains__)

    assert argv == ["/sbin/rc-service", "nginx", "start"]


@pytest.mark.parametrize("name", ["", "../../bin/sh", "-h", "a/b", "a b", "x" * 200])
def test_a_name_that_leads_elsewhere_is_refused(name: str) -> None:
    with pytest.raises(NoService, match="cannot be the name"):
        script(name, "start", exists=lambda _: True)


def test_an_action_nobody_knows_is_refused_with_the_choices() -> None:
    with pytest.raises(NoService, match="status"):
        script("nginx", "explode", exists=lambda _: True)


def test_a_service_without_a_script_names_what_to_do() -> None:
    with pytest.raises(NoService, match="install the package"):
        script("nginx", "start", exists=lambda _: False)


def test_what_was_started_and_not_stopped_is_remembered_in_order(tmp_path: Path) -> None:
    services = Remembered(tmp_path / "deep" / "services.json")
    for name, action in [
        ("a", "start"),
        ("b", "start"),
        ("a", "restart"),
        ("c", "start"),
        ("c", "stop"),
        ("d", "status"),
    ]:
        services.note(name, action)

    assert Remembered(tmp_path / "deep" / "services.json").names() == ["b", "a"]


def test_a_file_that_was_cut_off_by_a_kill_is_no_services(tmp_path: Path) -> None:
    (tmp_path / "services.json").write_text('["ngi')

    assert Remembered(tmp_path / "services.json").names() == []
