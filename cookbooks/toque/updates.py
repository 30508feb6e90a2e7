"""Packages of the layers, and updates of the operating system."""

from toque import log, node, os_upgrade, package, package_index, search


def keep_packages() -> None:
    """Install the packages that this node's layers name (chapter 02, L-12)."""
    names = {
        name for item in search("aws_opsworks_layer") if item["shortname"] in node.layers for name in item["packages"]
    }
    if names:
        package(sorted(names))


def install_updates() -> None:
    """Bring every installed package to its newest version."""
    if not node.platform.package_manager:
        log(
            f"updates are not installed: this system is {node.platform.name}, whose package manager is not known here",
            level="warning",
        )
        return
    package_index(max_age=0)
    os_upgrade()
