from jobmarket.notifications.models import Notification, NotificationPreference
from jobmarket.utils import serialize


def notification_json(notification: Notification):
    return serialize(
        notification, "id", "kind", "title", "body", "reference", "read_at", "created_at"
    )


def preference_json(preference: NotificationPreference):
    return serialize(preference, "kind", "in_app", "email")
