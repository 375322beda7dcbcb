"""End-to-end encryption of one account: rooms that only their members can read."""
