"""The code page of a text that is no UTF-8: that of Windows, or that of DOS, in which older systems still write."""

import re
from itertools import islice

CODE_PAGES = {
    "cp1252": "Windows-1252, as Excel writes it",
    "cp850": "code page 850, as DOS programs write it",
}
LOOKED_AT = 10_000
"""Words with letters beyond ASCII that are looked at."""
_WORD = re.compile(rb"[A-Za-z]*[\x80-\xff][A-Za-z\x80-\xff]*")
_STRANGE = re.compile(
    # Control characters, and lines and blocks that draw boxes.
    r"[\x80-\x9f\ufffd\u2500-\u259f]"
    # A sign between two letters, as in M\u00b3ller or Sch\u201efer. Apostrophes, dashes and dots may stand there.
    r"|(?<=[^\W\d_])[^\w\s\u2018\u2019\u2013\u2014\u2026\u2022\u00b7](?=[^\W\d_])"
    r"|(?<=[^\W\d_])[\u00b2\u00b3\u00b9\u00bc-\u00be](?=[^\W\d_])"
)


def code_page(raw: bytes) -> str:
    """The code page in which the words look least strange; Windows' where both look alike.

    >>> [code_page("Größe M, Schäfer".encode(page)) for page in ("cp850", "cp1252")]
    ['cp850', 'cp1252']
    """
    words = b" ".join(found[0] for found in islice(_WORD.finditer(raw), LOOKED_AT))
    return min(CODE_PAGES, key=lambda page: len(_STRANGE.findall(words.decode(page, "replace"))))
