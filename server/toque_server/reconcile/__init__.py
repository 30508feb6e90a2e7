"""The loops: read, decide, apply."""
