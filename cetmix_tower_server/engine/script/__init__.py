"""Turns code, path and sudo into what is sent to a host. Knows nothing of connections."""
