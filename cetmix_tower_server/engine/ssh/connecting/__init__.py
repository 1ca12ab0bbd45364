"""Opens one connection to a host: TCP, host key, log-in, channels. Knows nothing of the pool."""
