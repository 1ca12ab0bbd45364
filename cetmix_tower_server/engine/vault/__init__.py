"""Encrypts stored secrets, and keeps the file of the keys."""
