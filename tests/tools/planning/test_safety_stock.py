"""The textbook's safety stock and reorder point."""

import math

import pytest

from tools.planning.safety_stock import interval_sd, reorder_point, safety_stock


def test_the_textbook_reorder_point_of_the_seven_day_example() -> None:
    stock = safety_stock(service_level=0.95, demand_sd=math.sqrt(175), interval=7)
    assert stock == pytest.approx(57.57, abs=0.005)
    assert reorder_point(mean=120, interval=7, safety_stock=stock) == pytest.approx(897.57, abs=0.005)


def test_a_square_is_a_square_and_not_an_exclusive_or() -> None:
    """`^2` for a square gives a standard deviation of 71.78 and a reorder point of 391.99 (met in a library)."""
    sd = interval_sd(demand_sd=5, interval=6, mean=50, lead_time_sd=2)
    stock = safety_stock(service_level=0.9, demand_sd=5, interval=6, mean=50, lead_time_sd=2)
    assert sd == pytest.approx(100.74720839804942)
    assert reorder_point(mean=50, interval=6, safety_stock=stock) == pytest.approx(429.1127426467683)


def test_no_lead_time_needs_no_safety_stock() -> None:
    assert safety_stock(service_level=0.95, demand_sd=20, interval=0) == 0
