"""The section of /etc/hosts that names the stack's online instances (chapter 03, section 3; I-4)."""

from toque import hosts_entry, node, search

SECTION = "the online instances of the stack"


def keep_hosts() -> None:
    """Bring the section in line with the instances that are online now; every other line stays as it is."""
    hosts_entry(SECTION, section=names_by_address(), why="names of the online instances")


def release_hosts() -> None:
    """Take the section out again."""
    hosts_entry(SECTION, present=False, why="this machine leaves its stack")


def names_by_address() -> dict[str, list[str]]:
    names: dict[str, list[str]] = {}
    if node.ip:
        names[node.ip] = [f"{node.hostname}.localdomain", node.hostname]
    for item in search("aws_opsworks_instance", "status:online"):
        if item["private_ip"] and item["hostname"] != node.hostname:
            names.setdefault(item["private_ip"], []).append(item["hostname"])
        if item["public_ip"]:
            names.setdefault(item["public_ip"], []).append(f"{item['hostname']}-ext")
    return names
