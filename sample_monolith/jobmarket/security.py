"""Who is asking, and may they."""

import functools
import hashlib
import hmac
import os
from collections.abc import Callable
from typing import Any

from flask import g, request
from itsdangerous import BadSignature, URLSafeTimedSerializer

from jobmarket.config import settings
from jobmarket.constants import TOKEN_MAX_AGE_SECONDS
from jobmarket.db import session
from jobmarket.errors import Forbidden, Unauthorized
from jobmarket.models import Role, User

_SCRYPT = {"n": 2**12, "r": 8, "p": 1}


def hash_password(password: str) -> str:
    salt = os.urandom(16)
    digest = hashlib.scrypt(password.encode(), salt=salt, **_SCRYPT)
    return f"scrypt${salt.hex()}${digest.hex()}"


def verify_password(password: str, hashed: str) -> bool:
    try:
        _, salt, digest = hashed.split("$")
        wanted = bytes.fromhex(digest)
        found = hashlib.scrypt(password.encode(), salt=bytes.fromhex(salt), **_SCRYPT)
    except ValueError:
        return False
    return hmac.compare_digest(found, wanted)


def _serializer() -> URLSafeTimedSerializer:
    return URLSafeTimedSerializer(settings.secret_key, salt="jobmarket.auth")


def issue_token(user_id: int) -> str:
    """A signed token. Nothing is stored, so checking it costs one read of the user."""
    return _serializer().dumps({"user_id": user_id})


def read_token(token: str) -> int | None:
    try:
        return int(_serializer().loads(token, max_age=TOKEN_MAX_AGE_SECONDS)["user_id"])
    except (BadSignature, KeyError, TypeError, ValueError):
        return None


def _bearer() -> str | None:
    scheme, _, token = request.headers.get("Authorization", "").partition(" ")
    return token if scheme.lower() == "bearer" and token else None


def load_user() -> User | None:
    token = _bearer()
    user_id = read_token(token) if token else None
    if user_id is None:
        return None
    user = session.get(User, user_id)
    return user if user is not None and user.is_active else None


def login_required(view: Callable[..., Any]) -> Callable[..., Any]:
    @functools.wraps(view)
    def wrapper(*args: Any, **kwargs: Any) -> Any:
        g.user = load_user()
        if g.user is None:
            raise Unauthorized("log in first")
        return view(*args, **kwargs)

    return wrapper


def role_required(*roles: str) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    """Admins may do everything."""

    def decorate(view: Callable[..., Any]) -> Callable[..., Any]:
        @functools.wraps(view)
        @login_required
        def wrapper(*args: Any, **kwargs: Any) -> Any:
            if g.user.role not in roles and g.user.role != Role.ADMIN.value:
                raise Forbidden(f"this needs one of the roles: {', '.join(roles)}")
            return view(*args, **kwargs)

        return wrapper

    return decorate


def current_user() -> User:
    user = getattr(g, "user", None)
    if user is None:
        raise Unauthorized("log in first")
    return user
