"""Data to play with; the same each time. `flask --app wsgi seed` or `python -m jobmarket.seed`."""

import random

import click
from sqlalchemy import select

from jobmarket.accounts.service import find_by_email, register_user
from jobmarket.companies.service import create_company
from jobmarket.db import session
from jobmarket.jobs.service import create_job, publish_job
from jobmarket.models import Job, Role, User
from jobmarket.security import hash_password

PASSWORD = "correct horse"
COMPANIES = ("Nordlicht Energie", "Papier & Co", "Okapi Robotics", "Hafenwerk")
TITLES = ("Backend Engineer", "Data Analyst", "Product Designer", "Site Reliability Engineer")
CITIES = ("Hamburg", "Berlin", "Lisbon")
SKILLS = ("Python", "SQL", "Kubernetes", "Figma", "Go")


def seed(candidates: int = 6) -> dict[str, int]:
    """Fill an empty database; one that has the first employer is left alone."""
    if find_by_email("employer0@example.com") is not None:
        return {"users": 0, "jobs": 0}
    chance = random.Random(7)
    session.add(
        User(
            email="admin@example.com",
            name="Admin",
            password_hash=hash_password(PASSWORD),
            role=Role.ADMIN.value,
        )
    )
    for number, name in enumerate(COMPANIES):
        owner = register_user(
            f"employer{number}@example.com", f"Employer {number}", PASSWORD, role="employer"
        )
        company = create_company(owner.id, name, {"city": chance.choice(CITIES)})
        for title in TITLES:
            low = chance.randrange(40, 80) * 100_000
            job = create_job(
                company.id,
                owner.id,
                {
                    "title": title,
                    "description": f"{name} is looking for a {title.lower()}.",
                    "location": chance.choice(CITIES),
                    "salary_min_cents": low,
                    "salary_max_cents": low + 1_500_000,
                    "skills": chance.sample(SKILLS, 2),
                },
            )
            publish_job(job.id)
    for number in range(candidates):
        register_user(f"candidate{number}@example.com", f"Candidate {number}", PASSWORD)
    return {
        "users": len(session.scalars(select(User.id)).all()),
        "jobs": len(session.scalars(select(Job.id)).all()),
    }


@click.command("seed")
def seed_command() -> None:
    """Fill an empty database."""
    made = seed()
    click.echo(f"users: {made['users']}, jobs: {made['jobs']}")


if __name__ == "__main__":
    from jobmarket.app import create_app

    with create_app().app_context():
        print(seed())
