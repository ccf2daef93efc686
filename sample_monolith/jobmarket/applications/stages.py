"""Which stage may follow which. Offers, hires and withdrawals have their own ways."""

from jobmarket.errors import Conflict, ValidationFailed
from jobmarket.models import ApplicationStage as Stage

MOVES: dict[Stage, tuple[Stage, ...]] = {
    Stage.SUBMITTED: (Stage.SCREENING, Stage.REJECTED),
    Stage.SCREENING: (Stage.INTERVIEW, Stage.REJECTED),
    Stage.INTERVIEW: (Stage.REJECTED,),
    Stage.OFFER: (Stage.REJECTED,),
}

MAY_GET_OFFER = (Stage.SCREENING.value, Stage.INTERVIEW.value)
CLOSED = (Stage.HIRED.value, Stage.REJECTED.value, Stage.WITHDRAWN.value)


def check_move(old: str, new: str) -> None:
    try:
        wanted = Stage(new)
    except ValueError:
        raise ValidationFailed(f"no stage {new}") from None
    if wanted not in MOVES.get(Stage(old), ()):
        raise Conflict(f"an application does not move from {old} to {new}")
