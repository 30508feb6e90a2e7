"""A copy-on-write clone of this machine in namespaces."""
