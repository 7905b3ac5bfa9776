"""Alembic's entry: runs the revisions on the connection that `migrate` hands over. Called by alembic alone."""

from alembic import context

from core.ledger.tables import Row

connection = context.config.attributes["connection"]
context.configure(connection=connection, target_metadata=Row.metadata)
with context.begin_transaction():
    context.run_migrations()
