"""Alembic migrations, run from the installed package without a configuration file."""
