"""Rules judge messages; policies decide what follows; nothing acts before moderators set it up."""
