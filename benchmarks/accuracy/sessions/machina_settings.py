"""Settings of a project that has django-machina, on SQLite."""

from django_basics import *  # noqa: F403
from django_basics import INSTALLED_APPS, MIDDLEWARE, templates
from machina import MACHINA_MAIN_TEMPLATE_DIR

ROOT_URLCONF = "machina_urls"
DEFAULT_AUTO_FIELD = "django.db.models.AutoField"
MIDDLEWARE = [*MIDDLEWARE, "machina.apps.forum_permission.middleware.ForumPermissionMiddleware"]
HAYSTACK_CONNECTIONS = {"default": {"ENGINE": "haystack.backends.simple_backend.SimpleEngine"}}
CACHES = {
    name: {"BACKEND": "django.core.cache.backends.locmem.LocMemCache", "LOCATION": name}
    for name in ("default", "machina_attachments")
}
INSTALLED_APPS = [
    *INSTALLED_APPS, "mptt", "haystack", "widget_tweaks", "machina", "machina.apps.forum",
    "machina.apps.forum_conversation", "machina.apps.forum_conversation.forum_attachments",
    "machina.apps.forum_conversation.forum_polls", "machina.apps.forum_feeds",
    "machina.apps.forum_moderation", "machina.apps.forum_search", "machina.apps.forum_tracking",
    "machina.apps.forum_member", "machina.apps.forum_permission",
]  # fmt: skip
TEMPLATES = templates("machina.core.context_processors.metadata")
TEMPLATES[0]["DIRS"] = [MACHINA_MAIN_TEMPLATE_DIR]
MACHINA_DEFAULT_AUTHENTICATED_USER_FORUM_PERMISSIONS = [
    "can_see_forum", "can_read_forum", "can_start_new_topics", "can_reply_to_topics",
    "can_edit_own_posts", "can_post_without_approval", "can_create_polls", "can_vote_in_polls",
    "can_download_file",
]  # fmt: skip
