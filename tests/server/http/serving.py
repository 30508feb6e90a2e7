"""The real application on loopback, for clients that speak HTTP."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from werkzeug.serving import make_server

from toque_server.operations.context import Services
from toque_server.wsgi import create_app


@contextmanager
def served(services: Services, *, behind: Callable[[Any], Any] = lambda app: app) -> Iterator[str]:
    """The server's address; it ends with the block. `behind` puts something in front of the application."""
    server = make_server("127.0.0.1", 0, behind(create_app(services)), threaded=True)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
