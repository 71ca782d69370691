"""The catalogue teaches what one product's past cannot tell, and nothing where it has nothing to say."""

from dataclasses import replace

import numpy as np
import pytest

from tools.catalog.demand_table import DemandTable
from tools.lookback.learning import (
    ASKED,
    NO_OPINION,
    Learned,
    earned_shares,
    examples_of,
    learn,
    lognormal_through,
    looked_back,
)
from tools.lookback.learning_features import Past, features
from tools.lookback.rolling_origin import Interval, rolling_origins
from tools.planning.demand_distribution import lognormal_quantile
from tools.records.errors import InvalidInput

PAIR = Interval(1, 1)


def common_jumps(products: int = 40, periods: int = 120, seed: int = 1) -> DemandTable:
    """All products sell double every sixth week: too irregular in one product, plain in all of them."""
    random = np.random.default_rng(seed)
    high = np.where(random.permutation(periods) % 6 == 0, 3.0, 1.0)
    marks = np.tile(high > 1, (products, 1))
    level = random.uniform(3, 30, (products, 1))
    demand = random.poisson(level * high).astype(float)
    return DemandTable(tuple(map(str, range(products))), demand, "week", promotions=marks)


def test_a_lognormal_is_found_again_from_its_levels() -> None:
    mean, sd = np.array([120.0, 2000.0]), np.array([40.0, 100.0])
    levels = np.column_stack([lognormal_quantile(probability=asked, mean=mean, variance=sd**2) for asked in ASKED])
    found = lognormal_through(levels, np.ones(2))
    np.testing.assert_allclose(found[0], mean, rtol=0.02)
    np.testing.assert_allclose(found[1], sd, rtol=0.05)


def test_what_is_told_of_a_past_moment_does_not_change_with_later_demand() -> None:
    table = common_jumps()
    later = table.demand.copy()
    later[:, 80:] *= 7
    changed = replace(table, demand=later)
    origins = rolling_origins(table, PAIR, step=10, first=20)
    origins = origins.where(origins.moment <= 80)
    told = [features(Past(each, 2), origins) for each in (table, changed)]
    np.testing.assert_array_equal(told[0], told[1])


def test_the_model_is_told_the_cuts_of_past_and_planned_promotions() -> None:
    table = common_jumps()
    marks = np.asarray(table.promotions)
    cuts = np.where(marks, np.where(np.arange(120) % 2 == 0, 0.4, 1.0), 0.0)
    origins = rolling_origins(table, PAIR, step=10, first=20)
    plain, told = (features(Past(replace(table, promotions=each), 2), origins) for each in (marks, cuts))
    added = told[:, len(plain[0]) - 3 : -3]  # The group comes last.
    assert added.shape[1] == 7
    for column, ahead in enumerate(range(-3, 4)):
        position = origins.moment + ahead
        inside = position < 120
        stated = cuts[origins.product[inside], position[inside]]
        np.testing.assert_array_equal(added[inside, column], np.where(stated == 1, np.nan, stated))


def test_shares_are_earned_where_one_has_lost_less_and_halves_where_none_has() -> None:
    table = common_jumps()
    origins = rolling_origins(table, PAIR, step=4, first=40)
    examples = examples_of(Past(table, 2), origins)
    sd, none = np.sqrt(origins.variance), np.zeros(len(origins))
    same = Learned(origins.mean, sd, none)
    useless = Learned(20 * origins.mean, sd, none)
    assert set(earned_shares(examples, same).values()) == {NO_OPINION}
    assert set(earned_shares(examples, useless).values()) == {0.0}


def test_models_are_tried_on_later_moments_only() -> None:
    table = common_jumps()
    origins = rolling_origins(table, PAIR, step=2)
    found = looked_back(examples_of(Past(table, 2), origins), 120).learned
    assert np.isnan(found.mean[origins.moment < 48]).all()
    assert not np.isnan(found.mean[origins.moment >= 48]).any()


def test_learning_gives_each_product_a_distribution_and_says_how_it_did() -> None:
    table = common_jumps()
    planned = np.concatenate([table.promotions, np.zeros((40, 2), bool)], axis=1)
    found = learn(replace(table, promotions=planned), [PAIR] * 40)
    assert found.rows.tolist() == list(range(40))
    assert (found.mean > 0).all() and (found.sd > 0).all()
    assert ((found.share >= 0) & (found.share <= 1)).all()
    assert all(result.loss < 1.1 * result.own_loss for result in found.results)
    again = learn(replace(table, promotions=planned), [PAIR] * 40)
    np.testing.assert_array_equal(found.mean, again.mean)


def test_products_of_other_intervals_teach_each_other() -> None:
    table = common_jumps()
    found = learn(table, [PAIR if row % 2 else Interval(3, 0) for row in range(40)])
    longer = found.mean[np.isin(found.rows % 2, 0)].sum() / found.own_mean[np.isin(found.rows % 2, 0)].sum()
    assert sorted(found.rows.tolist()) == list(range(40))
    assert longer == pytest.approx(1, abs=0.5)


def test_too_little_to_learn_from_is_refused_with_what_to_do() -> None:
    few = common_jumps(products=2, periods=20)
    with pytest.raises(InvalidInput, match="Import more sales"):
        learn(few, [PAIR] * 2)
