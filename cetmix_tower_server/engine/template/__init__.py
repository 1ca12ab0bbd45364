"""Fills values of variables and secrets into texts of authors, and reads those texts."""
