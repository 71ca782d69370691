"""The model without a provider: reads a decision's task or a planner's question and answers by rules, with the same
tools as any model. `model.py` is the way in and decides, `conversation.py` chats; the rest reads and words."""

from agent.rules.model import Rules
from agent.rules.questions import QUESTIONS, QUESTIONS_WITH_SLOTS

__all__ = ["QUESTIONS", "QUESTIONS_WITH_SLOTS", "Rules"]
