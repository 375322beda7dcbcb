"""Platforms: events in, actions out. Each adapter imports its own library and nobody else does."""
