"""Leave a note on the node, and say who its neighbours are."""

from toque import file, log, node, search

neighbours = [item["hostname"] for item in search("aws_opsworks_instance", "status:online")]
file("/var/tmp/hello.txt", content=f"{node.hostname} knows {', '.join(neighbours)}\n")
log(f"hello from {node.hostname}: I know {', '.join(neighbours)}")
