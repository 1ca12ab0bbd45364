"""Encryption of stored secrets and the file of its keys."""
