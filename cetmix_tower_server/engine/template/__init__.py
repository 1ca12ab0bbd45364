"""Putting values into texts of authors."""
