from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.agent.stackfile.documents import documents
from toque.stackfile.loading import load
from toque.stackfile.model import Instance, Layer, SecretRef, StackFile
from toque.stackfile.problems import BadStackFile
from toque.stackfile.writing import written


def problems(text: str) -> list[str]:
    with pytest.raises(BadStackFile) as refused:
        load(text, "shop.yaml")
    return [str(each) for each in refused.value.problems]


@settings(max_examples=40)
@given(documents())
def test_what_is_written_is_read_as_it_was(document: StackFile) -> None:
    assert load(written(document, comment="two\nlines"), "shop.yaml") == document


@settings(max_examples=200)
@given(st.text(max_size=60) | st.text("{}[]:,-&*!#|>'\"\n \tab", max_size=60))
def test_no_text_is_more_than_refused(text: str) -> None:
    with pytest.raises(BadStackFile):
        load(text, "shop.yaml")


def test_all_mistakes_are_told_at_once_with_line_field_value_and_remedy() -> None:
    text = """\
toque: 1
stack:
  name: shop
  tags: {Stage: 1}
layers:
  web:
    enable_auto_heeling: true
    packages: curl
    packages: [git]
    use_ebs_optimized_instances: yes
    lifecycle_event_configuration: {shutdown: {execution_timeout: long}}
instances:
  web1: {layers: [wen], instance_type: }
apps:
  blog:
    app_source: {type: git, password: hunter2}
    environment: {A: 1}
"""

    assert problems(text) == [
        "shop.yaml:4:17: stack.tags.Stage: this must be text, not '1': please put it in quotes (\"…\")",
        "shop.yaml:7:5: layers.web.enable_auto_heeling: there is no such setting (did you mean enable_auto_healing?)",
        "shop.yaml:8:15: layers.web.packages: this must be a list, not 'curl'",
        "shop.yaml:9:5: layers.web.packages: this key stands here twice, first in line 8",
        "shop.yaml:10:34: layers.web.use_ebs_optimized_instances: this must be true or false, not 'yes'",
        "shop.yaml:11:67: layers.web.lifecycle_event_configuration.shutdown.execution_timeout: this must be a whole"
        " number, not 'long'",
        "shop.yaml:16:39: apps.blog.app_source.password: no secret stands in this file: please write !secret NAME,"
        " and give it apart",
        "shop.yaml:17:22: apps.blog.environment.A: this must be text, not '1': please put it in quotes (\"…\")",
    ]


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("layers: {web: {}}\ninstances: {a: {layers: [wen]}}", "layers has no wen (did you mean web?)"),
        ("instances: {a: {layers: []}}", "an instance is in at least one layer"),
        ("instances: {a: {}}", "instances.a: layers is missing: a list"),
        ("instances: {a: {layers: [w], schedule: {monday: 8-18}}}", "a schedule needs auto_scaling_type: timer"),
        ("instances: {a: {layers: [w], schedule: {monday: 18-8}}}", "must be ranges of hours such as 8-18"),
        ("instances: {a: {layers: [w], schedule: {funday: 8-18}}}", "this must be one of friday, monday"),
        (
            'instances: {a: {layers: [w], auto_scaling_type: timer, schedule: {monday: {"24": "on"}}}}',
            "hours are 0 to 23, in UTC",
        ),
        ("layers: {front: {type: lb}}", "the short name of a layer of type lb is lb: please call it so"),
        (
            "layers: {lb: {type: lb, attributes: {HaproxyStatsPassword: x}}}",
            "layers.lb.attributes.HaproxyStatsPassword: no secret stands in this file",
        ),
        ("layers: {a: {load_balancer: x}, b: {load_balancer: x}}", "x is that of layer a, and a balancer has one"),
        ("apps: {a: {data_sources: [{type: RdsDbInstance}]}}", "arn is missing"),
        ("apps: {a: {data_sources: [{type: OpsworksMysqlInstance}]}}", "instance is missing"),
        ("apps: {a: {custom_jsn: {}}}", "there is no such setting"),
        ("layers: {a: {custom_json: '{'}}", "this text is not JSON"),
        ("layers: {a: {custom_json: '[]'}}", "this must be a JSON object"),
        ("layers: {a: {custom_json: {a: !secret 'two words'}}}", "a secret's name has letters, digits and '_'"),
        ("ecs_clusters: [a, b]", "a stack has one cluster"),
        ("elastic_ips: {1.2.3.4: {instance: a}}\ninstances: {}", "instances has no a"),
        ("apps:", "this must be a mapping (key: value), not nothing: please write it, or leave the key out"),
        ("toque: 2", "this must be one of 1"),
        ("permissions: {ann: {level: boss}}", "this must be one of"),
        ("layers: {a: !!python/object:os.system {}}", "the only one is !secret"),
        ("layers: {a: &a {custom_json: {x: 1.0e+999}}}", "larger than any number"),
        ("layers: {<<: {}}", "merging with << is not read"),
    ],
)
def test_what_makes_no_sense_is_refused(text: str, said: str) -> None:
    told = problems(f"stack: {{name: shop}}\n{text}")

    assert any(said in each for each in told), told
    assert all(each.startswith(("shop.yaml:2:", "shop.yaml:3:")) for each in told)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "the file is empty"),
        ("- a", "this must be a mapping (key: value), not a list"),
        ("stack: {name: a}\n---\nb: c", "shop.yaml:2:1: this is not YAML"),
        ("a:\n\t- b", "shop.yaml:2:1: this is not YAML"),
        ("[" * 1000, "deeper than 200 levels"),
        ("stack: {name: a, custom_json: &x {a: *x}}", "is there an alias (*) that holds itself?"),
        ("toque: 1", "shop.yaml:1:1: stack is missing"),
    ],
)
def test_what_is_no_document_is_refused(text: str, said: str) -> None:
    assert said in "\n".join(problems(text))


