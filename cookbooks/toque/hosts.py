"""The block of /etc/hosts that names the stack's online instances (chapter 03, section 3; I-4)."""

from pathlib import Path

from toque import file, node, search

HOSTS = Path("/etc/hosts")
BEGIN = "# begin of the block that Toque keeps: the online instances of the stack"
END = "# end of the block that Toque keeps"


def keep_hosts() -> None:
    """Bring the block in line with the instances that are online now; every other line stays as it is."""
    kept, _ = split(HOSTS.read_text() if HOSTS.exists() else "127.0.0.1 localhost\n")
    file(str(HOSTS), content=f"{kept}{block()}", why="names of the online instances")


def release_hosts() -> None:
    """Take the block out again."""
    kept, own = split(HOSTS.read_text() if HOSTS.exists() else "")
    if own:
        file(str(HOSTS), content=kept, why="this machine leaves its stack")


def split(text: str) -> tuple[str, str]:
    """The lines outside the block, and the block itself."""
    before, found, rest = text.partition(f"{BEGIN}\n")
    if not found:
        return (text if text.endswith("\n") or not text else f"{text}\n"), ""
    own, ended, after = rest.partition(f"{END}\n")
    return (before + after if ended else before), own


def block() -> str:
    lines = [f"{node.ip} {node.hostname}.localdomain {node.hostname}"] if node.ip else []
    for item in search("aws_opsworks_instance", "status:online"):
        if item["private_ip"] and item["hostname"] != node.hostname:
            lines.append(f"{item['private_ip']} {item['hostname']}")
        if item["public_ip"]:
            lines.append(f"{item['public_ip']} {item['hostname']}-ext")
    return "\n".join([BEGIN, *lines, END]) + "\n"
