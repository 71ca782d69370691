"""What schemathesis holds every answer against; it imports this module by the name in SCHEMATHESIS_HOOKS."""

import schemathesis


@schemathesis.check
def no_fault_of_ours(ctx: object, response: schemathesis.Response, case: schemathesis.Case) -> None:
    """No 5xx but a 503 that says when to come back."""
    patient = response.status_code == 503 and "retry-after" in {name.lower() for name in response.headers}
    assert response.status_code < 500 or patient, f"answered {response.status_code}"
