"""Errors that become JSON answers."""

from typing import Any


class AppError(Exception):
    """Base of everything that a client may be told."""

    status = 400
    code = "bad_request"

    def __init__(self, message: str, status: int | None = None, code: str | None = None) -> None:
        super().__init__(message)
        self.message = message
        if status is not None:
            self.status = status
        if code is not None:
            self.code = code

    def to_dict(self) -> dict[str, Any]:
        return {"error": {"code": self.code, "message": self.message}}


class NotFound(AppError):
    status = 404
    code = "not_found"


class Unauthorized(AppError):
    status = 401
    code = "unauthorized"


class Forbidden(AppError):
    status = 403
    code = "forbidden"


class ValidationFailed(AppError):
    status = 422
    code = "validation_failed"


class Conflict(AppError):
    status = 409
    code = "conflict"


class QuotaExceeded(AppError):
    status = 429
    code = "quota_exceeded"
