"""What the accounts service owns, and the ledger copies."""

from bank.db import Base
from sqlalchemy import String
from sqlalchemy.orm import Mapped, mapped_column


class Account(Base):
    __tablename__ = "accounts"
    id: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    owner: Mapped[str] = mapped_column(String(80))
    balance: Mapped[int]
