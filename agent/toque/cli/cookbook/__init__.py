"""`toque cookbook …`: the tools of those who write cookbooks, one module per command."""
