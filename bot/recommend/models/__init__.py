"""One recommender per file; they are found by scan."""
