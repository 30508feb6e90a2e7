"""Bringing the cookbooks of a stack's source to this server: at an instance's first start and on request (ruling 18).

Fetching takes seconds and may fail, so it is done by a few threads, outside of any transaction. A command that needs
its result is not handed out until then; where fetching fails, it ends with exit code 3 and the reason in its log.
"""

from __future__ import annotations

import logging
import tempfile
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime
from pathlib import Path

from sqlalchemy import Connection

from toque.cookbook.bundle import BadBundle
from toque.cookbook.deps.errors import BadDependencies, NotToBeHad
from toque.cookbook.layout import BadCookbook, find_cookbooks
from toque_server.cookbooks import archive, git
from toque_server.cookbooks.address import FetchRefused
from toque_server.cookbooks.bundles import Bundles
from toque_server.cookbooks.dependencies import Dependencies
from toque_server.domain.command import Command, Exit
from toque_server.domain.source import join
from toque_server.domain.stack import Stack
from toque_server.domain.world import SourceOf
from toque_server.security.envelope import Vault
from toque_server.store import commands, cookbooks, events, instances, logs, stacks
from toque_server.store.database import Database

log = logging.getLogger(__name__)

_AT_ONCE = 2

Fail = Callable[[Connection, Command, int, str, datetime], None]
"""Ends a command and does what follows, in the given transaction: exit code, reason, time."""


