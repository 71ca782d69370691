"""A receiver of events shows neither its address nor its secrets."""

import json
from typing import Any

import pytest
from pydantic import ValidationError

from tools.records.events import Receiver

SECRET = "whsec_" + "A" * 32


def receiver(**changes: Any) -> Receiver:
    values = {"url": "https://erp.example/hooks/canary?token=canary", "secret": SECRET}
    return Receiver.model_validate_json(json.dumps(values | changes))


def test_without_a_name_it_is_known_by_its_host_and_a_number_that_tells_its_address_from_others() -> None:
    one, same, other = receiver(), receiver(events=["order.placed"]), receiver(url="https://erp.example/other")

    assert one.identity == same.identity == one.address != other.identity
    assert one.identity.startswith("erp.example-")
    assert receiver(name="erp").identity == "erp"
    assert receiver(name="erp").address == one.address


def test_its_address_and_its_secrets_are_not_shown() -> None:
    shown = repr(receiver(old_secret=SECRET))

    assert "canary" not in shown
    assert "AAAA" not in shown


@pytest.mark.parametrize(
    "changes",
    [
        {"url": "ftp://erp.example/"},
        {"url": "erp.example/hooks"},
        {"url": "https://"},
        {"secret": "whsec_short"},
        {"secret": "whsec_" + "A" * 31},
        {"secret": "whsec_" + "A" * 100},
        {"secret": None},
        {"old_secret": "geheim"},
        {"events": ["order.lost"]},
        {"name": "with a space"},
        {"tokn": "x"},
    ],
)
def test_one_that_cannot_be_meant_is_refused(changes: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        receiver(**changes)
