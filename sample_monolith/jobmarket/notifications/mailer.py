"""Mail, as far as this installation sends any: it is kept in `sent`."""

import logging
from dataclasses import dataclass

from jobmarket.config import settings

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Mail:
    sender: str
    to: str
    subject: str
    text: str


class Mailer:
    def __init__(self, sender: str) -> None:
        self.sender = sender
        self.sent: list[Mail] = []

    def send(self, to: str, subject: str, text: str) -> None:
        self.sent.append(Mail(self.sender, to, subject, text))
        log.info("mail sent: %s", subject)


mailer = Mailer(settings.mail_sender)


def digest_text(titles: list[str], left_out: int) -> str:
    lines = [f"- {title}" for title in titles]
    if left_out:
        lines.append(f"and {left_out} more")
    return "\n".join([*lines, "", f"{settings.base_url}/notifications"])
