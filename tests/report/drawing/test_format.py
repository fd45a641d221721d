"""Numbers as people read them."""

from xgaze.report.drawing import format


def test_numbers_as_people_read_them():
    assert format.count(1137186) == "1,137,186"
    assert (format.times(21.23), format.times(2.86)) == ("21\u00d7", "2.9\u00d7")
    assert (format.size(4552784), format.size(94_300)) == ("4.55 MB", "94 kB")
    assert format.percent(-0.94) == "\u22120.9 %"
    assert (format.number(-0.004, 2), format.percent(-0.04), format.number(-1234.56)) == (
        "0.00",
        "+0.0 %",
        "\u22121,234.6",
    )
    assert (format.score(31.24, "px"), format.score(0.7712, "AUC")) == ("31.2 px", "AUC 0.771")
    assert format.point([412.4, 300.6]) == "(412, 301) px" and format.point("ASD") == "ASD"
    assert format.spread({"mean": 1.25, "low": 0.5, "high": -2}, 2) == "1.25 (0.50 to \u22122.00)"
    assert (format.spread(None), format.spread(0.5, 2)) == ("\u2013", "0.50")
    assert format.spread({"mean": 1.0, "low": None, "high": None}) == "1.0 (not defined)"


def test_an_interval_without_ends_is_not_defined_and_no_evidence():
    nothing = {"unit": "AUC", "mean": 0.8, "low": None, "high": None}
    assert format.interval(nothing) == format.percent_interval(nothing) == format.span(nothing) == "not defined"
    assert not format.excludes_zero(nothing) and format.excludes_zero({"low": 0.1, "high": 2})
    assert format.no_evidence(nothing) == "There is no interval"


def test_losses_of_classes_are_told_in_points():
    loss = {"mean": 1.26, "low": -0.5, "high": 3.0}
    assert format.percent(loss["mean"], "points") == "+1.3 points"
    assert format.percent_interval(loss, "points") == "\u22120.5 to +3.0 points"
    assert format.percent_interval(loss) == "\u22120.5 % to +3.0 %"
    assert (format.worse_unit({}), format.worse_unit({"worse_unit": "points"})) == ("%", "points")
    assert [format.general(one) for one in (12345, 0.12345, -250.04, "x", None)] == [
        "12,345",
        "0.123",
        "\u2212250.0",
        "x",
        "\u2013",
    ]
    assert (format.tiny(1.07), format.tiny(0.1)) == ("1.1", "0.1")
    assert (format.tiny(0), format.tiny(1.7e-7), format.tiny(1e-12)) == ("0", "1.7 × 10⁻⁷", "1.0 × 10⁻¹²")
