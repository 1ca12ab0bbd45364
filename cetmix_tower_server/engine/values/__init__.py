"""Values of variables and of runs: their rules, and the form in which they are stored."""
