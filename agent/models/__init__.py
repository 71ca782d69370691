"""The chain of models: Gemini, then Groq, then the rules, behind one chat model. `chain.py` asks the links in turn,
`guard.py` checks answers, `circuit.py` leaves out a failing provider, `spending.py` counts what it costs."""

from agent.models.chain import BudgetSpent, Link, ModelChain, NoModelLeft, build_chain

__all__ = ["BudgetSpent", "Link", "ModelChain", "NoModelLeft", "build_chain"]
