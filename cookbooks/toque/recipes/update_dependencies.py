"""Install operating-system updates; reboot afterwards only where the command allows it and the system asks for it."""

from pathlib import Path

from cookbooks.toque.updates import install_updates, keep_packages

from toque import log, node

upgrade_to = node.command.args.get("upgrade_os_to")
if upgrade_to:
    raise SystemExit(
        f"an upgrade in place to {upgrade_to!r} is not offered on this system: start a new instance with that "
        "operating system, or run update_dependencies without upgrade_os_to"
    )
keep_packages()
install_updates()
if Path("/run/reboot-required").exists():
    if node.command.args.get("allow_reboot", False):
        node.request_reboot("updates were installed that need it")
    else:
        told = "a reboot is required, and this command does not allow one: reboot the instance when it suits"
        log(told, level="warning")
