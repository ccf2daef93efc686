"""Alembic's environment: the database of the settings, the models of every part."""

import importlib

from alembic import context
from jobmarket.db import Base, engine

MODELS = [
    "jobmarket.models",
    "jobmarket.billing.models",
    "jobmarket.notifications.models",
    "jobmarket.messaging.models",
    "jobmarket.reporting.models",
    "jobmarket.search.models",
]

for name in MODELS:
    importlib.import_module(name)


def run_offline() -> None:
    context.configure(
        url=engine.url.render_as_string(hide_password=False),
        target_metadata=Base.metadata,
        literal_binds=True,
    )
    with context.begin_transaction():
        context.run_migrations()


def run_online() -> None:
    with engine.connect() as connection:
        context.configure(connection=connection, target_metadata=Base.metadata, compare_type=True)
        with context.begin_transaction():
            context.run_migrations()


if context.is_offline_mode():
    run_offline()
else:
    run_online()
