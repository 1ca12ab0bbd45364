"""Tower's engine: does the work, in plain Python. Imports no Odoo, models or workers. See docs/developer/architecture.md."""
