"""How the shipped classifiers are made: `llmos moderate train`. Needs the extra `train`."""
