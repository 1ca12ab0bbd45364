"""Reads authors' Python and writes values into it. Never runs it."""
