from collections.abc import Iterable

from sqlalchemy import func, select

from jobmarket.db import session
from jobmarket.models import Job, Skill, job_skills
from jobmarket.utils import slugify


def ensure_skills(names: Iterable[str]) -> list[Skill]:
    """The skills of these names; new ones are made."""
    wanted = {slugify(name): name.strip() for name in names if name.strip()}
    known = {
        skill.slug: skill for skill in session.scalars(select(Skill).where(Skill.slug.in_(wanted)))
    }
    for slug, name in wanted.items():
        if slug not in known:
            known[slug] = Skill(name=name, slug=slug)
            session.add(known[slug])
    session.flush()
    return [known[slug] for slug in wanted]


def set_job_skills(job: Job, names: Iterable[str]) -> None:
    job.skills = ensure_skills(names)


def popular_skills(limit: int = 20) -> list[tuple[Skill, int]]:
    used = func.count(job_skills.c.job_id)
    query = (
        select(Skill, used)
        .outerjoin(job_skills, job_skills.c.skill_id == Skill.id)
        .group_by(Skill.id)
        .order_by(used.desc(), Skill.name)
        .limit(limit)
    )
    return [(skill, count) for skill, count in session.execute(query)]
