from itertools import groupby

from jobmarket.constants import DIGEST_LIMIT
from jobmarket.db import session
from jobmarket.notifications.mailer import digest_text, mailer
from jobmarket.notifications.preferences import wants
from jobmarket.notifications.queries import waiting_for_mail
from jobmarket.utils import utcnow


def send_digests() -> int:
    """One mail a person with what is unread; how many mails."""
    sent = 0
    for email, rows in groupby(waiting_for_mail(), key=lambda row: row[1]):
        unread = [notification for notification, _ in rows]
        told = [found for found in unread if wants(found.user_id, found.kind, "email")]
        for notification in unread:
            notification.emailed_at = utcnow()
        if told:
            titles = [found.title for found in told[:DIGEST_LIMIT]]
            text = digest_text(titles, len(told) - len(titles))
            mailer.send(email, f"{len(told)} new on jobmarket", text)
            sent += 1
    session.commit()
    return sent
