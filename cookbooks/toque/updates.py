"""Packages of the layers, and updates of the operating system."""

from toque import execute, log, node, package, search


def keep_packages() -> None:
    """Install the packages that this node's layers name (chapter 02, L-12)."""
    names = {
        name for item in search("aws_opsworks_layer") if item["shortname"] in node.layers for name in item["packages"]
    }
    if names:
        package(sorted(names))


def install_updates() -> None:
    """Bring every installed package to its newest version."""
    if node.platform.family != "debian":
        log(
            f"updates are not installed: this system is {node.platform.name}, and only apt is known here",
            level="warning",
        )
        return
    quiet = {"DEBIAN_FRONTEND": "noninteractive"}
    keep_ours = ["-o", "Dpkg::Options::=--force-confold", "-o", "DPkg::Lock::Timeout=600"]
    execute(["apt-get", "update", "--quiet"], env=quiet, timeout=600)
    execute(["apt-get", "dist-upgrade", "--yes", "--quiet", *keep_ours], env=quiet, timeout=3600)
