"""What is known: tables and their checks, sources, parameters, pooling, trials, populations."""
