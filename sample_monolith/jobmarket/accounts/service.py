from typing import Any

from sqlalchemy import select

from jobmarket.db import session
from jobmarket.errors import Conflict, Forbidden, Unauthorized, ValidationFailed
from jobmarket.models import Profile, Role, User
from jobmarket.security import hash_password, issue_token, verify_password
from jobmarket.signals import user_registered
from jobmarket.utils import get_or_404, is_email, utcnow

MIN_PASSWORD = 8
PROFILE_FIELDS = ("headline", "about", "location", "phone", "resume_url")


def check_password_rules(password: str) -> None:
    if len(password) < MIN_PASSWORD:
        raise ValidationFailed(f"a password has at least {MIN_PASSWORD} characters")


def find_by_email(email: str) -> User | None:
    return session.scalar(select(User).where(User.email == email.strip().lower()))


def register_user(email: str, name: str, password: str, role: str = "candidate") -> User:
    email = email.strip().lower()
    if not is_email(email):
        raise ValidationFailed("this is no e-mail address")
    check_password_rules(password)
    # Admins are made by admins, never by registering.
    if role not in (Role.CANDIDATE.value, Role.EMPLOYER.value):
        raise ValidationFailed("role must be candidate or employer")
    if find_by_email(email) is not None:
        raise Conflict("this e-mail address is taken")
    user = User(email=email, name=name, password_hash=hash_password(password), role=role)
    user.profile = Profile(headline="", about="", location="")
    session.add(user)
    session.flush()
    user_registered.send("accounts", user_id=user.id, role=role)
    session.commit()
    return user


def authenticate(email: str, password: str) -> tuple[User, str]:
    user = find_by_email(email)
    # One message for both, so that nobody can find out who has an account.
    if user is None or not verify_password(password, user.password_hash):
        raise Unauthorized("wrong e-mail address or password")
    if not user.is_active:
        raise Forbidden("this account is switched off")
    user.last_login_at = utcnow()
    session.commit()
    return user, issue_token(user.id)


def change_password(user: User, old: str, new: str) -> None:
    if not verify_password(old, user.password_hash):
        raise Forbidden("the old password is wrong")
    check_password_rules(new)
    user.password_hash = hash_password(new)
    session.commit()


def rename_user(user: User, name: str) -> User:
    user.name = name.strip()
    session.commit()
    return user


def update_profile(user_id: int, changes: dict[str, Any]) -> Profile:
    profile = session.scalar(select(Profile).where(Profile.user_id == user_id))
    if profile is None:
        profile = Profile(user_id=user_id)
        session.add(profile)
    for field in PROFILE_FIELDS:
        if field in changes:
            setattr(profile, field, changes[field])
    session.commit()
    return profile


def set_account_state(user_id: int, role: str | None, is_active: bool | None) -> User:
    user = get_or_404(User, user_id)
    if role is not None:
        if role not in {known.value for known in Role}:
            raise ValidationFailed("no such role")
        user.role = role
    if is_active is not None:
        user.is_active = is_active
    session.commit()
    return user


def display_name(user_id: int) -> str:
    """The name to show; people who left have none."""
    user = session.get(User, user_id)
    return user.name if user is not None else "(deleted)"
