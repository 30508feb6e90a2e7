from __future__ import annotations

from functools import partial

import pytest

from tests.agent.resources.case import Case
from toque.core import BadProperty, ToqueError, converge
from toque.resources.locale import Locale
from toque.testing.machine import FakeHost
from toque.testing.programs.apt import Apt
from toque.testing.programs.locales import with_locales

FILE = "/etc/default/locale"


def example_machine() -> FakeHost:
    host = with_locales()
    host.programs = [*host.programs, Apt()]
    host.paths = [*host.paths, "/usr/bin/apt-get"]
    return host


def test_what_is_named_is_generated_and_set() -> None:
    host = with_locales()

    converge(Locale("en_US.UTF-8", lc={"LC_TIME": "en_GB.UTF-8"}, also=["de_DE.UTF-8"]), host)

    assert host.read("/etc/locale.gen") == (
        b"# This file lists locales\nde_DE.UTF-8 UTF-8\nen_US.UTF-8 UTF-8\nen_GB.UTF-8 UTF-8\n"
    )
    assert host.read(FILE) == b"LANG=en_US.UTF-8\nLC_TIME=en_GB.UTF-8\n"


def test_variables_that_are_not_named_stay_and_an_empty_one_goes() -> None:
    host = with_locales(settings='# by hand\nLANG="C.UTF-8"\nLC_PAPER=de_DE.UTF-8\nLC_TIME=de_DE.UTF-8\n')

    converge(Locale("C.UTF-8", lc={"LC_TIME": "", "LANGUAGE": "de:en"}), host)

    assert host.read(FILE) == b"LANG=C.UTF-8\nLANGUAGE=de:en\nLC_PAPER=de_DE.UTF-8\n"


def test_it_may_be_only_generated() -> None:
    host = with_locales(settings="LANG=C.UTF-8\n")

    converge(Locale("de_DE.UTF-8", default=False), host)

    assert host.read(FILE) == b"LANG=C.UTF-8\n"
    assert host.ran == ["write /etc/locale.gen", "locale-gen"]


def test_elsewhere_localedef_makes_them() -> None:
    host = with_locales(debian=False)

    converge(Locale("en_US.UTF-8"), host)

    assert host.ran == ["localedef -i en_US -f UTF-8 en_US.UTF-8", "write /etc/locale.conf"]


def test_a_machine_without_sources_is_told_which_package_has_them() -> None:
    with pytest.raises(ToqueError, match=r'en_US.UTF-8 cannot be generated: .*package\("locales"\)'):
        converge(Locale("en_US.UTF-8"), with_locales(sources=False))


def test_what_needs_no_generating_works_without_sources() -> None:
    host = with_locales(sources=False)

    converge(Locale("C.UTF-8"), host)

    assert host.read(FILE) == b"LANG=C.UTF-8\n"


@pytest.mark.parametrize(
    ("name", "options", "says"),
    [
        ("german", {}, "locale must be a name"),
        ("de_DE.UTF-8\nX=1", {}, "locale must be a name"),
        ("C.UTF-8", {"also": ["-x"]}, "locale must be a name"),
        ("C.UTF-8", {"lc": {"PATH": "C.UTF-8"}}, "lc must map names such as LC_TIME"),
        ("C.UTF-8", {"lc": {"LC_TIME": "x;y"}}, "locale must be a name"),
        ("C.UTF-8", {"lc": {"LANGUAGE": "de en"}}, "LANGUAGE must be languages"),
        ("C.UTF-8", {"lc": {"LC_TIME": "C"}, "default": False}, "leave out default=False"),
    ],
    ids=["word", "lines", "option", "variable", "value", "language", "nothing-set"],
)
def test_S22_what_could_be_a_second_variable_is_refused(name: str, options: dict[str, object], says: str) -> None:
    with pytest.raises(BadProperty, match=says):
        Locale(name, **options)  # type: ignore[arg-type]


CASES = [
    Case(want, partial(with_locales, debian=debian, settings=settings))
    for want in (
        Locale("en_US.UTF-8", lc={"LC_TIME": "de_DE.UTF-8"}),
        Locale("C.UTF-8", lc={"LC_TIME": ""}),
        Locale("de_DE.UTF-8", default=False),
        Locale("POSIX"),
    )
    for debian, settings in ((True, ""), (True, "LANG=C.UTF-8\nLC_TIME=C.UTF-8\n"), (False, ""))
]
