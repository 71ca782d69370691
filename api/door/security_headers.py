"""Headers that forbid browsers to guess types, frame, cache or run anything. The docs page may load its scripts, and a
page that names its style may have that style."""

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
ON_THE_DOCS_PAGE = [
    *_HEADERS,
    (
        _POLICY,
        b"default-src 'none'; connect-src 'self'; script-src 'unsafe-inline' https://cdn.jsdelivr.net; "
        b"style-src 'unsafe-inline' https://cdn.jsdelivr.net; img-src data: https://fastapi.tiangolo.com; "
        b"frame-ancestors 'none'",
    ),
]


def permitting_style(css: str) -> dict[str, str]:
    """The header of a page that has this style inside, and nothing else."""
    digest = b64encode(sha256(css.encode()).digest()).decode()
    return {_POLICY.decode(): f"default-src 'none'; style-src 'sha256-{digest}'; frame-ancestors 'none'"}
