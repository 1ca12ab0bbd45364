"""How code, path and sudo become what is sent to a host. Knows nothing of connections."""
