"""Any stack file, for hypothesis; and a server in memory that takes steps as values."""

from __future__ import annotations

from typing import Any

import msgspec
from hypothesis import strategies as st

from toque.stackfile.model import (
    App,
    DataSource,
    ElasticIp,
    Instance,
    Layer,
    LoadBasedAutoScaling,
    Permission,
    RdsDbInstance,
    Recipes,
    SecretRef,
    Source,
    Stack,
    StackFile,
    UpScaling,
    Volume,
    VolumeConfiguration,
)
from toque.stackfile.plan import Step

names = st.sampled_from(["app", "web", "db"])
texts = st.sampled_from(["", "a", "yes", "8:30", " b ", "two\nlines\n", "é ✓", "1.0", "~", "# no comment", "\x1b[31m"])
secrets = st.sampled_from(["ONE", "TWO"]).map(SecretRef)
values = st.sampled_from([None, True, 1, 1.5, "text", ["a", 2], {"deep": {"er": None}}])
objects = st.dictionaries(names, values, max_size=2)
items = st.dictionaries(names, objects, min_size=1, max_size=2)
bags = st.just({}) | st.dictionaries(names, items, max_size=1)
maps = st.dictionaries(names, texts, max_size=2)
lists = st.sampled_from([(), ("curl",), ("curl", "git")])
json_texts = objects | st.just('{"kept":  "as it is"}')

sources = st.builds(
    Source,
    type=st.sampled_from(["git", "archive"]),
    url=texts,
    password=st.none() | secrets,
    revision=st.none() | names,
    username=st.none(),
    ssh_key=st.none(),
)
stacks = st.builds(
    Stack,
    name=st.just("shop"),
    default_os=st.none() | names,
    use_custom_cookbooks=st.booleans(),
    custom_cookbooks_source=st.none() | sources,
    strict=st.booleans(),
    tags=maps,
    custom_json=json_texts,
    data_bags=bags,
)
layers = st.builds(
    Layer,
    name=st.none() | texts.filter(bool),
    tags=maps,
    custom_recipes=st.builds(Recipes, setup=lists, deploy=lists),
    packages=lists,
    volume_configurations=st.sampled_from(
        [None, (), (VolumeConfiguration(mount_point="/vol", number_of_disks=1, size=9),)]
    ),
    enable_auto_healing=st.booleans(),
    load_based_auto_scaling=st.builds(
        LoadBasedAutoScaling,
        enable=st.booleans(),
        up_scaling=st.builds(UpScaling, cpu_threshold=st.sampled_from([50.0, 60.0]), alarms=lists),
    ),
    node_attributes=objects,
    data_bags=bags,
)
hours = st.dictionaries(st.integers(0, 23).map(str), st.sampled_from(["on", "off"]), min_size=1, max_size=3)
apps = st.builds(
    App,
    description=texts,
    app_source=st.none() | sources,
    data_sources=st.just(()) | st.just((DataSource(type="None"),)),
    attributes=maps,
    environment=st.dictionaries(names, texts | secrets, max_size=2),
    data_bags=bags,
)


