from __future__ import annotations

from functools import partial
from pathlib import Path

import pytest

from tests.agent.resources.case import Case
from toque.core import NotFound, Secret, converge
from toque.core.source import Source
from toque.resources.template import Template, TemplateFailed
from toque.testing.machine import FakeHost

HERE = Path(__file__).parent / "templates"


def declared(recipe: Path, resource: Template) -> Template:
    """As if a recipe had said it."""
    object.__setattr__(resource, "source_line", Source(str(recipe), 1))
    return resource


@pytest.fixture
def recipe(tmp_path: Path) -> Path:
    (tmp_path / "templates").mkdir()
    return tmp_path / "recipe.py"


def write(recipe: Path, text: str, name: str = "a.j2") -> None:
    (recipe.parent / "templates" / name).write_text(text)


def test_a_template_is_filled_in(recipe: Path) -> None:
    write(recipe, "workers {{ workers }};\n{% if tls %}\ntls on;\n{% endif %}\n")
    host = FakeHost()

    converge(declared(recipe, Template("/etc/a", source="a.j2", variables={"workers": 3, "tls": True})), host)

    assert host.read("/etc/a") == b"workers 3;\ntls on;\n"


def test_text_is_not_escaped_because_configuration_is_not_html(recipe: Path) -> None:
    write(recipe, "{{ x }}")
    host = FakeHost()

    converge(declared(recipe, Template("/etc/a", source="a.j2", variables={"x": "<&>"})), host)

    assert host.read("/etc/a") == b"<&>"


def test_a_variable_nobody_gave_is_an_error_with_the_templates_line(recipe: Path) -> None:
    write(recipe, "one\n{{ wrokers }}\n")

    with pytest.raises(TemplateFailed, match=r"a\.j2:2: 'wrokers' is undefined"):
        converge(declared(recipe, Template("/etc/a", source="a.j2")), FakeHost())


def test_an_error_in_an_included_template_names_that_file(recipe: Path) -> None:
    write(recipe, "{% include 'part.j2' %}\n")
    write(recipe, "\n{{ 1 // 0 }}\n", "part.j2")

    with pytest.raises(TemplateFailed, match=r"part\.j2:2: ZeroDivisionError"):
        converge(declared(recipe, Template("/etc/a", source="a.j2")), FakeHost())


def test_a_template_that_is_no_jinja_names_its_line(recipe: Path) -> None:
    write(recipe, "\n{% if %}\n")

    with pytest.raises(TemplateFailed, match=r"a\.j2:2: "):
        converge(declared(recipe, Template("/etc/a", source="a.j2")), FakeHost())


def test_a_secret_in_a_template_makes_a_private_file(recipe: Path) -> None:
    write(recipe, "password={{ password }}\n")
    host = FakeHost()

    converge(declared(recipe, Template("/etc/a", source="a.j2", variables={"password": Secret("correct-horse")})), host)

    assert host.nodes["/etc/a"].content == b"password=correct-horse\n"
    assert host.nodes["/etc/a"].mode == 0o600


@pytest.mark.parametrize("name", ["../secret", "/etc/passwd", "a//b", "x/../../y"])
def test_S22_a_template_is_never_found_outside_its_folder(recipe: Path, name: str) -> None:
    with pytest.raises(Exception, match="source must be a name below templates/"):
        converge(declared(recipe, Template("/etc/a", source=name)), FakeHost())


def test_S22_a_link_that_leads_out_of_the_folder_is_not_followed(recipe: Path) -> None:
    (recipe.parent / "outside").write_text("secret")
    (recipe.parent / "templates" / "in.j2").symlink_to("../outside")

    with pytest.raises(NotFound):
        converge(declared(recipe, Template("/etc/a", source="in.j2")), FakeHost())


def test_S22_a_value_is_never_rendered_as_a_template(recipe: Path) -> None:
    write(recipe, "{{ x }}")
    host = FakeHost()

    converge(declared(recipe, Template("/etc/a", source="a.j2", variables={"x": "{{ 7 * 7 }}"})), host)

    assert host.read("/etc/a") == b"{{ 7 * 7 }}"


CASES = [
    Case(declared(HERE.parent / "recipe.py", want), partial(FakeHost, files=found))
    for want in (
        Template("/etc/a", source="case.j2", variables={"x": 1}, mode="0640"),
        Template("/etc/a", source="case.j2", present=False),
    )
    for found in ({}, {"/etc/a": "x = 1\n"}, {"/etc/a": "other"})
]
