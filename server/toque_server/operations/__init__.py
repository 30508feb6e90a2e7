"""The API: one declaration per operation, one file per subject."""
