"""Settings of a project that has django-ledger, on SQLite."""

from django_basics import *  # noqa: F403
from django_basics import INSTALLED_APPS, templates

ROOT_URLCONF = "ledger_urls"
DEFAULT_AUTO_FIELD = "django.db.models.AutoField"
INSTALLED_APPS = [*INSTALLED_APPS, "django_ledger"]
TEMPLATES = templates("django_ledger.context.django_ledger_context")
