"""The columns that a mapped class takes from mixins of well-known packages."""

from __future__ import annotations

from collections.abc import Iterable

from migrator.analyze.frameworks.sqlalchemy.columns import ColumnFact, ForeignKeyFact, last
from migrator.model.graph import Column

# (attribute, type, flags: `n`ot null, `p`rimary key, `u`nique; the key it points to)
_Written = tuple[str, str, str, str | None]

_ID: _Written = ("id", "Integer()", "np", None)
_USER: tuple[_Written, ...] = (
    ("email", "String(length=320)", "nu", None),
    ("hashed_password", "String(length=1024)", "n", None),
    ("is_active", "Boolean()", "n", None),
    ("is_superuser", "Boolean()", "n", None),
    ("is_verified", "Boolean()", "n", None),
)
_ACCOUNT: tuple[_Written, ...] = (
    ("oauth_name", "String(length=100)", "n", None),
    ("access_token", "String(length=1024)", "n", None),
    ("expires_at", "Integer()", "", None),
    ("refresh_token", "String(length=1024)", "", None),
    ("account_id", "String(length=320)", "n", None),
    ("account_email", "String(length=320)", "n", None),
)
_AUDIT: tuple[_Written, ...] = (
    ("created_at", "DateTime(timezone=True)", "n", None),
    ("updated_at", "DateTime(timezone=True)", "n", None),
)
_UUID: tuple[_Written, ...] = (("id", "Uuid()", "np", None),)
_BIG: tuple[_Written, ...] = (("id", "BigInteger()", "np", None),)

# By the package's name and the class's: where a package keeps it below is its own affair.
_MIXINS: dict[tuple[str, str], tuple[_Written, ...]] = {
    ("oslo_db", "TimestampMixin"): (
        ("created_at", "DateTime()", "", None),
        ("updated_at", "DateTime()", "", None),
    ),
    ("oslo_db", "SoftDeleteMixin"): (
        ("deleted_at", "DateTime()", "", None),
        ("deleted", "Integer()", "", None),
    ),
    ("sqlalchemy_utils", "Timestamp"): (
        ("created", "DateTime()", "n", None),
        ("updated", "DateTime()", "n", None),
    ),
    ("flask_appbuilder", "AuditMixin"): (
        ("created_on", "DateTime()", "n", None),
        ("changed_on", "DateTime()", "n", None),
        ("created_by_fk", "Integer()", "n", "ab_user.id"),
        ("changed_by_fk", "Integer()", "n", "ab_user.id"),
    ),
    ("flask_dance", "OAuthConsumerMixin"): (
        _ID,
        ("provider", "String(50)", "n", None),
        ("created_at", "DateTime()", "n", None),
        ("token", "JSON()", "n", None),
    ),
    ("fastapi_users_db_sqlalchemy", "SQLAlchemyBaseUserTable"): _USER,
    ("fastapi_users_db_sqlalchemy", "SQLAlchemyBaseUserTableUUID"): (*_UUID, *_USER),
    ("fastapi_users_db_sqlalchemy", "SQLAlchemyBaseOAuthAccountTable"): _ACCOUNT,
    ("fastapi_users_db_sqlalchemy", "SQLAlchemyBaseOAuthAccountTableUUID"): (
        *_UUID,
        *_ACCOUNT,
        ("user_id", "Uuid()", "n", "user.id"),
    ),
    ("advanced_alchemy", "AuditColumns"): _AUDIT,
    ("advanced_alchemy", "UUIDPrimaryKey"): _UUID,
    ("advanced_alchemy", "UUIDBase"): _UUID,
    ("advanced_alchemy", "UUIDAuditBase"): (*_UUID, *_AUDIT),
    ("advanced_alchemy", "UUIDv7Base"): _UUID,
    ("advanced_alchemy", "UUIDv7AuditBase"): (*_UUID, *_AUDIT),
    ("advanced_alchemy", "BigIntPrimaryKey"): _BIG,
    ("advanced_alchemy", "BigIntBase"): _BIG,
    ("advanced_alchemy", "BigIntAuditBase"): (*_BIG, *_AUDIT),
}
_TABLES = {
    ("fastapi_users_db_sqlalchemy", "SQLAlchemyBaseUserTable"): "user",
    ("fastapi_users_db_sqlalchemy", "SQLAlchemyBaseUserTableUUID"): "user",
    ("fastapi_users_db_sqlalchemy", "SQLAlchemyBaseOAuthAccountTable"): "oauth_account",
    ("fastapi_users_db_sqlalchemy", "SQLAlchemyBaseOAuthAccountTableUUID"): "oauth_account",
}
_PACKAGES = {"fastapi_users.db": "fastapi_users_db_sqlalchemy"}


def mixed_in(bases: Iterable[str], line: int) -> dict[str, ColumnFact]:
    """What bases that the monolith does not define give a class of that `line`, by attribute."""
    found: dict[str, ColumnFact] = {}
    for base in bases:
        for attribute, type_, flags, target in _MIXINS.get(_known(base), ()):
            column = Column(
                attribute, type_, nullable="n" not in flags, primary_key="p" in flags,
                unique="u" in flags,
            )  # fmt: skip
            keys = (ForeignKeyFact(target, None, line),) if target is not None else ()
            found.setdefault(attribute, ColumnFact(attribute, column, keys, line))
    return found


def table_of(base: str) -> str | None:
    """The table's name that such a base gives to classes that write none."""
    return _TABLES.get(_known(base))


def _known(base: str) -> tuple[str, str]:
    package = _PACKAGES.get(base.rpartition(".")[0], base.partition(".")[0])
    return package, last(base)
