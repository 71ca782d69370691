"""Who takes part in a trial: keys for a shop and for three reviewers, each with limits."""

from dataclasses import dataclass
from typing import Any

import httpx

ADMIN = "soak-admin-key-" + "0" * 32
REVIEWERS = ("anna", "ben", "carla")
LIMITS = [{"currency": "USD", "per_day": 900_000_000, "in_total": 950_000_000}]
"""Never reached, and so counted to the cent."""


@dataclass(frozen=True)
class Staff:
    """Their keys."""

    shop: str
    reviewers: dict[str, str]


async def hire(client: httpx.AsyncClient, url: str) -> Staff:
    return Staff(
        shop=await _key(client, url, "shop", "trigger"),
        reviewers={name: await _key(client, url, name, "approve") for name in REVIEWERS},
    )


async def hire_reviewers(client: httpx.AsyncClient, url: str, number: int) -> list[str]:
    """Keys of so many reviewers more."""
    return [await _key(client, url, f"reviewer {n}", "approve") for n in range(number)]


async def _key(client: httpx.AsyncClient, url: str, name: str, *scopes: str) -> str:
    made = await _make(client, f"{url}/keys", {"name": name, "scopes": [*scopes, "read"], "limits": LIMITS})
    return str(made["key"])


async def _make(client: httpx.AsyncClient, address: str, body: dict[str, Any]) -> Any:
    answer = await client.post(address, json=body, headers={"X-API-Key": ADMIN})
    return answer.raise_for_status().json()
