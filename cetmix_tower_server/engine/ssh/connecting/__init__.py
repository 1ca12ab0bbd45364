"""Opening one connection to a host: address, host key, log-in, channels."""
