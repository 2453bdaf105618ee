"""Power, sample size and simulated trials."""
