"""Alembic revisions, run when a workspace is opened."""
