"""Stop the service of the command's app."""

from cookbooks.toque.services import control

from toque import node

for app in node.apps:
    if app.deploy:
        control(app.shortname, "stop")
