"""Cleans a model's words before people see them, and withholds keys and our own instructions."""

import re
from collections.abc import Iterable

from agent import prompts
from tools.planning.gate import Submission
from tools.records.text import clean_text

LONGEST_RATIONALE, LONGEST_CONCERN, LONGEST_LINE = 1_000, 300, 2_000
SHORTEST_SECRET, SHORTEST_SENTENCE = 6, 30
WITHHELD = "(withheld)"


class Discretion:
    """Knows what must not be shown: these secrets, and the sentences of our instructions."""

    def __init__(self, secrets: Iterable[str]) -> None:
        sentences = (_folded(line) for line in re.split(r"[\n.;:]", prompts.every_instruction()))
        kept = [_folded(secret) for secret in secrets if len(secret) >= SHORTEST_SECRET]
        self._unsayable = (*kept, *(line for line in sentences if len(line) >= SHORTEST_SENTENCE))

    def leaks(self, text: str) -> bool:
        """Whether the text holds a secret or an instruction, whatever its case and line breaks."""
        return any(map(_folded(text).__contains__, self._unsayable))

    def paragraph(self, text: str) -> str:
        """The text line by line, safe to show."""
        return "\n".join(clean_text(line, limit=LONGEST_LINE) for line in text.splitlines()).strip()

    def submission(self, submission: Submission) -> Submission:
        """The submission with its words safe to show."""
        rationale, *concerns = map(self._sayable, (submission.rationale, *submission.concerns))
        return submission.model_copy(
            update={
                "concerns": [clean_text(concern, limit=LONGEST_CONCERN) for concern in concerns],
                "product_id": clean_text(submission.product_id, limit=LONGEST_CONCERN),
                "rationale": clean_text(rationale, limit=LONGEST_RATIONALE),
            }
        )

    def _sayable(self, text: str) -> str:
        return WITHHELD if self.leaks(text) else text


def _folded(text: str) -> str:
    return " ".join(text.casefold().split())
