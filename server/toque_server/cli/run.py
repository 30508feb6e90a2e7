"""`toque server run`: granian in front, our WSGI callable behind it (D6, D19)."""

from __future__ import annotations

import ctypes
import logging
import multiprocessing
import os
import shutil
import signal
import sys
import threading
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

import click

from toque_server.cli.installation import data_dir_option, refusals, settings_of
from toque_server.http import metrics
from toque_server.security import keys
from toque_server.settings import PROFILES, Settings, host_and_port
from toque_server.store.database import Database
from toque_server.wsgi import App, build

STOP_WITHIN = 25
"""Seconds that a worker has to finish what it is doing, of the 30 that a stop may take (R26)."""

HEADERS_WITHIN_MS = 5_000
_PR_SET_PDEATHSIG = 1

log = logging.getLogger("toque")


@click.command()
@data_dir_option
@click.option("--listen", metavar="HOST:PORT", help="Instead of the settings' listen.")
@click.option("--workers", type=click.IntRange(1, 64), help="Processes; SQLite is always served by one.")
@click.option("--profile", type=click.Choice(list(PROFILES)), help="Instead of the settings' profile.")
@click.option("--log-level", type=click.Choice(["debug", "info", "warning", "error"]), default="info")
def run(data_dir: Path, listen: str | None, workers: int | None, profile: str | None, log_level: str) -> None:
    """Serve the installation in --data-dir until SIGTERM or Ctrl-C.

    Prints the URL once requests are answered. A newer version migrates the database first. On SIGTERM it answers
    what is under way, gives back its lease, and ends within 30 seconds.
    """
    settings = settings_of(data_dir, listen=listen, workers=workers, profile=profile)
    logging.basicConfig(
        level=log_level.upper(), stream=sys.stderr, format="%(asctime)s %(levelname)s %(name)s: %(message)s"
    )
    logging.getLogger("alembic").setLevel(logging.WARNING)
    with refusals():
        _prepare(settings)
    _serve(settings, log_level)


def _prepare(settings: Settings) -> None:
    """Everything that may be refused, before any worker is started."""
    keys.load_masters(settings.data_dir / "keys")
    keys.load(settings.data_dir / "keys")
    database = Database(settings.database)
    try:
        database.claim()
        database.migrate()
    finally:
        database.close()


def _serve(settings: Settings, log_level: str) -> None:
    from granian.constants import HTTPModes, Interfaces
    from granian.http import HTTP1Settings
    from granian.log import LogLevels
    from granian.server.mp import MPServer

    # A worker is a copy of this process, which has read and checked everything.
    multiprocessing.set_start_method("fork", force=True)
    host, port = host_and_port(settings.listen)
    workers = 1 if settings.database.startswith("sqlite") else settings.workers
    counters = _shared_counters(settings.data_dir, workers)
    server = MPServer(
        "toque",
        address=host,
        port=port,
        interface=Interfaces.WSGI,
        workers=workers,
        blocking_threads=settings.threads,
        http=HTTPModes.http1,
        http1_settings=HTTP1Settings(header_read_timeout=HEADERS_WITHIN_MS),
        # Its warnings are advice about threads, which wait for agents here and do not compute.
        log_level=LogLevels.error if log_level == "info" else LogLevels(log_level),
        ssl_cert=Path(settings.tls_cert) if settings.tls_cert else None,
        ssl_key=Path(settings.tls_key) if settings.tls_key else None,
        respawn_failed_workers=True,
        workers_kill_timeout=STOP_WITHIN,
    )
    worker = _Worker(settings, parent=os.getpid())
    try:
        server.serve(
            spawn_target=worker.around(MPServer._spawn_wsgi_worker), target_loader=worker.load, wrap_loader=False
        )
    finally:
        if counters is not None:
            shutil.rmtree(counters, ignore_errors=True)


class _Worker:
    """One process that serves: what happens in it before the first request and after the last."""

    def __init__(self, settings: Settings, *, parent: int) -> None:
        self._settings, self._parent = settings, parent
        self._app: App | None = None

    def load(self) -> Callable[[dict[str, Any], Any], Iterable[bytes]]:
        """Called by granian in the new process."""
        _die_with(self._parent)
        self._app = build(self._settings)
        self._app.services.database.claim()
        self._app.start()
        _drain_on_signal(self._app)
        return self._app

    def around(self, serve: Callable[..., None]) -> Callable[..., None]:
        """Granian's own function of a worker, with the stop of the app behind it."""

        def serve_then_stop(worker_id: int, *rest: Any) -> None:
            if worker_id == 1:
                threading.Thread(target=self._announce, daemon=True).start()
            try:
                serve(worker_id, *rest)
            finally:
                if self._app is not None:
                    self._app.stop()

        return serve_then_stop

    def _announce(self) -> None:
        """Say where we are, once somebody who comes is answered."""
        if _answers(self._settings):
            click.echo(f"Toque serves {self._settings.public_url}  (console: {self._settings.public_url}/console/)")
            sys.stdout.flush()


def _drain_on_signal(app: App) -> None:
    """Tell the app of a signal to end as soon as it comes: granian waits for what is under way, event streams too."""
    ends = {signal.SIGINT, signal.SIGTERM}
    caught, noted = os.pipe()
    os.set_blocking(noted, False)
    # Not a handler of our own: granian sets its handlers after this, in our place.
    signal.set_wakeup_fd(noted, warn_on_full_buffer=False)

    def drain() -> None:
        while (number := os.read(caught, 1)) and number[0] not in ends:
            pass
        app.drain()

    threading.Thread(target=drain, name="drain", daemon=True).start()


def _answers(settings: Settings) -> bool:
    import ssl
    import time
    import urllib.request

    host, port = host_and_port(settings.listen)
    scheme = "https" if settings.tls_cert else "http"
    here = {"0.0.0.0": "127.0.0.1", "::": "[::1]"}.get(host, f"[{host}]" if ":" in host else host)
    # It asks itself on this machine only whether it answers; whose certificate that is does not matter.
    context = ssl._create_unverified_context() if settings.tls_cert else None
    deadline = time.monotonic() + 30
    while time.monotonic() < deadline:
        try:
            with urllib.request.urlopen(f"{scheme}://{here}:{port}/readyz", timeout=5, context=context) as answer:
                return bool(answer.status == 200)
        except OSError:
            time.sleep(0.05)
    return False


def _shared_counters(data_dir: Path, workers: int) -> Path | None:
    """Where several workers keep their counters together; None for one, which keeps them in memory."""
    if workers == 1:
        return None
    folder = data_dir / "metrics" / str(os.getpid())
    folder.mkdir(parents=True, exist_ok=True)
    metrics.count_together(folder)
    return folder


def _die_with(parent: int) -> None:
    """End this process when the one that started it does, however it ends: a worker must not serve on alone."""
    ctypes.CDLL(None, use_errno=True).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
    if os.getppid() != parent:
        os._exit(1)
