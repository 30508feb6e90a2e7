"""Where instances come from: one module per kind of infrastructure."""
