"""Makes a clone of this machine, runs a recipe in it, looks what differs, and throws it away."""

from __future__ import annotations

import json
import os
import re
import signal
import socket
import subprocess
import sys
import tempfile
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Literal

from toque import sandbox
from toque.cookbook.execute import apply_state, repository
from toque.core.files import cookbook_of
from toque.core.masking import mask
from toque.core.secret import Secret
from toque.platforms.service import RECORDED
from toque.preview import accounts, packages, services
from toque.preview.files import ACCOUNTS, FileChange, Laid, Trees
from toque.preview.findings import Findings
from toque.preview.places import LOG, ORDER, OWN, RESULT, RUN
from toque.sandbox.disk import OWN as MEMORY
from toque.sandbox.disk import PRIVATE, disk_mounts
from toque.sandbox.lifeline import hold_lifeline, is_held
from toque.sandbox.places import TOQUE

_KERNEL = "it is the kernel's, which a clone shares with this machine: looked at, not done"
ONLY_RECORDED: Mapping[str, str] = {
    **dict.fromkeys(("filesystem", "hostname", "kernel_module", "mount", "swap", "sysctl"), _KERNEL),
    "firewall": "a clone has a network of its own: compared with no rules at all, not done",
    "reboot": "a clone is not restarted, and the plan goes on behind this line",
}
"""Words that a plan on a clone looks at only, each with what the log says of it."""

HINT = (
    "the clone has no network; `--network=shared` gives it this machine's, so that it reaches the mirrors, and all else"
)
LESS = "as an ordinary user: /root, /home and passwords are not in the clone, and owners of files are not compared"
_NO_NETWORK = re.compile(
    r"Temporary failure (in name resolution|resolving)|Could not resolve|Name or service not known|"
    r"Network is unreachable|No route to host|Cannot download|Failed to establish a new connection|Curl error \(6\)"
)
_DIFFS = 200
"""Of so many files diffs are made."""
_DAY = 86400.0
_LOOK_AGAIN = 0.05
_ORPHAN_AFTER = 10.0


@dataclass(frozen=True, kw_only=True)
class Order:
    """What is to be planned: a recipe as `toque apply` takes it, or the `run` of an agent by its directory.

    `keep` leaves the clone for its owner to look into.
    """

    recipe: str = ""
    run: Path | None = None
    attributes: Mapping[str, Any] = field(default_factory=dict)
    network: Literal["none", "shared"] = "none"
    keep: bool = False


def home() -> Path:
    """Where clones are while they are."""
    cache = os.environ.get("XDG_CACHE_HOME") or str(Path.home() / ".cache")
    return Path(cache).resolve() / "toque" / "plan"


def plan_on_clone(order: Order, say: Callable[[str], None]) -> Findings:
    """Converge for real in a clone; `say` gets the log line by line. Raises sandbox.SandboxError.

    The clone is gone when this returns or raises, unless it is to be kept.
    """
    _sweep(home())
    with _a_clone(order, say) as clone:
        return clone.findings(say)


@contextmanager
def _a_clone(order: Order, say: Callable[[str], None]) -> Iterator[_Clone]:
    """A running clone for an order; it goes however this ends."""
    home().mkdir(mode=0o700, parents=True, exist_ok=True)
    directory = Path(tempfile.mkdtemp(prefix="clone-", dir=home()))
    recording = services.recording(RECORDED)
    try:
        spec = _spec(order, directory, recording)
        lifeline = hold_lifeline(spec.lifeline) if spec.lifeline is not None else None
        try:
            sandbox.start(spec)
            yield _Clone(order, directory, records=recording is not None)
            if order.keep:
                (directory / "kept").touch()
                say(_how_to_enter(directory))
        finally:
            if lifeline is not None:
                os.close(lifeline)
    finally:
        if not (directory / "kept").exists():
            _remove(directory)


def _spec(order: Order, directory: Path, recording: services.Recording | None) -> sandbox.Spec:
    is_root = os.geteuid() == 0
    kept = ("HOME", "XDG_CACHE_HOME", "XDG_STATE_HOME") if is_root else ()
    given = _cookbooks(order.recipe) if order.recipe else []
    asked = {
        "recipe": order.recipe if "::" in order.recipe else str(Path(order.recipe).resolve()),
        "state": str(order.run.parent.parent) if order.run is not None else None,
        "attributes": order.attributes,
        "folder": "/" if not given else str(given[0] if given[0].is_dir() else given[0].parent),
        "environment": {name: os.environ[name] for name in kept if name in os.environ},
        "only_recorded": dict(ONLY_RECORDED),
    }
    return sandbox.Spec(
        name=directory.name,
        directory=directory,
        hostname=socket.gethostname(),
        address="127.0.0.1",
        persistent=False,
        files={
            ORDER: (json.dumps(asked).encode(), 0o600),
            **(recording.files if recording is not None else {}),
            **{f"{RUN}/{path.name}": (path.read_bytes(), 0o600) for path in _inputs(order.run)},
        },
        hide=(home(),),
        lifeline=None if order.keep else directory / "lifeline",
        network=order.network,
        orphan_after=_ORPHAN_AFTER,
        binds={
            **{str(path): path for path in given if _is_not_cloned(path, is_root=is_root)},
            **(recording.binds if recording is not None else {}),
            **{f"{RUN}/cookbooks/{kind}": place for kind, place in _bundles(order.run)},
        },
        toolchain=home().parent / "toolchain",
        private=not is_root,
    )


