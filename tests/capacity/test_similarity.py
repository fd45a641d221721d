"""Unbiased CKA against its definition and against answers that are known beforehand."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from xgaze.capacity.similarity import cka_without_each, linear_cka, unbiased_hsic
from xgaze.errors import InputError


def ids(n):
    return [f"s{k}" for k in range(n)]


def cka(x, y):
    return linear_cka(x, y, ids(len(x)), ids(len(x)))


def biased_cka(x, y):
    x, y = x - x.mean(axis=0), y - y.mean(axis=0)
    return np.linalg.norm(x.T @ y) ** 2 / np.linalg.norm(x.T @ x) / np.linalg.norm(y.T @ y)


def definition(x, y):
    """Song et al. 2012, equation 5, with the kernel matrices written out."""
    n = len(x)
    k, el = x @ x.T, y @ y.T
    np.fill_diagonal(k, 0)
    np.fill_diagonal(el, 0)
    one = np.ones(n)
    middle = (one @ k @ one) * (one @ el @ one) / ((n - 1) * (n - 2))
    return (np.trace(k @ el) + middle - 2 / (n - 2) * (one @ k @ el @ one)) / (n * (n - 3))


def test_the_estimate_is_that_of_song():
    rng = np.random.default_rng(0)
    x = rng.normal(size=(30, 5)) + 3
    y = x[:, :2] ** 2 + rng.normal(size=(30, 2)) - 7
    assert unbiased_hsic(x, y) == pytest.approx(definition(x, y), rel=1e-9)


def test_equal_codes_are_wholly_alike():
    x = np.random.default_rng(1).normal(size=(50, 8))
    assert cka(x, x) == pytest.approx(1)


def test_independent_codes_are_not_alike_though_the_plain_estimate_says_so():
    rng = np.random.default_rng(2)
    pairs = [(rng.normal(size=(64, 128)), rng.normal(size=(64, 128))) for _ in range(40)]
    assert np.mean([cka(x, y) for x, y in pairs]) == pytest.approx(0, abs=0.02)
    assert np.mean([biased_cka(x, y) for x, y in pairs]) == pytest.approx(0.66, abs=0.02)


@settings(max_examples=25, deadline=None)
@given(st.integers(0, 10_000), st.floats(0.01, 100), st.floats(-50, 50))
def test_rotation_scale_and_shift_change_nothing(seed, scale, shift):
    rng = np.random.default_rng(seed)
    x = rng.normal(size=(40, 6))
    y = x @ rng.normal(size=(6, 4)) + rng.normal(size=(40, 4))
    turned = scale * y @ np.linalg.qr(rng.normal(size=(4, 4)))[0] + shift
    assert cka(x, turned) == pytest.approx(cka(x, y), abs=1e-8)
    assert cka(turned, x) == pytest.approx(cka(x, y), abs=1e-8)


def test_codes_in_another_order_are_refused_not_called_unlike():
    x = np.random.default_rng(3).normal(size=(20, 3))
    with pytest.raises(InputError, match="not of the same samples in the same order"):
        linear_cka(x, x, ids(20), ids(20)[::-1])
    with pytest.raises(InputError, match=r"20 and 19 codes"):
        linear_cka(x, x[:19], ids(20), ids(20))
    assert abs(linear_cka(x, np.random.default_rng(4).permutation(x), ids(20), ids(20))) < 0.3


def test_codes_that_never_change_or_are_too_few_are_refused():
    x = np.random.default_rng(5).normal(size=(20, 3))
    with pytest.raises(InputError, match="says the same about all samples"):
        cka(x, np.ones((20, 2)))
    with pytest.raises(InputError, match="at least 4"):
        cka(x[:3], x[:3])


def test_each_participant_is_left_out_once():
    rng = np.random.default_rng(6)
    x, people = rng.normal(size=(30, 4)), np.repeat(["b", "a", "c"], 10)
    y = x + rng.normal(size=x.shape)
    parts = cka_without_each(x, y, ids(30), ids(30), people)
    kept = people != "a"
    assert len(parts) == 3
    assert parts[0] == pytest.approx(cka(x[kept], y[kept]))
