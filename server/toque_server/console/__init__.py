"""The operators' web pages: they call operations, never the store."""
