"""Rules to begin with, as files of rules."""
