"""The guarded chain: Gemini, then Groq, then the rules model, behind one chat model. `chain.py` asks the links in turn,
`guard.py` says which answers may pass, `circuit.py` when a provider is passed over, `spending.py` what it all costs."""

from agent.models.chain import BudgetSpent, Link, ModelChain, NoModelLeft, build_chain

__all__ = ["BudgetSpent", "Link", "ModelChain", "NoModelLeft", "build_chain"]
