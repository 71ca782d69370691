"""A season is forecast where it has won on the product's past, and nowhere else."""

from datetime import date

import numpy as np
import pytest

from tools.planning.interval_forecast import OwnForecast, own_forecast
from tools.planning.replenishment import plan
from tools.planning.season import profile, resemblance, season_length
from tools.records.facts import DemandHistory, Product, ProductFacts, Stock, Supplier
from tools.records.plan import Plan

WEEK = np.array([0.6, 0.8, 1, 1, 1, 1.4, 1.2])
MONTH_DAYS = 365.25 / 12


def weekly(seed: int, weeks: int = 40) -> np.ndarray:
    return np.random.default_rng(seed).poisson(30 * np.tile(WEEK, weeks)).astype(float)


def forecast(demand: np.ndarray, *, season: int = 7, interval: float = 2.0) -> OwnForecast:
    positions = np.flatnonzero(~np.isnan(demand))
    return own_forecast(demand[positions], positions, periods=demand.size, interval=interval, season=season, unit=1.0)


def planned(demand: np.ndarray, *, period_days: float = 1, lead: float = 1, last: date | None = None) -> Plan:
    return plan(
        ProductFacts(
            product=Product(id="X", name="X", review_period_days=period_days),
            supplier=Supplier(id="S", name="S", promised_lead_time_days=lead),
            stock=Stock(location="here", on_hand=0),
            demand=DemandHistory(values=tuple(demand.tolist()), period_days=period_days, last_period=last),
            source="input",
        )
    )


@pytest.mark.parametrize(
    ("days", "length"),
    [(1, 7), (7 / 5, 5), (7 / 6, 6), (7, 52), (14, 26), (MONTH_DAYS, 12), (91.3, 4), (365, 0), (3, 122)],
)
def test_periods_say_how_many_make_a_week_or_a_year(days: float, length: int) -> None:
    assert season_length(days) == length


def test_indices_find_back_the_week_that_demand_was_made_of() -> None:
    demand = 30 * np.tile(WEEK, 60)
    found = profile(demand, np.arange(demand.size), periods=demand.size, season=7)
    np.testing.assert_allclose(found.newest, WEEK / WEEK.mean(), rtol=0.02)
    assert found.to_come(7) == pytest.approx(7)
    assert found.to_come(1.5) == pytest.approx(found.newest[0] + 0.5 * found.newest[1])


def test_what_is_known_of_a_season_at_a_past_moment_does_not_change_with_what_comes_later() -> None:
    demand = weekly(3)
    whole = profile(demand, np.arange(280), periods=280, season=7)
    earlier = profile(demand[:150], np.arange(150), periods=150, season=7)
    np.testing.assert_allclose(whole.indices[:, :151], earlier.indices, rtol=1e-12)


def test_days_out_of_stock_do_not_shift_the_week() -> None:
    demand = 30 * np.tile(WEEK, 60)
    known = np.delete(np.arange(demand.size), [100, 101, 250])
    found = profile(demand[known], known, periods=demand.size, season=7)
    np.testing.assert_allclose(found.newest, WEEK / WEEK.mean(), rtol=0.06)


def test_the_coming_days_are_forecast_by_their_own_share_of_the_week() -> None:
    quiet, busy = forecast(weekly(1)), forecast(weekly(1)[:-2])
    assert quiet.won is not None and busy.won is not None
    assert quiet.rates.mean[-1] == pytest.approx(30 * 0.7, rel=0.08)
    assert busy.rates.mean[-1] == pytest.approx(30 * 1.3, rel=0.08)


def test_a_season_narrows_the_spread() -> None:
    demand = weekly(2)
    assert forecast(demand).rates.variance[-1] < 0.7 * forecast(demand, season=0).rates.variance[-1]


def test_demand_without_a_season_keeps_the_plain_forecast() -> None:
    for seed in range(30):
        demand = np.random.default_rng(seed).poisson(30, 280).astype(float)
        with_season, without = forecast(demand), forecast(demand, season=0)
        assert with_season.won is None
        assert with_season.rates.mean[-1] == without.rates.mean[-1]


def test_a_season_that_has_ended_does_not_win() -> None:
    """The week strikes the eye, but for a year past forecasts with it have lost more."""
    demand = np.concatenate([weekly(4, 30), np.random.default_rng(5).permutation(weekly(6, 30))])
    assert resemblance((demand - demand.mean())[None], np.array([demand.size]), 7)[0] > 3
    assert forecast(demand).won is None


def growing(rate: float, seed: int) -> np.ndarray:
    random = np.random.default_rng(seed)
    return random.poisson(40 * (1 + rate) ** np.arange(-60, 60)).astype(float)


@pytest.mark.parametrize("rate", [0.02, -0.02])
def test_demand_that_grows_or_falls_is_led_on(rate: float) -> None:
    nearer = []
    for seed in range(10):
        plain, found = (
            np.random.default_rng(seed).poisson(30, 120),
            forecast(growing(rate, seed), season=0, interval=3.0),
        )
        assert forecast(plain.astype(float), season=0, interval=3.0).won is None
        if found.won is not None:
            assert found.won.profile.season == 1
            nearer.append(found.rates.mean[-1] / (40 * (1 + rate) ** 61))
    assert len(nearer) >= 4
    assert np.mean(nearer) == pytest.approx(1, abs=0.1)


def test_the_plan_says_that_a_trend_is_among_the_means() -> None:
    lines = planned(growing(0.02, 1), period_days=3, lead=3).derivation
    assert any(line.startswith("Demand has moved beyond chance") for line in lines)
    assert "× trend" in lines[0]


def test_one_season_alone_is_none() -> None:
    assert forecast(weekly(1)[:13]).won is None


def test_the_plan_says_what_each_day_or_month_sells_of_the_average_one() -> None:
    days = planned(weekly(1), last=date(2026, 11, 29))
    year = 1 + 0.6 * np.sin(np.arange(12) * np.pi / 6)
    months = planned(
        np.random.default_rng(2).poisson(300 * np.tile(year, 6)).astype(float),
        period_days=MONTH_DAYS,
        lead=MONTH_DAYS,
        last=date(2025, 12, 31),
    )
    (week,) = [line for line in days.derivation if line.startswith("Season")]
    (season,) = [line for line in months.derivation if line.startswith("Season")]
    assert "× the average: Monday 0.55" in week and "Tuesday 0.8" in week and "(40 weeks," in week
    assert "January 1.0" in season and "February 1.31" in season and "(6 years," in season
