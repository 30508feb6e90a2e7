"""One file per subject; each registers its pages on the blueprint."""
