"""The synthetic sample community."""
