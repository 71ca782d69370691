"""Why a start failed, in a sentence that says what to do. There is no traceback, and nothing of a driver's message
that could hold a password."""

import errno
import ssl

import sqlalchemy as sa

from agent.settings import Settings
from tools.records.errors import RestockError, Unavailable

_KNOWN = (
    "Connection refused",
    "Name or service not known",
    "password authentication failed",
    "no password supplied",
    "does not exist",
    "timeout expired",
    "unable to open database file",
    "readonly database",
    "disk is full",
    "database is locked",
)
"""Words of drivers that help and hold no secret."""


def sentence(error: BaseException, settings: Settings) -> str | None:
    """The sentence for this error, or None if it was not expected."""
    if type(error) is Unavailable and error.__cause__ is not None:
        return _unavailable(str(error.__cause__), settings)
    if isinstance(error, RestockError):
        return error.message.replace(", with the same Idempotency-Key", "").rstrip(".") + "."
    if isinstance(error, ssl.SSLError) or (isinstance(error, FileNotFoundError) and not error.filename):
        return "SSL_CERT_FILE or SSL_CERT_DIR names no certificates; name a file in PEM format, or leave it out."
    if isinstance(error, OSError) and error.filename:
        return f"{error.filename} cannot be opened ({error.strerror}); make it accessible, or name another."
    return str(error) if isinstance(error, ImportError) else None


def _unavailable(cause: str, settings: Settings) -> str:
    known = next((f" ({words})" for words in _KNOWN if words in cause), "")
    if settings.on_postgresql:
        return f"PostgreSQL cannot be reached{known}; start it, or correct DATABASE_URL."
    file = sa.make_url(settings.database_url).database
    return f"{file} cannot be used{known}; make it and its folder writable, or name another file in DATABASE_URL."


def cannot_listen(error: OSError, settings: Settings) -> str:
    """Why the address cannot be used."""
    place = f"{settings.host}:{settings.port}"
    if error.errno == errno.EADDRINUSE:
        return f"Another program listens on {place}; stop it, or set PORT to another port."
    if error.errno == errno.EACCES:
        return f"{place} is not open to this user; set PORT to one above 1023."
    return f"{place} is no address of this machine ({error.strerror}); set HOST, as 127.0.0.1 or 0.0.0.0."
