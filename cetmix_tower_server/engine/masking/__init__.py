"""Keeps secrets out of what people see: output, logs, differences of files."""
