"""Keeping secrets out of what people see."""
