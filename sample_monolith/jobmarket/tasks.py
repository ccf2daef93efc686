"""What cron runs: `flask --app wsgi tasks <name>`."""

import importlib

import click
from flask.cli import AppGroup

from jobmarket.utils import is_month, previous_month

tasks_cli = AppGroup("tasks", help="Work that runs by the clock.")


@tasks_cli.command("expire-jobs")
def expire_jobs_task() -> None:
    """Every night: take down the jobs that are past their day."""
    from jobmarket.jobs.service import expire_jobs

    click.echo(f"expired: {len(expire_jobs())}")


@tasks_cli.command("send-digests")
def send_digests_task() -> None:
    """Every morning: one mail with what is unread."""
    send_digests = importlib.import_module("jobmarket.notifications.tasks").send_digests
    click.echo(f"sent: {send_digests()}")


@tasks_cli.command("close-month")
@click.option("--month", default=None, help="like 2024-05; the one before this when left out")
def close_month_task(month: str | None) -> None:
    """On the first: invoices of the month that is over."""
    month = month or previous_month()
    if not is_month(month):
        raise click.BadParameter("a month looks like 2024-05", param_hint="--month")
    close_month = importlib.import_module("jobmarket.billing.tasks").close_month
    click.echo(f"invoices: {close_month(month)}")


@tasks_cli.command("rebuild-reports")
def rebuild_reports_task() -> None:
    """Every night, after expire-jobs."""
    rebuild_reports = importlib.import_module("jobmarket.reporting.tasks").rebuild_reports
    click.echo(f"reports: {rebuild_reports()}")
