"""wger's own global settings, with what its template of settings leaves to each installation."""

from wger.settings_global import *  # noqa: F403

DEBUG = True
SECRET_KEY = "none"
DATABASES = {"default": {"ENGINE": "django.db.backends.sqlite3", "NAME": ":memory:"}}
RECAPTCHA_PUBLIC_KEY = RECAPTCHA_PRIVATE_KEY = "none"
SITE_URL = "http://localhost:8000"
MEDIA_ROOT = "media"
MEDIA_URL = "/media/"
ALLOWED_HOSTS = ["*"]
EMAIL_BACKEND = "django.core.mail.backends.locmem.EmailBackend"
DEFAULT_FROM_EMAIL = WGER_SETTINGS["EMAIL_FROM"] = "wger@example.com"  # noqa: F405
EXERCISE_CACHE_TTL = 500
