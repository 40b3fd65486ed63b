"""Alembic's entry for this service."""

from services.orders.tables import metadata
from shared.db.migrate import run_environment

run_environment(metadata)
