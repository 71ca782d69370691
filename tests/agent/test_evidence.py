"""What of an answer is marked as unverified: what neither a tool's result nor the person's own words hold."""

import json
import time
from typing import Any

import pytest

from agent.evidence import MOST_MARKED, Evidence, unverified

RESULT = {
    "total": 70,
    "products": [
        {
            "product_id": "DUST_MASKS_FFP2",
            "name": "Dust masks FFP2, box of 20",
            "on_hand": 0,
            "reorder_point": 1127.0404,
            "days_until_stockout": 6.9444,
            "order_quantity": 12345,
            "service_level": 0.945,
            "due": "2026-12-07",
            "value": 29400.5,
            "currency": "USD",
            "derivation": ["Checked on 38 past intervals: 89.47 % were covered"],
        },
        {"product_id": "X1", "status": "overdue", "on_hand": -40},
        {"product_id": "X2", "status": "overdue", "review_url": "http://127.0.0.1:8000/reviews/RV-000002"},
    ],
    "orders": [{"number": "PO-2026-000001"}, {"number": "4500012345"}],
    "at": "2026-11-30 14:05",
}
QUESTION = "What if I order only 600 of X1, in 3 weeks, before 24 December?"
CATALOGUE = [("DUST_MASKS_FFP2", "Dust masks FFP2, box of 20"), ("RUBBER", "Rubber sheets"), ("BOLTS", "Bolts")]


def marked(answer: str, **more: Any) -> tuple[str, ...]:
    return unverified(answer, Evidence.of([json.dumps(RESULT)], [QUESTION], **more), CATALOGUE)


@pytest.mark.parametrize(
    "answer",
    [
        "Order 12,345, or 12.345, 12 345, 12\u202f345, 12'345, 12345.",
        "Order 12,345.00 of them.",
        "The reorder point is 1,127, to be exact 1,127.04 or 1127.0404.",
        "It lasts 6.9 days, about 7 days, or 7 days.",
        "Roughly 1,100 or ~1,130, and ungefähr 12,000.",
        "A service level of 94.5 %, 94.5%, 94,5 Prozent, 94.5 percent or 0.945.",
        "It covered 89.47 %, or a share of 0.8947.",
        "It is worth 29,400.50 USD, USD 29,400.50, $29,400.50, $29,401 or 29.4k USD.",
        "It is due on 2026-12-07, 7 December 2026, December 7th, Dec 7, 7. Dezember, 7 de diciembre, 07.12.2026.",
        "It is due on 12/07/2026; it happened at 14:05 on 30 Nov 2026.",
        "You asked for 600 in 3 weeks, which is 21 days, before 24 December.",
        "Backordered: 40.",
    ],
)
def test_a_figure_is_held_however_it_is_written_or_rounded(answer: str) -> None:
    assert marked(answer) == ()


@pytest.mark.parametrize(
    ("answer", "expected"),
    [
        ("Order 12,346 of them.", ["12,346"]),
        ("Order 12,300 of them.", ["12,300"]),
        ("About 14,000 of them.", ["14,000"]),
        ("It lasts 6.8 days or 8 days.", ["6.8", "8"]),
        ("A service level of 97 %.", ["97 %"]),
        ("It is worth 29,500.00 USD.", ["29,500.00 USD"]),
        ("It is worth €29,400.50.", ["€29,400.50"]),
        ("It is due on 8 December 2026.", ["8 December 2026"]),
        ("It is due on 7 December 2027.", ["7 December 2027"]),
        ("It is due on 2026-12-08 at 15:05.", ["2026-12-08", "15:05"]),
        ("In 4 weeks.", ["4"]),
        ("3 × 400 makes 1,200.", ["400", "1,200"]),
    ],
)
def test_a_figure_that_nothing_holds_is_marked_as_it_is_written(answer: str, expected: list[str]) -> None:
    assert list(marked(answer)) == expected


def test_orders_reviews_ids_and_addresses_must_be_the_very_ones() -> None:
    held = "PO-2026-000001 (po-2026-000001), RV-000002, 4500012345, DUST_MASKS_FFP2 and X1 need no mark."

    assert marked(held + " See http://127.0.0.1:8000/reviews/RV-000002.") == ()
    assert marked("PO-2026-000002, RV-000001, 4500012346, X3, STEEL_SHEETS, http://evil.example/RV-000002") == (
        "PO-2026-000002",
        "RV-000001",
        "4500012346",
        "X3",
        "STEEL_SHEETS",
        "http://evil.example/RV-000002",
    )


def test_a_product_of_the_catalogue_that_was_not_looked_up_is_marked_by_name_or_id() -> None:
    assert marked("Dust masks FFP2, box of 20 before rubber sheets and BOLTS.") == ("Rubber sheets", "BOLTS")
    assert marked("The bolts are fine.") == ()  # an ordinary word


def test_numbers_that_count_rows_or_number_a_list_are_held() -> None:
    assert marked("3 products, 2 of them overdue, 2 orders:\n1. X1\n2) X2\n- 3. that is the 3rd") == ()
    assert marked("4 products are overdue.") == ("4",)
    assert marked("5 runs were begun.", counts=[5]) == ()


@pytest.mark.parametrize(
    "answer",
    ["Nothing is due.", "", "1,127-day, 6.9-day, 70pcs, mid-2026, Q4.", "Only 3 may come. The march of 70 products."],
)
def test_words_that_hold_no_claim_are_not_marked(answer: str) -> None:
    assert marked(answer) == ()


def test_a_mark_stands_once_in_the_order_of_the_answer_and_there_are_not_too_many() -> None:
    assert marked("First 991, then PO-1, then 991 and 992.") == ("991", "PO-1", "992")
    assert len(marked(" ".join(str(number) for number in range(5_000, 6_000)))) == MOST_MARKED


def test_without_evidence_everything_is_marked_but_what_was_asked() -> None:
    evidence = Evidence.of([], ["Do I need 70 of X1?"])
    assert unverified("You need 70 of X1 by Friday, and 80 of X2.", evidence) == ("80", "X2")


@pytest.mark.parametrize(
    "part",
    ["9", "1,", "1 ", "a1-", "1.1.1", "http://", "about ", "5 December ", "_", "1_", "12:", "\n1.", "$", "1 000"],
)
def test_no_answer_takes_long_to_read(part: str) -> None:
    text = part * (100_000 // len(part))
    began = time.process_time()
    marked(text)
    assert time.process_time() - began < 3
