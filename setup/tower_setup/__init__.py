"""The commands in setup/. Standard library only, because nothing is installed when they start."""
