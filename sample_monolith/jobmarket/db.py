"""The one engine and the one session that everybody imports."""

from sqlalchemy import MetaData, create_engine
from sqlalchemy.orm import DeclarativeBase, scoped_session, sessionmaker

from jobmarket.config import settings

NAMING = {
    "ix": "ix_%(table_name)s_%(column_0_name)s",
    "uq": "uq_%(table_name)s_%(column_0_N_name)s",
    "fk": "fk_%(table_name)s_%(column_0_name)s_%(referred_table_name)s",
    "pk": "pk_%(table_name)s",
}


class Base(DeclarativeBase):
    metadata = MetaData(naming_convention=NAMING)


engine = create_engine(settings.database_url, pool_pre_ping=True, echo=settings.sql_echo)
SessionLocal = sessionmaker(bind=engine, expire_on_commit=False)
session = scoped_session(SessionLocal)
