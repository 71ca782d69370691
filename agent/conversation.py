"""A chat without a provider: which tools a question needs, and when their answers are in, the words."""

from collections.abc import Sequence

from langchain_core.messages import BaseMessage

from agent.replies import Call, Reply
from agent.transcript import read_turns


def converse(messages: Sequence[BaseMessage], tools: frozenset[str], tool_choice: str | None) -> Reply:
    """The next step of a chat."""
    turn = read_turns(messages)[-1]
    listed = [result for result in turn.results if result.name == "find_products"]
    if not listed and "find_products" in tools:
        return Reply(calls=(Call("find_products", {"query": "", "status": "needs_order"}),))
    rows = listed[-1].data.get("products", []) if listed else []
    return Reply(text="\n".join(f"{row['product_id']}: order {row['order_quantity']}" for row in rows) or "None.")