class Sources:
    """One per server process. `allow_insecure` as in the settings (D18).

    Two processes may fetch for one stack at once; the first to finish moves the stack.
    """

    def __init__(self, database: Database, vault: Vault, bundles: Bundles, fail: Fail, *, allow_insecure: bool) -> None:
        self._database = database
        self._vault = vault
        self._bundles = bundles
        self._allow_insecure = allow_insecure
        self._fail = fail
        self._under_way: set[str] = set()
        self._prefetched: set[str] = set()
        self._lock = threading.Lock()
        self._threads = ThreadPoolExecutor(_AT_ONCE, thread_name_prefix="cookbook-source")

    def stop(self) -> None:
        self._threads.shutdown(wait=False, cancel_futures=True)

    def ready(self, conn: Connection, command: Command) -> bool:
        """True if the command may be handed out: it needs nothing of the source, or that is there."""
        if command.type not in ("setup", "update_custom_cookbooks"):
            return True
        stack = stacks.get(conn, command.stack_id)
        return stack is None or not needs_fetch(conn, stack, command)

    def prefetch(self) -> None:
        """Start fetching for stacks whose first instance is on its way, so that its Setup need not wait for it.

        Once per stack and process: where that fails, the Setup tries again, and is told.
        """
        with self._database.read() as conn:
            wanted = stacks.before_first_fetch(conn)
        for stack_id in wanted:
            if stack_id not in self._prefetched:
                self._prefetched.add(stack_id)
                self.fetch(stack_id)

    def fetch(self, stack_id: str) -> None:
        """Start fetching, unless that is under way."""
        with self._lock:
            if stack_id in self._under_way:
                return
            self._under_way.add(stack_id)
        self._threads.submit(self._run, stack_id)

    def _run(self, stack_id: str) -> None:
        try:
            self._bring(stack_id)
        except Exception:
            # The boundary of this thread: a fault of ours must neither stay silent nor block the stack for ever.
            log.exception("fetching the cookbooks of stack %s failed", stack_id)
            self._give_up(stack_id, self._now(), "the server could not fetch the cookbooks; its log says why")
        finally:
            with self._lock:
                self._under_way.discard(stack_id)

    def _bring(self, stack_id: str) -> None:
        with self._database.read() as conn:
            started = self._database.now(conn)
            stack = stacks.get(conn, stack_id)
            secrets = None if stack is None else stacks.secrets(conn, self._vault, stack_id)
        if stack is None or secrets is None:
            return
        whole = join(stack.custom_cookbooks_source, secrets.source)
        source = SourceOf(
            type=whole.type or "git",
            url=whole.url,
            username=whole.username,
            password=whole.password,
            ssh_key=whole.ssh_key,
            revision=whole.revision,
        )
        try:
            with tempfile.TemporaryDirectory(prefix="toque-source-") as place:
                into = Path(place) / "cookbooks"
                into.mkdir()
                revision = fetch(source, into, allow_insecure=self._allow_insecure)
                found = self._merged(stack, source, _root(into), Path(place) / "merged")
                bundle = self._bundles.keep(found, at=started)
        except (FetchRefused, BadBundle, BadCookbook, BadDependencies, NotToBeHad) as error:
            why = str(error).replace(f"{place}/cookbooks/", "")
            self._give_up(stack_id, started, f"the cookbooks could not be fetched from {source.url}: {why}")
            return
        with self._database.write() as conn:
            newest = cookbooks.of_stack(conn, stack_id)
            if newest and newest[0].added_at >= started:
                return  # another process, or a publication, was faster
            cookbooks.add(conn, bundle)
            cookbooks.publish(
                conn, stack_id, bundle.digest, at=started, source=f"{source.type} {source.url} {revision}"
            )
            if stack.cookbook_digest != bundle.digest:
                stacks.set_cookbook_digest(conn, stack_id, bundle.digest)
            events.add(
                conn,
                "cookbooks.fetched",
                f"cookbooks of {source.url} at {revision[:12]}",
                at=started,
                stack_id=stack_id,
                data={"digest": bundle.digest, "revision": revision},
            )

    def _merged(self, stack: Stack, source: SourceOf, root: Path, into: Path) -> dict[str, Path]:
        """The cookbooks of a checkout, and with ManageBerkshelf all that they need (S-16)."""
        if not stack.chef_configuration.manage_berkshelf:
            return find_cookbooks(root)
        shipped = find_cookbooks(self._bundles.shipped)
        dependencies = Dependencies(self._bundles.directory.parent, shipped, self._published, self._allow_insecure)
        return dependencies.merged(root, source, into) or find_cookbooks(root)

    def _published(self, digest: str) -> tuple[int, Path] | None:
        with self._database.read() as conn:
            bundle = cookbooks.get(conn, digest)
        path = self._bundles.path(digest)
        return None if bundle is None or path is None else (bundle.size, path)

    def _give_up(self, stack_id: str, started: datetime, why: str) -> None:
        """End every command that waits for this fetch; one that came after its start tries again."""
        with self._database.write() as conn:
            stack = stacks.get(conn, stack_id)
            if stack is None:
                return
            now = self._database.now(conn)
            queues = commands.open_of(conn, [one.id for one in instances.of_stack(conn, stack_id)])
            told = False
            for command in [each for queue in queues.values() for each in queue]:
                waits = command.dispatched_at is None and command.created_at <= started
                if waits and needs_fetch(conn, stack, command):
                    logs.say(conn, command.id, why)
                    self._fail(conn, command, Exit.DOWNLOAD, why, now)
                    told = True
            if told:
                events.add(conn, "cookbooks.failed", why, at=now, stack_id=stack_id)

    def _now(self) -> datetime:
        with self._database.read() as conn:
            return self._database.now(conn)


def needs_fetch(conn: Connection, stack: Stack, command: Command) -> bool:
    """Whether the source must be fetched before this command: nothing is there yet, or newer things are asked for."""
    if not stack.use_custom_cookbooks or not stack.custom_cookbooks_source.url:
        return False
    if command.type == "setup":
        return stack.cookbook_digest is None
    if command.type != "update_custom_cookbooks":
        return False
    newest = cookbooks.of_stack(conn, stack.id)
    return not newest or newest[0].added_at < command.created_at


def fetch(source: SourceOf, into: Path, *, allow_insecure: bool) -> str:
    """Put what `source` holds below `into`; answers with its revision. Raises FetchRefused."""
    if source.type == "git":
        return git.fetch(source, into, allow_insecure=allow_insecure)
    if source.type in ("archive", "s3"):
        return archive.fetch(source, into, allow_insecure=allow_insecure)
    raise FetchRefused(f"cookbooks are fetched from git, archive or s3, not from {source.type!r}")


def _root(into: Path) -> Path:
    """The folder that holds the cookbooks: archives often have one root folder around them."""
    entries = [entry for entry in into.iterdir() if not entry.name.startswith(".")]
    if len(entries) == 1 and entries[0].is_dir() and not (entries[0] / "cookbook.toml").exists():
        return entries[0]
    return into
