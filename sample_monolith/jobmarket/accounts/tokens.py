"""Long-lived tokens for programs; exchanged for a bearer token."""

import hashlib
import secrets

from sqlalchemy import select

from jobmarket.db import session
from jobmarket.errors import NotFound, Unauthorized
from jobmarket.models import ApiToken
from jobmarket.security import issue_token
from jobmarket.utils import utcnow


def _digest(secret: str) -> str:
    return hashlib.sha256(secret.encode()).hexdigest()


def create_token(user_id: int, label: str) -> tuple[ApiToken, str]:
    """The token and its secret, which is shown this once."""
    secret = "jm_" + secrets.token_urlsafe(24)
    token = ApiToken(user_id=user_id, label=label, token_hash=_digest(secret))
    session.add(token)
    session.commit()
    return token, secret


def list_tokens(user_id: int) -> list[ApiToken]:
    query = select(ApiToken).where(ApiToken.user_id == user_id).order_by(ApiToken.id)
    return list(session.scalars(query))


def revoke_token(user_id: int, token_id: int) -> None:
    token = session.get(ApiToken, token_id)
    if token is None or token.user_id != user_id:
        raise NotFound("no such token")
    token.revoked_at = utcnow()
    session.commit()


def exchange_token(secret: str) -> str:
    token = session.scalar(select(ApiToken).where(ApiToken.token_hash == _digest(secret)))
    if token is None or token.revoked_at is not None or not token.user.is_active:
        raise Unauthorized("this token is not valid")
    return issue_token(token.user_id)
