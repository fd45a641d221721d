"""Maps beside baselines: orderings and figures that are known beforehand."""

import numpy as np
import pandas as pd
import pytest

from xgaze.evaluation.intervals.participants import mean_interval
from xgaze.evaluation.looking.centre_bias import fit_centre_bias
from xgaze.evaluation.looking.fixation_scores import auc_judd, nss
from xgaze.evaluation.looking.saliency_baselines import blurred_fixations, maps_of_others, uniform
from xgaze.evaluation.looking.saliency_scores import (
    CEILING,
    CENTRE,
    METRICS,
    PER_VIEWER,
    UNIFORM,
    at_fixations,
    scores_on,
    seen_picture,
    summary,
)

SIZE, SIGMA = (80, 60), 4.0


def looks(seed, viewers=5, each=12):
    """People look at one place of the picture's own, and at its middle."""
    rng = np.random.default_rng(seed)
    spot = rng.uniform((12, 10), (68, 50))
    own = [
        np.concatenate([rng.normal(spot, 3, (each, 2)), rng.normal((40, 30), 8, (each // 2, 2))])
        for _ in range(viewers)
    ]
    return {str(k): points.clip(0, (79, 59)) for k, points in enumerate(own)}


@pytest.fixture(scope="module")
def tables():
    pictures = {f"p{seed}": looks(seed) for seed in range(8)}
    bias = fit_centre_bias([np.concatenate(list(looks(seed).values())) / SIZE for seed in range(20, 40)])
    rows, viewings = [], []
    for name, viewers in pictures.items():
        others = np.concatenate([p for other, own in pictures.items() if other != name for p in own.values()])
        seen = seen_picture(name, SIZE, viewers, others, bias.map((60, 80)))
        truth = blurred_fixations(np.concatenate(list(viewers.values())), SIZE, SIGMA)
        maps = {"truth": truth, "inverted": truth.max() - truth, CENTRE: seen.centre, UNIFORM: uniform(SIZE)}
        for store, more in zip((rows, viewings), scores_on(seen, maps, SIGMA), strict=True):
            store += more
    return pd.DataFrame(rows), pd.DataFrame(viewings)


def test_every_map_has_every_score_and_other_people_are_the_ceiling_at_fixations(tables):
    rows, viewings = tables
    assert rows.groupby("model").size().eq(8).all()
    assert rows[rows["model"] != CEILING][list(METRICS)].notna().all().all()
    assert rows[rows["model"] == CEILING][["cc", "sim", "kl"]].isna().all().all()
    assert viewings.groupby(["model", "picture"]).size().eq(5).all()


def test_truth_is_above_people_above_the_centre_bias_above_uniform(tables):
    rows, _ = tables
    means = rows.groupby("model")[["auc_judd", "shuffled_auc", "nss", "information_gain"]].mean()
    for metric in ("auc_judd", "shuffled_auc", "nss"):
        ordered = means[metric][["truth", CEILING, CENTRE, "inverted"]]
        assert ordered.is_monotonic_decreasing, metric
    assert np.allclose(rows[rows["model"] == UNIFORM][["auc_judd", "shuffled_auc", "nss"]], (0.5, 0.5, 0))
    assert means.loc[CENTRE, "shuffled_auc"] == pytest.approx(0.5, abs=0.08)
    assert np.allclose(rows[rows["model"] == CENTRE]["information_gain"], 0)
    truth = rows[rows["model"] == "truth"]
    assert np.allclose(truth[["cc", "sim"]], 1) and np.allclose(truth["kl"], 0, atol=1e-9)


def test_scores_are_those_of_the_single_metrics(tables):
    rows, viewings = tables
    viewers = looks(3)
    everyone = np.concatenate(list(viewers.values()))
    truth = blurred_fixations(everyone, SIZE, SIGMA)
    row = rows[(rows["model"] == "truth") & (rows["picture"] == "p3")].iloc[0]
    assert row["nss"] == pytest.approx(nss(truth, everyone)) and row["auc_judd"] == pytest.approx(
        auc_judd(truth, everyone)
    )
    ceiling = viewings[(viewings["model"] == CEILING) & (viewings["picture"] == "p3")]
    expected = [nss(others, viewers[str(k)]) for k, others in maps_of_others(list(viewers.values()), SIZE, SIGMA)]
    assert np.allclose(ceiling["nss"], expected)
    assert rows[(rows["model"] == CEILING) & (rows["picture"] == "p3")]["nss"].item() == pytest.approx(
        np.mean(expected)
    )


def test_scores_per_viewer_are_shares_of_the_score_over_all_fixations():
    viewers = looks(0, each=10)
    seen = seen_picture("p", SIZE, viewers, looks(1)["0"], fit_centre_bias([looks(1)["0"] / SIZE], 0.1).map((60, 80)))
    values = np.random.default_rng(0).random((60, 80))
    whole = at_fixations(values, np.concatenate(list(viewers.values())), seen)
    each = [at_fixations(values, own, seen, PER_VIEWER) for own in viewers.values()]
    for metric in PER_VIEWER:  # every viewer has as many fixations here
        assert np.mean([one[metric] for one in each]) == pytest.approx(whole[metric])


def test_the_summary_pairs_by_picture_and_by_viewing(tables):
    rows, viewings = tables
    told = summary(rows, viewings, [("truth", CENTRE)])
    (nss_difference,) = [one for one in told["differences"] if one["metric"] == "nss"]
    wide = rows.pivot_table(index="picture", columns="model", values="nss")
    expected = mean_interval(wide["truth"] - wide[CENTRE], wide.index)
    assert nss_difference["over_pictures"] == {"mean": expected.mean, "low": expected.low, "high": expected.high}
    assert nss_difference["over_pictures"]["low"] > 0 and nss_difference["over_viewers"]["low"] > 0
    assert (
        told["scores"]["truth"]["cc"]["over_viewers"] is None and told["scores"][CEILING]["cc"]["over_pictures"] is None
    )


def test_one_picture_has_a_mean_but_no_interval(tables):
    rows, viewings = (one[one["picture"] == "p1"] for one in tables)
    found = summary(rows, viewings, [])["scores"]["truth"]["nss"]
    assert found["over_pictures"]["low"] is None and found["over_viewers"]["low"] is not None


def test_fixations_outside_do_not_count_and_a_picture_nobody_saw_is_refused():
    seen = seen_picture("p", SIZE, {"a": [[-1, 5], [5, 5]], "b": [[90, 5]]}, [[200, 1], [3, 3]], np.ones((60, 80)))
    assert list(seen.viewers) == ["a"] and len(seen.viewers["a"]) == len(seen.elsewhere) == 1
    with pytest.raises(ValueError, match="nobody looked"):
        seen_picture("p", SIZE, {"b": [[90, 5]]}, [], np.ones((60, 80)))


def test_a_picture_alone_has_no_shuffled_area_and_no_interval():
    """Nobody looked elsewhere, so that there is nothing to shuffle with; all other scores are those of one picture."""
    seen = seen_picture("only", SIZE, looks(0), np.zeros((0, 2)), uniform(SIZE))
    rows, viewings = (pd.DataFrame(one) for one in scores_on(seen, {CENTRE: seen.centre}, SIGMA))
    found = summary(rows, viewings, [(CEILING, CENTRE)])
    assert found["scores"][CENTRE]["shuffled_auc"] == {"over_pictures": None, "over_viewers": None}
    assert found["scores"][CENTRE]["nss"]["over_pictures"] == {"mean": 0.0, "low": None, "high": None}
    assert found["differences"][1]["metric"] == "shuffled_auc" and found["differences"][1]["over_pictures"] is None


def test_two_pictures_say_little_but_no_area_beyond_0_and_1(tables):
    rows, viewings = tables
    rows = rows[(rows["model"] == CENTRE) & rows["picture"].isin(["p0", "p1"])].assign(auc_judd=[0.95, 0.6])
    areas = summary(rows, viewings, [])["scores"][CENTRE]["auc_judd"]["over_pictures"]
    assert areas == {"mean": pytest.approx(0.775), "low": 0.0, "high": 1.0}
