"""Keys, envelope encryption, tokens, passwords, sessions."""
