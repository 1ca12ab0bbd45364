"""Tower's engine: plain Python, no Odoo. See docs/developer/architecture.md."""
