"""`mod ...`: the queue of cases, what moderators decide about them, and what they do by hand."""
