"""One file per recipe word."""
