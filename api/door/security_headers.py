"""Headers that forbid browsers to guess types, frame, cache or run anything. Pages of the desk may load scripts and
styles from here, and a page that names its style may have that style."""

from base64 import b64encode
from hashlib import sha256

_POLICY = b"content-security-policy"
_HEADERS = [
    (b"cache-control", b"no-store"),
    (b"referrer-policy", b"no-referrer"),
    (b"x-content-type-options", b"nosniff"),
    (b"x-frame-options", b"DENY"),
]
ON_EVERY_ANSWER = [*_HEADERS, (_POLICY, b"default-src 'none'; frame-ancestors 'none'")]
ON_DESK_PAGES = [
    *(header for header in _HEADERS if header[0] != b"referrer-policy"),
    # With no-referrer a browser would not say where a form comes from either.
    (b"referrer-policy", b"same-origin"),
    (
        _POLICY,
        b"default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; "
        b"form-action 'self'; base-uri 'none'; frame-ancestors 'none'",
    ),
]
ON_THE_DOCS_PAGE = [
    *_HEADERS,
    (
        _POLICY,
        b"default-src 'none'; connect-src 'self'; script-src 'self'; style-src 'self' 'unsafe-inline'; "
        b"img-src 'self' data:; base-uri 'none'; frame-ancestors 'none'",
    ),
]


def added_headers(path: str) -> list[tuple[bytes, bytes]]:
    """Of an answer at this address, where it has none of its own."""
    if path == "/docs":
        return ON_THE_DOCS_PAGE
    return ON_DESK_PAGES if path == "/desk" or path.startswith("/desk/") else ON_EVERY_ANSWER


def permitting_style(css: str) -> dict[str, str]:
    """The header of a page that has this style inside, and nothing else."""
    digest = b64encode(sha256(css.encode()).digest()).decode()
    return {_POLICY.decode(): f"default-src 'none'; style-src 'sha256-{digest}'; frame-ancestors 'none'"}