def test_aliases_cannot_make_a_small_file_an_endless_document() -> None:
    bombs = "".join(f", a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 10)}]" for n in range(1, 9))

    told = problems(f"stack: {{name: s, custom_json: {{a0: &a0 [x]{bombs}}}}}")

    assert "the document is too large here" in told[0]


def test_words_mean_what_they_look_like() -> None:
    text = "stack: {name: no, custom_json: {a: [yes, on, 8:30, 2026-01-01, 1_000, 08, 1e3, ~, 1, 1.5, true]}}"

    stack = load(text, "shop.yaml").stack

    assert stack.name == "no"
    assert stack.custom_json == {
        "a": ["yes", "on", "8:30", "2026-01-01", "1_000", "08", "1e3", None, 1, 1.5, True],
    }


def test_hours_are_written_as_ranges_unless_some_are_off_by_name() -> None:
    text = (
        "stack: {name: s}\ninstances: {a: {layers: [w], auto_scaling_type: timer, schedule: {monday: '8-10, 23-24'}}}"
    )
    document = load(text, "shop.yaml")

    assert document.instances == {
        "a": Instance(
            layers=("w",),
            auto_scaling_type="timer",
            schedule={"monday": {"8": "on", "9": "on", "23": "on"}},
        )
    }
    assert "monday: 8-10, 23-24" in written(document)


def test_a_thing_that_says_nothing_is_all_defaults() -> None:
    assert load("stack: {name: s}\nlayers:\n  web:\n", "shop.yaml").layers == {"web": Layer()}


def test_a_secret_is_a_name_and_no_value() -> None:
    text = "stack: {name: s}\napps: {a: {environment: {A: !secret TOKEN}}}"

    document = load(text, "shop.yaml")

    assert document.apps is not None
    assert document.apps["a"].environment == {"A": SecretRef("TOKEN")}
    assert "      A: !secret TOKEN\n" in written(document)
