"""The secrets that webhooks are signed with: made, kept sealed, used.

To sign, a secret must be readable, so a hash will not do. With WEBHOOK_SECRET_KEY it is stored encrypted (Fernet: AES
in CBC mode with an HMAC), and whoever has the database alone cannot read it. Without, it can be read there.
"""

import base64
import binascii
import secrets
from collections.abc import Iterable
from datetime import UTC, datetime

from cryptography.fernet import Fernet, InvalidToken, MultiFernet
from pydantic import SecretStr
from standardwebhooks import Webhook

from tools.records.errors import InvalidInput

PREFIX = "whsec_"
_SEALED, _OPEN = "fernet:", "plain:"
_RANDOM_BYTES = 32


class SecretKeyMissing(Exception):
    """A secret was sealed with a key that this process does not have."""


class SecretBox:
    """Seals secrets for storage and opens them again. Several keys separated by commas: the first seals, all open."""

    def __init__(self, keys: SecretStr | None) -> None:
        self._fernet = _fernet(keys.get_secret_value()) if keys else None

    def seal(self, secret: str) -> str:
        if self._fernet is None:
            return _OPEN + secret
        return _SEALED + self._fernet.encrypt(secret.encode()).decode()

    def open(self, stored: str) -> str:
        """Raises SecretKeyMissing."""
        if stored.startswith(_OPEN):
            return stored.removeprefix(_OPEN)
        if self._fernet is None:
            raise SecretKeyMissing("Its secret is encrypted, and WEBHOOK_SECRET_KEY is not set.")
        try:
            return self._fernet.decrypt(stored.removeprefix(_SEALED)).decode()
        except InvalidToken:
            raise SecretKeyMissing("Its secret was encrypted with another WEBHOOK_SECRET_KEY.") from None


def new_secret() -> str:
    return PREFIX + base64.b64encode(secrets.token_bytes(_RANDOM_BYTES)).decode()


def signature_headers(event_id: str, body: str, signing: Iterable[str]) -> dict[str, str]:
    """The three headers of Standard Webhooks, with one signature for each secret. Made anew for each attempt, because
    receivers refuse a timestamp that is five minutes old."""
    now = datetime.now(UTC)
    return {
        "webhook-id": event_id,
        "webhook-timestamp": str(int(now.timestamp())),
        "webhook-signature": " ".join(Webhook(secret).sign(event_id, now, body) for secret in signing),
    }


def _fernet(keys: str) -> MultiFernet:
    try:
        return MultiFernet([Fernet(key.strip()) for key in keys.split(",")])
    except (ValueError, binascii.Error):
        raise InvalidInput(
            "WEBHOOK_SECRET_KEY must be 32 random bytes in URL-safe base64; make one with "
            "python -c 'from cryptography.fernet import Fernet; print(Fernet.generate_key().decode())'."
        ) from None
