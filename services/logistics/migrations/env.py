"""Alembic's entry for this service."""

from services.logistics.tables import metadata
from shared.db.migrate import run_environment

run_environment(metadata)
