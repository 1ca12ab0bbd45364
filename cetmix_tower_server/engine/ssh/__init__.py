"""Connections to hosts and what runs over them."""
