"""Flight plans as plain data: what is next, whether a line runs, what would happen."""
