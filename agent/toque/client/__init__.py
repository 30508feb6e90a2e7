"""A Python client of the server. See `toque.client.client.Client`."""
