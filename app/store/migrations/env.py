"""Runs the revisions on the connection that `app.store.database` hands over, inside its transaction."""

from alembic import context

from app.store.tables_base import metadata

connection = context.config.attributes["connection"]
context.configure(connection=connection, target_metadata=metadata, render_as_batch=True, transactional_ddl=True)
with context.begin_transaction():
    context.run_migrations()
