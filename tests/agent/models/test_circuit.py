"""When a provider is passed over, for how long, and how it comes back."""

import pytest

from agent.models.circuit import LONGEST_COOLDOWN_SECONDS, Circuit
from agent.models.failures import ModelFailure, Reason


class Clock:
    now = 0.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def circuit(clock: Clock) -> Circuit:
    return Circuit(threshold=2, cooldown_seconds=10, clock=clock)


def fail(circuit: Circuit, reason: Reason = "server_error", times: int = 1, hint: float | None = None) -> None:
    for _ in range(times):
        circuit.failed(ModelFailure(reason, retry_after=hint))


def test_it_opens_after_failures_in_a_row(circuit: Circuit) -> None:
    fail(circuit, times=2)

    assert (circuit.state, circuit.admits(), circuit.cause) == ("open", False, "server_error")


def test_a_success_between_them_begins_the_count_anew(circuit: Circuit) -> None:
    fail(circuit)
    circuit.succeeded()
    fail(circuit)

    assert circuit.admits()


@pytest.mark.parametrize("reason", ["blocked", "cut_off", "rejected", "too_large", "malformed_call", "unknown_tool"])
def test_one_bad_request_or_answer_does_not_close_the_provider_to_others(circuit: Circuit, reason: Reason) -> None:
    fail(circuit, reason, times=20)

    assert circuit.admits()


def test_after_the_cool_down_one_trial_is_let_through(circuit: Circuit, clock: Clock) -> None:
    fail(circuit, times=2)
    clock.now = 10

    assert [circuit.admits(), circuit.admits()] == [True, False]


def test_a_good_trial_closes_it(circuit: Circuit, clock: Clock) -> None:
    fail(circuit, times=2)
    clock.now = 10
    circuit.admits()
    circuit.succeeded()

    assert (circuit.state, circuit.cause, circuit.admits()) == ("closed", None, True)


def test_each_failed_trial_doubles_the_pause_up_to_a_bound(circuit: Circuit, clock: Clock) -> None:
    fail(circuit, times=2)
    pauses = []
    for _ in range(7):
        pauses.append(circuit.retry_in())
        clock.now += circuit.retry_in()
        assert circuit.admits()
        fail(circuit)

    assert pauses == [10, 20, 40, 80, 160, LONGEST_COOLDOWN_SECONDS, LONGEST_COOLDOWN_SECONDS]


def test_a_trial_that_came_to_nothing_is_given_to_the_next(circuit: Circuit, clock: Clock) -> None:
    fail(circuit, times=2)
    clock.now = 10
    circuit.admits()
    circuit.abandoned()

    assert circuit.admits()


def test_a_rate_limit_opens_at_once_for_as_long_as_it_says(circuit: Circuit) -> None:
    fail(circuit, "rate_limited", hint=42)

    assert circuit.retry_in() == 42


def test_a_bad_key_opens_at_once_for_long(circuit: Circuit) -> None:
    fail(circuit, "bad_key")

    assert circuit.retry_in() == LONGEST_COOLDOWN_SECONDS


def test_stragglers_of_an_open_circuit_neither_close_nor_prolong_it(circuit: Circuit, clock: Clock) -> None:
    fail(circuit, times=2)
    clock.now = 4
    circuit.succeeded()
    fail(circuit)

    assert (circuit.state, circuit.retry_in()) == ("open", 6)


def test_a_stragglers_longer_hint_prolongs_it(circuit: Circuit) -> None:
    fail(circuit, times=2)
    fail(circuit, "rate_limited", hint=60)

    assert circuit.retry_in() == 60


def test_changes_are_told(clock: Clock) -> None:
    told: list[bool] = []
    circuit = Circuit(threshold=1, cooldown_seconds=10, clock=clock, changed=told.append)
    fail(circuit)
    clock.now = 10
    circuit.admits()
    circuit.succeeded()

    assert told == [True, False]
