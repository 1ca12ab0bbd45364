"""Reading authors' Python, and writing values into it, without running it."""
