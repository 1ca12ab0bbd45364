"""Runs a script on a host, from the exec request to the result. Knows nothing of files."""