def _cookbooks(recipe: str) -> list[Path]:
    """What the clone must see of this machine to run the recipe; a folder first, if any. Raises NotLoadable."""
    if "::" in recipe:
        return [repository(Path.cwd())]
    path = Path(recipe).resolve()
    root, in_cookbook = cookbook_of(str(path))
    folder = root.parent if in_cookbook else root
    if str(folder) not in ("/", *MEMORY):
        return [folder]
    if in_cookbook:
        return [each for each in sorted(folder.iterdir()) if (each / "cookbook.toml").is_file()]
    return [path, *(each for each in (folder / "templates", folder / "files") if each.is_dir())]


def _inputs(run: Path | None) -> list[Path]:
    return [] if run is None else [run / "steps.json", run / "snapshot.json"]


def _bundles(run: Path | None) -> list[tuple[str, Path]]:
    """The cookbooks of an agent's run, by kind."""
    return [] if run is None else [(each.name, each.resolve()) for each in sorted((run / "cookbooks").iterdir())]


def _is_not_cloned(path: Path, *, is_root: bool) -> bool:
    """Whether a clone has something else at this path, or nothing, so that it has to be shown there."""
    elsewhere = [Path(each) for each in (MEMORY if is_root else (*MEMORY, *PRIVATE))]
    mounts = set(disk_mounts(all_kinds=True)) - set(disk_mounts() if is_root else ())
    return any(path.is_relative_to(each) for each in (*elsewhere, *mounts))


@dataclass
class _Clone:
    """A running clone, before and after the converge. `records`: its services are recorded and not run."""

    order: Order
    directory: Path
    records: bool

    def findings(self, say: Callable[[str], None]) -> Findings:
        """Converge, and look what differs."""
        root = sandbox.root_of(self.directory)
        trees = self._trees(root)
        laid = trees.laid_out()
        manager = next((each for each in packages.MANAGERS if Path(each.database).exists()), None)
        had = packages.installed(manager, self._run) if manager is not None else {}
        unit_files = services.unit_files(self._run) if self.records else {}
        had_users, had_groups = accounts.users(root), accounts.groups(root)
        if os.geteuid() != 0:
            say(LESS)
        found = self._converge(root, say)
        if manager is not None:
            found.packages = packages.differing(had, packages.installed(manager, self._run))
        found.users = accounts.differing(had_users, accounts.users(root))
        found.groups = accounts.differing(had_groups, accounts.groups(root))
        found.services = self._services(root, unit_files)
        trees.users, trees.groups = _names(accounts.users, "uid", root), _names(accounts.groups, "gid", root)
        _sort_files(trees, laid, found, manager, self._run)
        return found

    def _trees(self, root: Path) -> Trees:
        run = self.order.run
        return Trees(
            clone=root,
            layers=sandbox.layers(self.directory),
            own=(*OWN, str(apply_state()), str(home()), *([str(run.parent.parent)] if run is not None else [])),
            owners=os.geteuid() == 0,
        )

    def _run(self, argv: Sequence[str]) -> str:
        done = sandbox.execute(self.directory, argv)
        return done.stdout.decode(errors="replace") if done.returncode == 0 else ""

    def _converge(self, root: Path, say: Callable[[str], None]) -> Findings:
        ended: list[subprocess.CompletedProcess[bytes] | sandbox.SandboxError] = []
        argv = [f"{TOQUE}/bin/python", "-I", "-m", "toque.preview.inside"]

        def run() -> None:
            try:
                ended.append(sandbox.execute(self.directory, argv, seconds=_DAY))
            except sandbox.SandboxError as error:
                ended.append(error)

        running = threading.Thread(target=run, daemon=True)
        running.start()
        log = _follow(root / LOG.lstrip("/"), running, say)
        if isinstance(ended[0], sandbox.SandboxError):
            raise ended[0]
        try:
            result: dict[str, Any] = json.loads((root / RESULT.lstrip("/")).read_text(encoding="utf-8"))
        except (OSError, ValueError) as error:
            last = ended[0].stderr.decode(errors="replace").strip() or f"exit code {ended[0].returncode}"
            raise sandbox.SandboxError(f"the recipe's run in the clone left no result: {last}") from error
        for secret in result["secrets"]:
            Secret(secret)
        found = Findings(result["exit_code"], result["resources"], result["counts"], log)
        found.reason = result["reason"]
        found.undisclosed = frozenset(result["undisclosed"])
        if found.exit_code and self.order.network == "none" and _NO_NETWORK.search(log):
            say(HINT)
            found.log += f"{HINT}\n"
        found.not_shown = [
            (f"{each['word']}[{each['name']}]", each.get("reason", ""))
            for each in result["resources"]
            if each["status"] == "would-change"
        ]
        return found

    def _services(self, root: Path, unit_files: Mapping[str, str]) -> list[services.ServiceChange]:
        if not self.records:
            return services.run_for_real(Path("/"), root, services.runs_on_host)
        known = json.loads((root / RECORDED.lstrip("/")).read_text())
        return services.recorded(known, unit_files, services.unit_files(self._run))


