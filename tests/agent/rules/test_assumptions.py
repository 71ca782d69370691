import pytest

from agent.rules.assumptions import Assumptions, read_assumptions

STATED = {
    "what if the lead time is 21 days": {"lead_time_days": 21},
    "a 21-day lead time": {"lead_time_days": 21},
    "lead time 21": {"lead_time_days": 21},
    "if the lead time goes up to 3 weeks": {"lead_time_days": 21},
    "if lead time was three weeks": {"lead_time_days": 21},
    "what if delivery takes a fortnight": {"lead_time_days": 14},
    "if the supplier needs one month": {"lead_time_days": 30},
    "lead time of 10 working days": {"lead_time_days": 14},
    "lead time from 7 to 21 days": {"lead_time_days": 21},
    "lead time of 21 days instead of 14 days": {"lead_time_days": 21},
    "and with 3 weeks?": {"lead_time_days": 21},
    "if the lead time is 2 weeks longer": {"lead_time_added": 14},
    "if the delivery is 5 days late": {"lead_time_added": 5},
    "if the lead time drops by two days": {"lead_time_added": -2},
    "lead time doubles": {"lead_time_factor": 2},
    "what if lead time increases 50%": {"lead_time_factor": 1.5},
    "with 99%?": {"service_level": 0.99},
    "and with 99 percent": {"service_level": 0.99},
    "at a service level of 0.99": {"service_level": 0.99},
    "at .975 service level": {"service_level": 0.975},
    "service level 99": {"service_level": 0.99},
    "if we want to be 99,5 % sure": {"service_level": 0.995},
    "service level of 100%": {"service_level": 1.0},
    "if demand rises by 20 %": {"demand_uplift": 1.2},
    "20% more": {"demand_uplift": 1.2},
    "demand +20%": {"demand_uplift": 1.2},
    "twenty percent higher sales": {"demand_uplift": 1.2},
    "demand falls by 10 %": {"demand_uplift": 0.9},
    "demand -10%": {"demand_uplift": 0.9},
    "demand increases to 120 %": {"demand_uplift": 1.2},
    "demand drops to 80%": {"demand_uplift": 0.8},
    "if demand doubles": {"demand_uplift": 2},
    "if we sell twice as much": {"demand_uplift": 2},
    "if demand halves": {"demand_uplift": 0.5},
    "if demand is 1.5x": {"demand_uplift": 1.5},
    "what if it triples?": {"demand_uplift": 3},
    "demand grows by a half": {"demand_uplift": 1.5},
    "if demand rises by 20 % and the lead time is 3 weeks": {"demand_uplift": 1.2, "lead_time_days": 21},
    "20% more demand at 99% service level": {"demand_uplift": 1.2, "service_level": 0.99},
}
NOT_STATED = [
    "order 500 units of X1",
    "will it arrive in 5 days",
    "when do we sell out within 14 days",
    "how did demand develop over the last 14 days",
    "hex bolts M8 x 40, box of 100",
    "double sided tape",
    "is 20 % a good discount",
    "why?",
]


@pytest.mark.parametrize(("text", "expected"), STATED.items(), ids=list(STATED))
def test_a_what_if_is_read_in_figures(text: str, expected: dict[str, float]) -> None:
    assert read_assumptions(text).assumptions == Assumptions(**expected)


@pytest.mark.parametrize("text", NOT_STATED)
def test_other_figures_are_not_taken_for_assumptions(text: str) -> None:
    assert read_assumptions(text).assumptions == Assumptions()


def test_a_lead_time_stated_relative_to_the_present_one_becomes_days_once_that_is_known() -> None:
    later = Assumptions(lead_time_added=14.0)
    doubled = Assumptions(lead_time_factor=2.0, demand_uplift=1.2)

    assert later.relative
    assert later.arguments(7.5) == {"lead_time_days": 21.5}
    assert doubled.arguments(7.5) == {"lead_time_days": 15.0, "demand_uplift": 1.2}
    assert Assumptions(lead_time_added=-9.0).arguments(7.5) == {"lead_time_days": 0.0}


def test_new_assumptions_replace_earlier_ones_of_the_same_kind_only() -> None:
    earlier = Assumptions(service_level=0.99, lead_time_days=21.0)

    assert Assumptions(lead_time_factor=2.0).over(earlier) == Assumptions(service_level=0.99, lead_time_factor=2.0)
