"""The installer that `register` brings to a machine: an archive with the agent's wheel, made of this very server."""
