from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from pathlib import Path

import pytest

from tests.agent.resources.case import Case
from toque.core import BadProperty, NotFound, Secret, converge
from toque.core.run import Run
from toque.core.source import Source
from toque.resources.template import Template, TemplateFailed, template
from toque.testing.machine import FakeHost, Node

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


def test_functions_of_the_cookbook_are_functions_and_filters(recipe: Path) -> None:
    def port_of(name: str) -> int:
        return len(name)

    write(recipe, "{{ port_of('ab') }} {{ 'abc' | port_of }}")
    host = FakeHost()

    converge(declared(recipe, Template("/etc/a", source="a.j2", helpers=[port_of])), host)

    assert host.read("/etc/a") == b"2 3"


def test_helpers_of_one_template_are_not_those_of_another(recipe: Path) -> None:
    def shout(text: str) -> str:
        return text.upper()

    write(recipe, "{{ 'x' | shout }}")
    converge(declared(recipe, Template("/etc/a", source="a.j2", helpers=[shout])), FakeHost())

    with pytest.raises(TemplateFailed, match="No filter named 'shout'"):
        converge(declared(recipe, Template("/etc/a", source="a.j2")), FakeHost())


@pytest.mark.parametrize(
    ("path", "text", "made"),
    [
        ("/etc/a.conf", "x\n", "# Managed by Toque (a.j2): edits are overwritten.\nx\n"),
        ("/etc/a.xml", "<?xml?>\n<a/>", "<?xml?>\n<!-- Managed by Toque (a.j2): edits are overwritten. -->\n<a/>"),
        ("/usr/bin/a", "#!/bin/sh\nx\n", "#!/bin/sh\n# Managed by Toque (a.j2): edits are overwritten.\nx\n"),
    ],
    ids=["conf", "xml", "script"],
)
def test_a_header_says_whose_file_it_is(recipe: Path, path: str, text: str, made: str) -> None:
    write(recipe, text)
    host = FakeHost()
    host.add("/usr/bin", Node("directory"))

    converge(declared(recipe, Template(path, source="a.j2", header=True)), host)

    assert host.read(path) == made.encode()


def test_a_header_in_a_file_without_comments_is_refused(recipe: Path) -> None:
    write(recipe, "{}")

    with pytest.raises(BadProperty, match=r"\.json files have no comments"):
        converge(declared(recipe, Template("/etc/a.json", source="a.j2", header=True)), FakeHost())


def test_an_error_below_a_folder_of_templates_names_that_file(recipe: Path) -> None:
    (recipe.parent / "templates/site").mkdir()
    write(recipe, "{% include 'part.j2' %}\n", "site/a.j2")
    write(recipe, "\n{{ 1 // 0 }}\n", "part.j2")

    with pytest.raises(TemplateFailed, match=r"part\.j2:2: ZeroDivisionError"):
        converge(declared(recipe, Template("/etc/a", source="site/a.j2")), FakeHost())


def test_variables_may_be_a_dataclass(recipe: Path) -> None:
    @dataclass(frozen=True)
    class Site:
        name: str
        port: int = 80

    write(recipe, "{{ name }}:{{ port }}")
    host = FakeHost()
    recipe.write_text('made = template("/etc/a", source="a.j2", variables=Site("shop"), port=81)\n')
    with Run(host):
        exec(compile(recipe.read_text(), str(recipe), "exec"), {"template": template, "Site": Site})

    assert host.read("/etc/a") == b"shop:81"


CASES = [
    Case(declared(HERE.parent / "recipe.py", want), partial(FakeHost, files=found))
    for want in (
        Template("/etc/a", source="case.j2", variables={"x": 1}, mode="0640"),
        Template("/etc/a", source="case.j2", present=False),
    )
    for found in ({}, {"/etc/a": "x = 1\n"}, {"/etc/a": "other"})
]
