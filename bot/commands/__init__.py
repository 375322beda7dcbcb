"""Commands: one typed function each."""
