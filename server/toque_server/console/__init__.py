"""The operators' web pages: they call operations, never the store.

`blueprint(services, stopping)` is all that the rest of the server knows of them.
"""

from toque_server.console.blueprint import blueprint

__all__ = ["blueprint"]
