"""The database: one schema, one writer, and a file for each family of queries."""
