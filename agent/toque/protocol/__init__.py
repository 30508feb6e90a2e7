"""What agent and server say to each other: shapes, signatures, sealed data."""
