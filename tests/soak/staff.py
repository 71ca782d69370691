"""Who takes part in a trial: keys for a shop and for three reviewers, each with limits, and whoever hears of it all."""

from dataclasses import dataclass
from typing import Any

import httpx

ADMIN = "soak-admin-key-" + "0" * 32
REVIEWERS = ("anna", "ben", "carla")
LIMITS = [{"currency": "USD", "per_day": 900_000_000, "in_total": 950_000_000}]
"""Never reached, and so counted to the cent."""


@dataclass(frozen=True)
class Staff:
    """Their keys, and the secret of the receiver's webhook."""

    shop: str
    reviewers: dict[str, str]
    webhook_secret: str


async def hire(client: httpx.AsyncClient, url: str, hook: str) -> Staff:
    admin = {"X-API-Key": ADMIN}

    async def make(path: str, body: dict[str, Any]) -> Any:
        answer = await client.post(url + path, json=body, headers=admin)
        return answer.raise_for_status().json()

    async def key(name: str, *scopes: str) -> str:
        made = await make("/keys", {"name": name, "scopes": [*scopes, "read"], "limits": LIMITS})
        return str(made["key"])

    return Staff(
        shop=await key("shop", "trigger"),
        reviewers={name: await key(name, "approve") for name in REVIEWERS},
        webhook_secret=str((await make("/webhooks", {"url": hook}))["secret"]),
    )
