"""The model's account of how figures are made. docs/method.md has it with reasons and measurements."""

from typing import Annotated, Any, Literal

from pydantic import Field

Topic = Literal[
    "reorder_point",
    "safety_stock",
    "order_quantity",
    "forecast",
    "lead_time",
    "service_level",
    "confidence",
    "demand_class",
    "inventory_position",
    "days_left",
    "lost_revenue",
    "review",
    "transfer",
    "status",
]
TOPICS: dict[Topic, str] = {
    "reorder_point": (
        "The level that covered demand until the next delivery in the asked share of cases, judged by the product's "
        "own past forecast errors. Demand over lead time and review period is taken as lognormal; the reorder point is "
        "its quantile at the service level, in whole units. An order is due when the inventory position is at or below "
        "it. With fewer than 8 periods of demand the textbook formula stands in: mean demand over lead time and review "
        "period, plus z times the standard deviation of demand times the square root of the periods."
    ),
    "safety_stock": (
        "What the reorder point holds beyond the mean demand over lead time and review period: reorder point minus "
        "mean demand. It grows with the product's past forecast errors, an uncertain lead time and the service level."
    ),
    "order_quantity": (
        "At least what brings the inventory position above the reorder point, or the economic order quantity where "
        "order cost and holding rate are known and it is more. Then the supplier's minimum, multiples and packs, price "
        "breaks, and caps such as a maximum cover, a shelf life or a budget."
    ),
    "forecast": (
        "Three forecasts of mean demand (the long-run mean, the last weeks, the last days) are weighted by their past "
        "errors, and corrected where they were clearly too high or too low. Periods that are unknown or sold out are "
        "left out. A season, a trend and the lift of promotions are used where past forecasts with them lost less. A "
        "planned promotion brings that lift, or the factor that is stated with it."
    ),
    "lead_time": (
        "What the supplier promised, and the spread of its observed receipts. From ten receipts on, the observed lead "
        "times are used one by one instead of the promise. Where it is known how late each was, their lateness is "
        "added to this order's promise."
    ),
    "service_level": (
        "The chance that stock lasts until the next delivery (cycle), the share of demand served from stock (fill "
        "rate), or the least cost of shortage and holding together, as the product states. 95 % of cycles is usual."
    ),
    "confidence": (
        "The probability that a quantity turns out right: no stock-out until the next delivery could come, and no more "
        "left over than permitted. It is read from the forecast, then corrected by how such orders turned out before."
    ),
    "demand_class": (
        "smooth or erratic sell in most periods, in even or uneven amounts; intermittent or lumpy sell in few, in even "
        "or uneven amounts. unclassified has too few sales to say; no_demand has none."
    ),
    "inventory_position": (
        "On hand plus on order minus backorders. An open order counts if it is due within lead time and review period. "
        "One that is late counts half beyond what the supplier was late before, and not at all a whole lead time later."
    ),
    "days_left": "Stock on hand less backorders, divided by mean demand a day. What is on order does not count.",
    "lost_revenue": (
        "Demand a day that the inventory position is expected to leave unserved, times the unit price. The desk's list "
        "is sorted by it."
    ),
    "review": (
        "An order waits for a person if its confidence or value is beyond the limits, if it was asked for in a chat, "
        "if a warning or a concern stands against it, if another order or review for the same need is open, or if "
        "automatic ordering is off. Nobody can approve from a chat."
    ),
    "transfer": (
        "Before anything is bought, another location is asked for the whole need. It gives only if its stock on hand "
        "and its inventory position both stay above its own reorder point."
    ),
    "status": (
        "needs_data: something is missing before it can be planned. waits_for_review: a person must decide. snoozed: "
        "left alone until a day. late_order: an order for it is late. order_now: at or below the reorder point. "
        "not_possible: no quantity fits the supplier's rules. on_order: what is on the way is enough. no_demand: "
        "nothing sells. enough: nothing is to be ordered yet."
    ),
}


async def explain_method(
    _: object, topic: Annotated[Topic, Field(description="The figure, or what is done.")]
) -> dict[str, Any]:
    """How a figure is made, in a few sentences. For the figures of one product and their arithmetic use
    calculate_reorder."""
    return {"topic": topic, "explanation": TOPICS[topic]}
