"""Values of variables and of runs: their rules, and how they are stored."""
