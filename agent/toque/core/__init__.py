"""The engine of a run: resource, converge, node, report, host, secret, source, errors."""
