"""Put the release before the current one back, and restart the app; hooks and migrations do not run."""

from pathlib import Path

from cookbooks.toque.services import control

from toque import app_release, log, node

for app in node.apps:
    if app.deploy and not Path(f"/srv/www/{app.shortname}").is_dir():
        log(f"{app.shortname} is not on this instance: nothing to roll back")
    elif app.deploy:
        app_release(app, to="previous", start=lambda release: control(release.shortname, "restart"))
