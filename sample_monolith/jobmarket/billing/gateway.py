"""The payment provider, as far as we use it. No network here: the sandbox decides by the card."""

import hashlib
import logging

from jobmarket.errors import AppError

log = logging.getLogger(__name__)


class PaymentDeclined(AppError):
    status = 402
    code = "payment_declined"


class PaymentGateway:
    def charge(self, card: str, amount_cents: int, currency: str, idempotency_key: str) -> str:
        """The provider's reference of the charge; the same key is charged once."""
        if not card.startswith("tok_") or card == "tok_declined":
            raise PaymentDeclined("the card was declined")
        log.info("charged %s %s", amount_cents, currency)
        return "ch_" + hashlib.sha256(idempotency_key.encode()).hexdigest()[:20]


gateway = PaymentGateway()
