"""Which threads a member would like: models over reactions, their evaluation, and reasons as data."""
