"""Stop the apps of this command and remove all their releases; a second time changes nothing."""

import time
from pathlib import Path

from cookbooks.toque.services import control

from toque import app_release, directory, execute, node, settings

for app in node.apps:
    root = Path(f"/srv/www/{app.shortname}")
    if app.deploy:
        if root.is_dir():
            control(app.shortname, "stop")
        if settings.undeploy_backup_days and (root / "shared").is_dir():
            directory("/var/lib/toque/undeployed", mode="0700", parents=True)
            kept = f"/var/lib/toque/undeployed/{app.shortname}-{int(time.time())}.tar.gz"
            pack = ["tar", "-czf", kept, "-C", str(root), "shared"]
            execute(pack, creates=kept, why="its shared files are kept for a while")
        app_release(app, present=False)
