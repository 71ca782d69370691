"""Headers that forbid browsers to guess types, frame, cache or run anything. Pages of the desk may load scripts and
styles from here, and a page that names its style may have that style."""

from base64 import b64encode
from hashlib import sha256

_POLICY = "content-security-policy"
_HEADERS = [
    ("cache-control", "no-store"),
    ("referrer-policy", "no-referrer"),
    ("x-content-type-options", "nosniff"),
    ("x-frame-options", "DENY"),
]
ON_EVERY_ANSWER = [*_HEADERS, (_POLICY, "default-src 'none'; frame-ancestors 'none'")]
ON_DESK_PAGES = [
    *(header for header in _HEADERS if header[0] != "referrer-policy"),
    # With no-referrer a browser would not say where a form comes from either.
    ("referrer-policy", "same-origin"),
    (
        _POLICY,
        "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; "
        "form-action 'self'; base-uri 'none'; frame-ancestors 'none'",
    ),
]
ON_THE_DOCS_PAGE = [
    *_HEADERS,
    (
        _POLICY,
        "default-src 'none'; connect-src 'self'; script-src 'self'; style-src 'self' 'unsafe-inline'; "
        "img-src 'self' data:; base-uri 'none'; frame-ancestors 'none'",
    ),
]


def permitting_style(css: str) -> dict[str, str]:
    """The header of a page that has this style inside, and nothing else."""
    digest = b64encode(sha256(css.encode()).digest()).decode()
    return {_POLICY: f"default-src 'none'; style-src 'sha256-{digest}'; frame-ancestors 'none'"}