@st.composite
def documents(draw: st.DrawFn) -> StackFile:
    """A document whose names lead somewhere."""
    of_layers = draw(st.dictionaries(names, layers, min_size=1, max_size=3))
    balancers = draw(st.permutations(["one", "two", "three", None, None]))
    of_layers = {
        name: msgspec.structs.replace(each, load_balancer=balancer)
        for (name, each), balancer in zip(of_layers.items(), balancers, strict=False)
    }
    timed = st.builds(
        Instance,
        layers=st.lists(st.sampled_from(sorted(of_layers)), min_size=1, max_size=2, unique=True).map(tuple),
        instance_type=st.none() | names,
        auto_scaling_type=st.just("timer"),
        schedule=st.dictionaries(st.sampled_from(["monday", "sunday"]), hours, max_size=2),
        data_bags=bags,
    )
    hosts = draw(st.dictionaries(names, timed, min_size=1, max_size=2))
    host = st.none() | st.sampled_from(sorted(hosts))
    return StackFile(
        stack=draw(stacks),
        permissions=draw(
            st.dictionaries(
                names,
                st.builds(Permission, level=st.sampled_from(["show", "manage"]), allow_ssh=st.booleans()),
                max_size=2,
            )
        ),
        ecs_clusters=draw(st.lists(names, max_size=1).map(tuple)),
        rds_db_instances=draw(
            st.dictionaries(names, st.builds(RdsDbInstance, db_user=texts, db_password=secrets), max_size=2)
        ),
        layers=of_layers,
        instances=hosts,
        apps=draw(st.dictionaries(names, apps, max_size=2)),
        elastic_ips=draw(
            st.dictionaries(names, st.builds(ElasticIp, name=st.none() | names, instance=host), max_size=2)
        ),
        volumes=draw(
            st.dictionaries(
                names,
                st.builds(Volume, name=st.none() | names, mount_point=st.none() | names, instance=host),
                max_size=2,
            )
        ),
    )


_SECTIONS = {
    "layer": "layers",
    "instance": "instances",
    "app": "apps",
    "database": "rds_db_instances",
    "elastic IP": "elastic_ips",
    "volume": "volumes",
    "permission": "permissions",
}


def taken(document: StackFile, step: Step) -> StackFile:
    """The document after a step. It fails where a server would: what is made twice, or changed without being there."""
    match step.kind:
        case "stack":
            return _with(document, stack=_changed(document.stack, step))
        case "ECS cluster":
            there = document.ecs_clusters or ()
            assert (step.name in there) == (step.verb == "delete")
            left = tuple(each for each in there if each != step.name)
            assert step.verb == "delete" or not left, "a stack has one cluster"
            return _with(document, ecs_clusters=left if step.verb == "delete" else (step.name,))
        case "load balancer":
            assert step.owner is not None
            used = [each.load_balancer for each in (document.layers or {}).values()]
            assert (step.name in used) == (step.verb == "delete")
            now = None if step.verb == "delete" else step.name
            return _owned(document, step, lambda each: msgspec.structs.replace(each, load_balancer=now))
        case "data bag item":
            return _owned(document, step, lambda each: _with_item(each, step))
    section = dict(getattr(document, _SECTIONS[step.kind]) or {})
    assert (step.name in section) == (step.verb != "create"), step
    if step.verb == "delete":
        del section[step.name]
    else:
        section[step.name] = _changed(section.get(step.name) or _blank(step), step)
    return _with(document, **{_SECTIONS[step.kind]: section})


def _blank(step: Step) -> Any:
    kind = type(step.whole)
    must = {each.name: None for each in msgspec.structs.fields(kind) if each.required}
    return kind(**must)


def _changed(part: Any, step: Step) -> Any:
    for change in step.changes:
        assert step.verb == "create" or getattr(part, change.field) in (change.was, None)
    return msgspec.structs.replace(part, **{each.field: each.want for each in step.changes})


def _with_item(owner: Any, step: Step) -> Any:
    bag, _, item = step.name.partition("/")
    of_bags = {name: dict(items) for name, items in owner.data_bags.items()}
    items = of_bags.setdefault(bag, {})
    assert (item in items) == (step.verb != "create")
    if step.verb == "delete":
        del items[item]
    else:
        items[item] = step.changes[0].want
    return msgspec.structs.replace(owner, data_bags={name: each for name, each in of_bags.items() if each})


def _owned(document: StackFile, step: Step, change: Any) -> StackFile:
    assert step.owner is not None
    if step.owner.level == "stack":
        return _with(document, stack=change(document.stack))
    name = f"{step.owner.level}s"
    section = dict(getattr(document, name) or {})
    section[step.owner.name] = change(section[step.owner.name])
    return _with(document, **{name: section})


def _with(document: StackFile, **changes: Any) -> StackFile:
    return msgspec.structs.replace(document, **changes)
