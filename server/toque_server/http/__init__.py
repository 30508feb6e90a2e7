"""What arrives over HTTP: AWS JSON, the token API, the agents' routes, health."""
