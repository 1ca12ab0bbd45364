"""Connections to hosts, and what runs over them: scripts and file transfers. Knows nothing of runs and records."""
