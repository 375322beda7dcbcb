"""Real services for tests, on this machine only."""
