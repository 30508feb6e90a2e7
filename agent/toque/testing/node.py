"""A node in memory: a recorded platform, a machine that is taught its programs, and recipes that converge on it.

def test_the_front_page_is_served(fake_node: MakeNode) -> None:
    node = fake_node(platform="debian-12", attributes={"web": {"port": 8080}})

    run = node.converge("web::default")

    assert "listen 8080" in node.file("/etc/nginx/conf.d/web.conf").text
    assert node.service("nginx").running
    run.again()
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import Any, Protocol, TypeGuard, cast

from toque.cookbook.finder import PACKAGE, importable
from toque.cookbook.locked import with_locked
from toque.cookbook.shelf import Recipe, Shelf, compile_recipe, run_code, without_repeats
from toque.core.boots import RestartNow
from toque.core.errors import NotLoadable
from toque.core.files import cookbook_of
from toque.core.host import Ran, WebAnswer
from toque.core.node import Cpu, Interface, Memory, Network, Platform
from toque.core.pages import failure_page
from toque.core.run import ResourceFailed, Run
from toque.core.source import Source
from toque.core.world import World
from toque.testing import arrivals, teaching
from toque.testing.arrivals import Brought
from toque.testing.building import Machine, built
from toque.testing.machine import FakeHost, Node, Unit, UnknownCommand
from toque.testing.platforms import recorded
from toque.testing.runs import FakeRun, Recording, Stopped, titles
from toque.testing.views import FileView, GroupView, PackageView, ServiceView, UserView
from toque.testing.world import snapshot

What = str | Path | Callable[[], object]
"""A recipe by its name or path, or a function that says words."""

_FACTS: dict[str, Callable[..., Any]] = {"cpu": Cpu, "memory": Memory, "platform": Platform, "network": Network}


class MakeNode(Protocol):
    """What the fixture `fake_node` is; every argument has its page at `FakeNode`."""

    def __call__(
        self,
        platform: str = "debian-12",
        *,
        hostname: str = "node1",
        layers: Sequence[str] | Mapping[str, Mapping[str, Any]] = (),
        attributes: Mapping[str, Any] | None = None,
        peers: Mapping[str, Mapping[str, Any]] | None = None,
        apps: Sequence[Mapping[str, Any]] = (),
        bags: Mapping[str, Mapping[str, Mapping[str, Any]]] | None = None,
        command: Mapping[str, Any] | None = None,
        secrets: Collection[str] = (),
        facts: Mapping[str, Mapping[str, Any]] | None = None,
        files: Mapping[str, bytes | str | Node] | None = None,
        packages: Sequence[str] | Mapping[str, str] = (),
        archive: Mapping[str, str] | None = None,
        brings: Mapping[str, Brought] | None = None,
        services: Mapping[str, str | Unit] | None = None,
        users: Collection[str] | Mapping[str, int] = (),
        groups: Collection[str] | Mapping[str, int] = (),
        repositories: Mapping[str, Mapping[str, bytes | str]] | None = None,
        web: Mapping[str, WebAnswer] | None = None,
        programs: Sequence[str] = (),
    ) -> FakeNode: ...


class FakeNode:
    """A node made of what a test says of it; what is not said is as on a fresh machine of its platform.

    platform    a recorded one: alpine, arch, debian-12, opensuse-15, rocky-9, ubuntu-24.04
    hostname    its name in the stack
    layers      short names, or names with fields of their bag items: `{"web": {"type": "python-app"}}`
    attributes  the node's attributes: `{"web": {"port": 8080}}`
    peers       other instances, online unless `status` says else: `{"db1": {"layers": ["db"]}}`;
                layers that only they have, with fields of their own, go into `bags`
    apps        apps of the stack: `[{"shortname": "shop"}]`; with `deploy` true unless it says else
    bags        data bags: `{"mysql": {"main": {"host": "db1"}}}`; over what the above makes of the platform's bags
    command     fields of the command: `{"type": "deploy", "args": {"migrate": True}}`
    secrets     texts in the above that the server would mark as secret
    facts       over the platform's: `{"cpu": {"count": 8}, "memory": {"total_mb": 512}}`
    files       path → content, or a `toque.testing.machine.Node` with mode, owner or link
    packages    what is installed: names, or names with versions
    archive     what can be installed, name → version; without it, everything in version 1.0
    brings      what packages bring: `{"shop": {"services": ["shop"], "folders": ["/etc/shop"]}}`
    services    name → "running", "stopped", "disabled" (stopped, not at boot) or "broken" (does not start)
    users, groups  accounts beside the platform's: names, or names with numbers
    repositories  git repositories elsewhere, address → files: `{"https://git.test/shop": {"Procfile": "web: ./run"}}`
    web         what answers to `http_request` and `wait_for`: address → `toque.core.host.WebAnswer`
    programs    paths of more programs that the machine has: `["/usr/sbin/nft"]`
    """

    def __init__(
        self,
        platform: str = "debian-12",
        *,
        hostname: str = "node1",
        layers: Sequence[str] | Mapping[str, Mapping[str, Any]] = (),
        attributes: Mapping[str, Any] | None = None,
        peers: Mapping[str, Mapping[str, Any]] | None = None,
        apps: Sequence[Mapping[str, Any]] = (),
        bags: Mapping[str, Mapping[str, Mapping[str, Any]]] | None = None,
        command: Mapping[str, Any] | None = None,
        secrets: Collection[str] = (),
        facts: Mapping[str, Mapping[str, Any]] | None = None,
        cookbooks: Callable[[], Mapping[str, Path]] | None = None,
        asked: Callable[[Source], None] = lambda source: None,
        declared: Callable[[Source], None] = lambda source: None,
        **machine: Any,
    ) -> None:
        self.platform = recorded(platform)
        arrivals.check(machine.get("brings") or {})
        self.host: Machine = built(self.platform, hostname, **machine)
        self._lessons = cast(teaching.Lessons, self.host.programs[0])
        self._facts = {name: {**fact, **(facts or {}).get(name, {})} for name, fact in self.platform.facts.items()}
        self._facts["network"] |= {"hostname": hostname, "fqdn": hostname, **(facts or {}).get("network", {})}
        self._snapshot = snapshot(
            hostname, self._facts["network"]["ip"], layers=layers, attributes=attributes, peers=peers, apps=apps,
            bags=bags, command=command, secrets=secrets,
        )  # fmt: skip
        self._cookbooks = cookbooks or (dict)
        self._asked, self._declared = asked, declared
        self._runs: list[FakeRun] = []

    # Running

    def converge(self, *what: What) -> FakeRun:
        """Run recipes in this order: names (`web::default`), paths, or functions. Raises Stopped where one fails."""
        return self._run(what, dry_run=False)

    def plan(self, *what: What) -> FakeRun:
        """The same as a dry run: says what would change, and touches nothing."""
        return self._run(what, dry_run=True)

    def answers(
        self,
        argv: Sequence[str],
        *,
        out: str = "",
        err: str = "",
        code: int = 0,
        reads: bool = False,
        does: Callable[[FakeHost], object] | None = None,
    ) -> None:
        """Teach the machine a command line; `*` and `?` in an argument stand for anything, as in file names.

        `does` is given the machine and may change it: `does=lambda host: host.add("/srv/made", b"")`. With `reads` the
        command only looks, and is not counted among `run.ran`.
        """
        self._lessons.known.append(teaching.Lesson(tuple(argv), Ran(code, out, err), reads, does))

    # Looking

    def file(self, path: str) -> FileView:
        self._ask(path)
        return FileView(self.host, path)

    def service(self, name: str) -> ServiceView:
        self._ask(name, "service")
        return ServiceView(self.host, name)

    def package(self, name: str) -> PackageView:
        self._ask(name, "package")
        return PackageView(self.host, name)

    def user(self, name: str) -> UserView:
        self._ask(name, "user")
        return UserView(self.host, name)

    def group(self, name: str) -> GroupView:
        self._ask(name, "group")
        return GroupView(self.host, name)

    def _ask(self, name: str, word: str = "") -> None:
        """A test that looks at what a resource made asks about the resource."""
        for run in self._runs:
            for each in run.report.touched:
                names = [each.name, *each.name.split()] if each.word == "package" else [each.name]
                if name in names and word in ("", each.word):
                    self._asked(each.source)

    def _run(self, what: tuple[What, ...], *, dry_run: bool) -> FakeRun:
        report, before = Recording(), len(self.host.ran)
        run = Run(self.host, dry_run=dry_run, report=report)
        run.sleep = lambda seconds: None  # between two tries; nothing gets better by waiting for it here
        made = FakeRun(self, what, dry_run, report, [], ask=self._asked)
        self._runs.append(made)
        try:
            self._carry_out(what, run)
        except RestartNow:
            pass  # a line asked for it: the machine would restart here
        except ResourceFailed as failed:
            raise Stopped(_page(failed, run), made) from failed
        finally:
            made.ran, made.reboot = self.host.ran[before:], run.boots.restarting or run.reboot
            for each in report.touched:
                self._declared(each.source)
        return made

    def _carry_out(self, what: tuple[What, ...], run: Run) -> None:
        world = run.world = World(
            bags=self._snapshot["bags"],
            levels=[(level, values) for level, values in self._snapshot["levels"]],
            me=self._snapshot["self"],
            masked=self._snapshot["masked"],
            collect=self._collect,
            allow_insecure_sources=True,
        )
        shelf = Shelf(self._shelved(what), Path.cwd())
        world.include = lambda name: shelf.run(name, run, world)
        world.settings_of = lambda file: shelf.settings_of(file, world)
        with _cookbooks_of(shelf):
            todo = [self._step(each, shelf, run, world) for each in what]
            shelf.judge_settings([each for each in what if _is_name(each)], world)
            with run:
                for step in todo:
                    step()

    def _step(self, what: What, shelf: Shelf, run: Run, world: World) -> Callable[[], object]:
        """What to call for one of them; recipes are loaded at once, so that a typo in the last changes nothing."""
        if callable(what):
            return partial(_call, what, run)
        if isinstance(what, Path) or what.endswith(".py"):
            path = Path(what).resolve()
            root, in_cookbook = cookbook_of(str(path))
            if not (in_cookbook and path.parent == root / "recipes"):
                if not path.is_file():
                    raise NotLoadable(f"there is no file {path}")
                return partial(run_code, Recipe(path.name, path, compile_recipe(path, Path.cwd()), "__recipe__"), run)
            what = f"{next(name for name, folder in shelf.cookbooks.items() if folder == root)}::{path.stem}"
        [name] = without_repeats([what])
        shelf.load(name)
        return partial(_recipe, name, shelf, run, world)

    def _shelved(self, what: tuple[What, ...]) -> dict[str, Path]:
        """The cookbooks of the test, and those beside a recipe that is named by its path."""
        found = dict(self._cookbooks())
        for each in what:
            if isinstance(each, Path) or (isinstance(each, str) and each.endswith(".py")):
                root, in_cookbook = cookbook_of(str(Path(each).resolve()))
                if in_cookbook:
                    found |= {**with_locked(root.parent), **with_locked(root)}
        return found

    def _collect(self, name: str) -> Any:
        fact = dict(self._facts[name])
        if name == "network":
            fact["interfaces"] = tuple(Interface(**_tuples(each)) for each in fact["interfaces"])
        return _FACTS[name](**fact)

    def __repr__(self) -> str:
        return f"<FakeNode {self._snapshot['self']['hostname']}>"


def _is_name(what: What) -> TypeGuard[str]:
    return isinstance(what, str) and not what.endswith(".py")


def _recipe(name: str, shelf: Shelf, run: Run, world: World) -> None:
    run.report.note(f"recipe {name}")
    shelf.run(name, run, world)


def _call(function: Callable[[], object], run: Run) -> None:
    [name] = titles([function])
    with run.inside(name):
        function()


def _page(failed: ResourceFailed, run: Run) -> str:
    """The page of a failure, with what helps where only the machine in memory is to blame."""
    page = failure_page(failed, run.recipe_of(failed), run, Path.cwd())
    match failed.cause:
        case UnknownCommand(argv=argv):
            return f"{page}\nteach it: node.answers({argv!r}, out=…), and code= where it fails"
        case FileNotFoundError(filename=str(path)):
            folder = path.rpartition("/")[0] or "/"
            return (
                f"{page}\non a fresh machine {folder} does not exist: make it by directory(…), or say who brings it: "
                f'fake_node(brings={{"PACKAGE": {{"folders": [{folder!r}]}}}})'
            )
    return page


@contextmanager
def _cookbooks_of(shelf: Shelf) -> Iterator[None]:
    """The cookbooks can be imported; the test modules that pytest keeps under the same name are back afterwards."""
    kept = {name: sys.modules[name] for name in list(sys.modules) if name.partition(".")[0] == PACKAGE}
    try:
        with importable(shelf.cookbooks):
            yield
    finally:
        sys.modules.update(kept)


def _tuples(fact: Mapping[str, Any]) -> dict[str, Any]:
    return {key: tuple(value) if isinstance(value, list) else value for key, value in fact.items()}
