"""What a run knows beside the machine: the snapshot that came with its command, and the words that read it."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterable, Mapping
from types import FrameType
from typing import TYPE_CHECKING, Any, cast

from toque.core.attributes import Attributes, Item, frozen, items_of, merged, resolved
from toque.core.errors import BadData, NotFound
from toque.core.files import cookbook_of
from toque.core.node import Collect, Node, no_facts
from toque.core.run import current_run
from toque.core.search import compiled
from toque.core.secret import Secret

Bags = Mapping[str, Mapping[str, Mapping[str, Any]]]

PLATFORM_BAGS = ("aws_opsworks_", "opsworks_")
"""Beginnings of the names of bags that only the platform fills."""


class World:
    """The snapshot of a run: bags, the attribute chain, who this node is. The same for every recipe of the run."""

    def __init__(
        self,
        *,
        bags: Bags | None = None,
        levels: Iterable[tuple[str, Mapping[str, Any]]] = (),
        me: Mapping[str, Any] | None = None,
        masked: Iterable[str] = (),
        collect: Collect = no_facts,
        allow_insecure_sources: bool = False,
    ) -> None:
        self.allow_insecure_sources = allow_insecure_sources
        self._secrets = {value: Secret(value) for value in masked if value}
        # node["tags"] is there on every node, also where nobody tagged anything, and in `toque apply`.
        given = merged([{"tags": {}}, *(level for _, level in levels)])
        chain = resolved(given)
        self._given: Attributes = frozen(self._tainted(given))
        self.bags = _with_custom_bags(bags or {}, given)
        instances = self.bags.get("aws_opsworks_instance", {}).values()
        self.me = me or next((each for each in instances if each.get("self")), {})
        self.node = Node(self._tainted(chain), me=self.me, bags=self._tainted(self.bags), collect=collect)
        self.include: Callable[[str], None] = _cannot_include
        self.settings_of: Callable[[str], Any] = _no_settings

    def given(self, cookbook: str) -> Mapping[str, Any]:
        """The attributes of a cookbook, with the markers that concern its defaults still in them."""
        attributes = self._given.get(cookbook, {})
        if not isinstance(attributes, Mapping):
            raise BadData(f"the attribute {cookbook} must be a map of settings, as it is the name of a cookbook")
        return attributes

    def search(self, index: str, query: str) -> list[Item]:
        return [items_of(self._tainted(item)) for item in self._matching(index, query)]

    def item(self, bag: str, name: str) -> Item:
        items = self._bag(bag)
        if name not in items:
            raise NotFound(f"item in data bag {bag}", name, items)
        found: Item = items_of(self._tainted(items[name]))
        return found

    def names(self, bag: str) -> list[str]:
        return sorted(self._bag(bag))

    def elected(self) -> str:
        """The host name of the one of all instances with this event that does what is done once; empty: this one."""
        command = self.node.command
        instances = self.bags.get("aws_opsworks_instance", {}).values()
        if elected := command.get("elected"):
            named = (str(each.get("hostname")) for each in instances if each.get("instance_id") == elected)
            return next(named, str(elected))
        if command.get("type") != "configure":
            return ""
        return min((str(each.get("hostname")) for each in instances if each.get("status") == "online"), default="")

    def _matching(self, index: str, query: str) -> list[Mapping[str, Any]]:
        items = self._node_index() if index == "node" else self._bag(index)
        matches = compiled(query)
        return [item for _, item in sorted(items.items()) if matches(item)]

    def _bag(self, name: str) -> Mapping[str, Mapping[str, Any]]:
        if name not in self.bags:
            raise NotFound("data bag", name, [*self.bags, "node"])
        return self.bags[name]

    def _node_index(self) -> Mapping[str, Mapping[str, Any]]:
        """One entry per online instance, from what the bags say of it."""
        layers = {each.get("layer_id"): name for name, each in self.bags.get("aws_opsworks_layer", {}).items()}
        index: dict[str, Mapping[str, Any]] = {}
        for name, each in self.bags.get("aws_opsworks_instance", {}).items():
            if each.get("status") != "online":
                continue
            short = [layers[one] for one in each.get("layer_ids", ()) if one in layers]
            public = each.get("public_ip") or each.get("elastic_ip") or each.get("private_ip")
            index[name] = {
                **each,
                "name": each.get("hostname", name),
                "fqdn": each.get("private_dns") or each.get("public_dns") or each.get("hostname", name),
                "ipaddress": public,
                "ip": public,
                "layers": short,
                "role": short,
                "region": next((s.get("region") for s in self.bags.get("aws_opsworks_stack", {}).values()), None),
            }
        return index

    def _tainted(self, value: Any) -> Any:
        """The same data, with every string that the server marked as secret as a Secret."""
        if not self._secrets:
            return value
        if isinstance(value, Mapping):
            return {key: self._tainted(each) for key, each in value.items()}
        if isinstance(value, list | tuple):
            return [self._tainted(each) for each in value]
        return self._secrets.get(value, value) if isinstance(value, str) else value


def _with_custom_bags(bags: Bags, chain: Mapping[str, Any]) -> dict[str, dict[str, Mapping[str, Any]]]:
    """The bags, and over them those that custom JSON brings as `opsworks.data_bags.<bag>.<item>` (chapter 06, 5.3)."""
    custom = chain.get("opsworks")
    custom = custom.get("data_bags", {}) if isinstance(custom, Mapping) else {}
    all_bags = {name: dict(items) for name, items in bags.items()}
    if not isinstance(custom, Mapping):
        raise BadData("custom JSON: opsworks.data_bags must be a map of bags")
    for bag, items in custom.items():
        if bag.startswith(PLATFORM_BAGS):
            raise BadData(f"custom JSON: a data bag must not be called {bag}: such names are the platform's")
        if not isinstance(items, Mapping) or not all(isinstance(item, Mapping) for item in items.values()):
            raise BadData(f"custom JSON: opsworks.data_bags.{bag} must be a map of items, and each item a map")
        for name, item in items.items():
            under = all_bags.setdefault(bag, {}).get(name, {})
            all_bags[bag][name] = {"id": name, **resolved(merged([under, item]))}
    return all_bags


def _cannot_include(name: str) -> None:
    raise NotFound("recipe (a single file has no cookbook)", name)


def _no_settings(recipe: str) -> Any:
    raise NotFound("settings.py in the cookbook of", recipe)


def search(index: str, query: str = "*:*") -> list[Item]:
    """The items of a data bag (or of `node`) that match, ordered by name, as copies you may change.

    index   a bag: `aws_opsworks_instance`, `aws_opsworks_app`, a free bag, …; or `node`: the instances online
    query   Lucene's syntax: `field:value`, AND, OR, NOT, ( ), `web*`, `"two words"`, `[a TO b]`, `app_source.type:git`

        for web in search("node", "layers:web AND NOT hostname:web1"):
            log(web.private_ip)

    No match is an empty list; an index that does not exist raises NotFound, a KeyError.
    """
    return _world("search").search(index, query)


def data_bag(bag: str) -> list[str]:
    """The names of the items in a data bag, sorted. Raises NotFound when there is no such bag.

    Of each name `data_bag_item` has the item.

        for name in data_bag("tenants"):
            directory(f"/srv/{data_bag_item('tenants', name).id}")
    """
    return _world("data_bag").names(bag)


def data_bag_item(bag: str, item: str) -> Item:
    """One item of a data bag, as a copy. Raises NotFound when there is no such bag or item.

    Its keys are attributes, and items as of a mapping.

        database = data_bag_item("mysql", "main")
        file("/etc/app.ini", content=f"host = {database.host}\\n")
    """
    return _world("data_bag_item").item(bag, item)


def include_recipe(name: str) -> None:
    """Run another recipe here, unless it ran in this run already: `include_recipe("nginx::vhosts")`, `("nginx")`.

    Its cookbook must be in the same bundle; `cookbook.toml` of yours should name it under `[requires]`.
    """
    _world("include_recipe").include(name)


def once(name: str) -> bool:
    """Whether this node is the one of all that this event is for which does a thing that must be done once.

    name    for the log: what is to be done

        if once("migrate"):
            execute(["bin/rails", "db:migrate"], cwd="/srv/www/shop/current", user="deploy")

    All nodes agree without asking each other. Of a deployment it is the first by host name of the instances that were
    online when it was ordered; of a Configure, the first of those online; every other event is for one instance alone.
    In `toque apply` and in a plan without a server it is always true. Whether it succeeds there, nobody else waits for.
    """
    world = _world("once")
    elected = world.elected()
    here = elected in ("", world.me.get("hostname", ""))
    current_run("once").report.note(f"once({name!r}): {'here' if here else f'on {elected}'}")
    return here


def _world(word: str) -> World:
    run = current_run(word)
    if run.world is None:
        run.world = World()
    return cast(World, run.world)


class _TheNode:
    """The node of the run that is going on."""

    def __getattr__(self, name: str) -> Any:
        return getattr(_world("node").node, name)

    def __getitem__(self, name: str) -> Any:
        return _world("node").node[name]

    def __contains__(self, name: object) -> bool:
        return name in _world("node").node

    def __iter__(self) -> Any:
        return iter(_world("node").node)

    def __len__(self) -> int:
        return len(_world("node").node)


class _TheSettings:
    """The settings of the cookbook whose file reads them: an instance of `Settings` in its `settings.py`.

    The defaults of that dataclass, and over them the attributes of the cookbook's name (`node["web"]` for a cookbook
    `web`), checked against its types where they are first read. A key that it does not have, and a value of another
    type, end the run with exit code 4 and the name of the key. A recipe without a cookbook has none.

        package("nginx")
        file("/etc/nginx/conf.d/port.conf", content=f"# listens on {settings.port}\\n")
    """

    def __getattr__(self, name: str) -> Any:
        if name.startswith("__"):
            raise AttributeError(name)
        return getattr(_world("settings").settings_of(_reader(sys._getframe(1))), name)


def _reader(frame: FrameType) -> str:
    """The file of a cookbook that reads, also where it does so through somebody else's code (a template's engine)."""
    asked: FrameType | None = frame
    while asked is not None:
        if cookbook_of(asked.f_code.co_filename)[1]:
            return asked.f_code.co_filename
        asked = asked.f_back
    return frame.f_code.co_filename


if TYPE_CHECKING:
    node: Node
else:
    node = _TheNode()
settings: Any = _TheSettings()