def _names(read: Callable[[Path], accounts.Accounts], number: str, root: Path) -> dict[int, str]:
    """Who has which number, in the clone or before on the host."""
    return {**accounts.names_by_number(read(Path("/")), number), **accounts.names_by_number(read(root), number)}


def _sort_files(
    trees: Trees, laid: Laid, found: Findings, manager: packages.Manager | None, run: packages.Runs
) -> None:
    """Each file that differs: to its package, to the package manager, or, with its diff, to the list."""
    owned = packages.owners_of_files(manager, found.packages, _on_host, run) if manager is not None else {}
    named = {str(each["name"]) for each in found.resources if each["status"] == "changed"}
    for change in trees.changes(laid):
        if change.path not in named:
            if (package := owned.get(change.path) or owned.get(_usr_merged(change.path))) is not None:
                package.files += 1
                continue
            if manager is not None and _is_below(change.path, manager.own):
                found.records += 1
                continue
        found.files.append(_with_diff(trees, change, found))


def _with_diff(trees: Trees, change: FileChange, found: Findings) -> FileChange:
    told_elsewhere = change.path in ACCOUNTS and (found.users or found.groups)
    if change.kind != "file" or told_elsewhere or len(found.files) >= _DIFFS:
        return change
    if change.path in found.undisclosed:
        return replace(change, diff="(its content is not shown: the recipe says so)")
    return replace(change, diff=mask(trees.diff(change)))


def _usr_merged(path: str) -> str:
    """dpkg's lists may say /lib for what is in /usr/lib."""
    return path.removeprefix("/usr") if path.startswith("/usr/") else path


def _is_below(path: str, folders: Sequence[str]) -> bool:
    return any(path == folder or path.startswith((f"{folder}/", f"{folder}-")) for folder in folders)


def _on_host(argv: Sequence[str]) -> str:
    return subprocess.run(argv, capture_output=True, text=True, check=False).stdout


def _follow(path: Path, running: threading.Thread, say: Callable[[str], None]) -> str:
    """Tell a log as it grows, line by line, until what writes it has ended; answers all of it."""
    log, told = "", 0
    while True:
        is_over = not running.is_alive()
        log = path.read_text(encoding="utf-8", errors="replace") if path.exists() else ""
        *lines, rest = log[told:].split("\n")
        for line in lines:
            say(line)
            told += len(line) + 1
        if is_over:
            if rest:
                say(rest)
            return log
        running.join(_LOOK_AGAIN)


def shell_in_clone(words: Sequence[str]) -> int:
    """`toque shell` in a clone, at this terminal; its exit code. Raises sandbox.SandboxError."""
    with _a_clone(Order(), lambda line: None) as clone:
        return sandbox.enter(clone.directory, [f"{TOQUE}/bin/toque", "shell", *words])


def _how_to_enter(directory: Path) -> str:
    return (
        f"the clone is kept. To look into it:\n"
        f"    {sys.executable} -m toque.sandbox enter {directory}\n"
        f"and to be rid of it:\n"
        f"    toque plan --remove-clone {directory}"
    )


def _sweep(folder: Path) -> None:
    """Remove clones whose owners were killed: nobody holds their lifelines."""
    for directory in folder.glob("clone-*"):
        if (directory / "kept").exists() or not (directory / "lifeline").exists():
            continue
        descriptor = os.open(directory / "lifeline", os.O_RDWR | os.O_CLOEXEC)
        try:
            is_orphan = not is_held(descriptor)
        finally:
            os.close(descriptor)
        if is_orphan:
            _remove(directory)


def remove_clone(directory: Path) -> None:
    """Throw a clone away that was kept. Raises SandboxError where there is none of ours."""
    if directory.resolve().parent != home() or not directory.name.startswith("clone-") or not directory.is_dir():
        kept = ", ".join(str(path.parent) for path in home().glob("clone-*/kept")) or "none"
        raise sandbox.SandboxError(f"{directory} is no clone that a plan has kept (there are: {kept})")
    _remove(directory.resolve())


def _remove(directory: Path) -> None:
    """Remove it whole, whatever is typed meanwhile."""
    is_main = threading.current_thread() is threading.main_thread()
    before = signal.signal(signal.SIGINT, signal.SIG_IGN) if is_main else None
    try:
        sandbox.remove(directory)
    finally:
        if is_main:
            signal.signal(signal.SIGINT, before)
