"""Settings of a Superset that needs no server beside itself."""

import os

WORK = os.environ["SESSION_WORK"]
SECRET_KEY = "of-no-use-to-anybody-0123456789abcdef"
SQLALCHEMY_DATABASE_URI = f"sqlite:///{WORK}/superset.db?check_same_thread=false"
WTF_CSRF_ENABLED = False
TALISMAN_ENABLED = False
RATELIMIT_ENABLED = False
PREVENT_UNSAFE_DB_CONNECTIONS = False
FEATURE_FLAGS = {"TAGGING_SYSTEM": True, "ALERT_REPORTS": True, "EMBEDDED_SUPERSET": True}
