"""Matrix: plain rooms on any homeserver."""
