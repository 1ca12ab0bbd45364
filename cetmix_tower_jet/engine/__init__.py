"""What jets decide, in plain Python: paths, checks, orders, choices and allocation. Imports no Odoo."""
