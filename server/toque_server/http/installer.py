"""`GET /installer/opsworks-agent-installer.tgz`: what `register` fetches on the machine, for anybody who asks."""

from __future__ import annotations

import logging

from flask import Blueprint, Response, send_file

from toque_server.installer.archive import Installer
from toque_server.installer.wheel import NotPackaged
from toque_server.operations.context import Services
from toque_server.operations.provisioning import INSTALLER_PATH
from toque_server.shipped import NotShipped

log = logging.getLogger(__name__)


def blueprint(services: Services) -> Blueprint:
    """The one route."""
    pages = Blueprint("installer", __name__)
    installer = Installer(services.settings)

    @pages.get(INSTALLER_PATH)
    def download() -> Response:
        try:
            path = installer.path()
        except (NotPackaged, NotShipped, OSError) as error:
            log.error("the agent's installer cannot be made: %s", error)
            said = "the installer cannot be made; the server's log says why\n"
            return Response(said, 503, content_type="text/plain; charset=utf-8")
        return send_file(path, mimetype="application/gzip", etag=path.stem, max_age=0)

    return pages
