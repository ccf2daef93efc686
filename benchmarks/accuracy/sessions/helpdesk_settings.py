"""A help desk with what django-helpdesk can do, on SQLite."""

from django_basics import *  # noqa: F403
from django_basics import INSTALLED_APPS, templates

ROOT_URLCONF = "helpdesk_urls"
LOGIN_URL = "helpdesk:login"
DEFAULT_AUTO_FIELD = "django.db.models.AutoField"
HELPDESK_TEAMS_MODE_ENABLED = False
INSTALLED_APPS = [*INSTALLED_APPS, "django.contrib.humanize", "helpdesk", "rest_framework"]
TEMPLATES = templates()
