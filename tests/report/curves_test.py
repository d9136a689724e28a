"""Curves as inline SVG."""

import re
import xml.etree.ElementTree

import numpy as np
import pytest

from tfgan_lite.report.curves import curve_chart


def drawing(chart):
    """The SVG, parsed: so it is well-formed."""
    return xml.etree.ElementTree.fromstring(re.search(r"<svg.*</svg>", chart)[0])


def line_of(chart):
    """The points of the first curve."""
    (path,) = re.findall(r'<path d="M([^"]*)" fill="none"', chart)
    return np.array([[float(x) for x in point.split()] for point in path.split("L")])


def labels(chart):
    return [element.text for element in drawing(chart).iter("text")]


def test_a_straight_line_is_drawn_straight_and_upwards():
    points = line_of(curve_chart("loss", {"a": {step: float(step) for step in range(0, 101, 10)}}))
    across, up = np.diff(points[:, 0]), np.diff(points[:, 1])
    assert np.ptp(across) < 0.2 and across.min() > 0
    assert np.ptp(up) < 0.2 and up.max() < 0  # The y axis of a drawing points down.


def test_the_axes_have_round_numbers_that_enclose_the_curve():
    assert labels(curve_chart("loss", {"a": {0: 0.13, 100: 0.87}})) == [
        *("0", "0.2", "0.4", "0.6", "0.8", "1"),
        *("0", "50", "100"),
    ]


def test_large_numbers_are_written_as_people_write_them():
    chart = curve_chart("images per second", {"speed": {0: 0.0, 20_000: 27_570.4}})
    assert labels(chart) == [
        *("0", "10,000", "20,000", "30,000"),
        *("0", "5,000", "10,000", "15,000", "20,000"),
    ]
    assert "<b>27,570</b>" in chart


def test_many_points_are_thinned_to_their_means_with_a_band_of_all():
    noisy = {step: (-1.0) ** step for step in range(10_000)}
    chart = curve_chart("loss", {"a": noisy})
    points = line_of(chart)
    assert len(points) == 200 and np.ptp(points[:, 1]) < 0.2
    assert 'fill-opacity="0.15"' in chart
    assert len(chart) < 20_000


@pytest.mark.parametrize("curve", [{5: 1.0}, {0: 2.0, 10: 2.0}, {0: 0.0, 1: 0.0}])
def test_a_point_and_a_constant_are_drawn_too(curve):
    chart = curve_chart("loss", {"a": curve})
    assert "nan" not in chart and "inf" not in chart
    drawing(chart)


def test_names_are_escaped():
    chart = curve_chart("<b>", {"<script>": {0: 1.0}})
    assert "<script>" not in chart and "&lt;script&gt;" in chart and "<b>&" not in chart


def test_nothing_to_draw_is_nothing():
    assert curve_chart("loss", {"a": {}}) == ""
