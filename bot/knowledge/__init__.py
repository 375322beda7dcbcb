"""What a community knows: documents and threads, found by words and by meaning, and quoted with their sources."""
