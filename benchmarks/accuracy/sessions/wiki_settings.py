"""Settings of a project that has django-wiki, on SQLite."""

from django_basics import *  # noqa: F403
from django_basics import INSTALLED_APPS, templates

ROOT_URLCONF = "wiki_urls"
DEFAULT_AUTO_FIELD = "django.db.models.AutoField"
INSTALLED_APPS = [
    *INSTALLED_APPS, "django.contrib.humanize", "django_nyt", "mptt", "sekizai",
    "sorl.thumbnail", "wiki", "wiki.plugins.attachments", "wiki.plugins.notifications",
    "wiki.plugins.images", "wiki.plugins.macros", "wiki.plugins.editsection",
    "wiki.plugins.globalhistory", "wiki.plugins.help", "wiki.plugins.links",
    "wiki.plugins.redlinks",
]  # fmt: skip
TEMPLATES = templates(
    "sekizai.context_processors.sekizai", "django.template.context_processors.i18n"
)
