"""Settings, read from the environment once."""

import os
from dataclasses import dataclass


@dataclass(frozen=True)
class Settings:
    database_url: str
    secret_key: str
    base_url: str
    mail_sender: str
    log_level: str
    sql_echo: bool


def load_settings() -> Settings:
    return Settings(
        database_url=os.environ.get(
            "DATABASE_URL", "postgresql+psycopg://jobmarket@127.0.0.1:5432/jobmarket"
        ),
        secret_key=os.environ.get("SECRET_KEY", "development-only"),
        base_url=os.environ.get("BASE_URL", "http://127.0.0.1:5000"),
        mail_sender=os.environ.get("MAIL_SENDER", "hello@jobmarket.example"),
        log_level=os.environ.get("LOG_LEVEL", "INFO"),
        sql_echo=os.environ.get("SQL_ECHO", "") == "1",
    )


settings = load_settings()
