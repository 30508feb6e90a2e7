"""Before the layers' own deploy recipes: say which apps this command deploys."""

from toque import log, node

for app in node.apps:
    if app.deploy:
        source = app.app_source
        log(f"app {app.shortname}: {source.type} {source.url or ''} {source.revision or ''}".rstrip())
