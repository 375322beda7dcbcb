"""What a community knows: documents and threads, found by words and by meaning, quoted with their sources."""
