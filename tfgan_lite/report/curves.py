"""Curves as inline SVG: no script, no font, nothing to load."""

from __future__ import annotations

import html
import math
from collections.abc import Mapping, Sequence

import numpy as np

__all__ = ["curve_chart"]

# In units of the drawing, which is as wide as its place in the page: about a phone's pixels.
_WIDTH, _HEIGHT = 400, 230
_LEFT, _RIGHT, _TOP, _BOTTOM = 52, 10, 10, 24
_MOST_POINTS = 200
_COLOURS = ("#2563eb", "#ea580c", "#16a34a", "#9333ea", "#dc2626", "#0891b2", "#a16207", "#64748b")


def curve_chart(title: str, curves: Mapping[str, Mapping[int, float]]) -> str:
    """One chart with a line for each curve, as HTML.

    Where a curve has many points, each drawn one is the mean of its neighbours, and a pale band
    goes from the smallest to the largest of them.

    Args:
      title: above the chart.
      curves: name -> step -> finite value, in the order of steps.
    """
    drawn = {name: _thinned(curve) for name, curve in curves.items() if curve}
    if not drawn:
        return ""
    steps = np.concatenate([each[0] for each in drawn.values()])
    lows = np.concatenate([each[2] for each in drawn.values()])
    highs = np.concatenate([each[3] for each in drawn.values()])
    x_ticks = _ticks(float(steps.min()), float(steps.max()), 4)
    y_ticks = _ticks(float(lows.min()), float(highs.max()), 5)
    x_ends = float(steps.min()), float(max(steps.max(), steps.min() + 1))
    y_ends = min(y_ticks[0], float(lows.min())), max(y_ticks[-1], float(highs.max()))

    def x(values):
        inner = _WIDTH - _LEFT - _RIGHT
        return _LEFT + (np.asarray(values) - x_ends[0]) / (x_ends[1] - x_ends[0]) * inner

    def y(values):
        inner = _HEIGHT - _TOP - _BOTTOM
        return _TOP + (y_ends[1] - np.asarray(values)) / (y_ends[1] - y_ends[0]) * inner

    parts = [
        f'<path class="grid" d="M{_LEFT} {y(tick):.1f}H{_WIDTH - _RIGHT}"/>'
        f'<text x="{_LEFT - 5}" y="{y(tick) + 4:.1f}" text-anchor="end">{_number(tick)}</text>'
        for tick in y_ticks
    ]
    for tick in x_ticks:
        if x_ends[0] <= tick <= x_ends[1]:
            anchor = "end" if x(tick) > _WIDTH - 3 * _RIGHT else "middle"
            place = f'x="{x(tick):.1f}" y="{_HEIGHT - 8}" text-anchor="{anchor}"'
            parts.append(f"<text {place}>{_number(tick)}</text>")
    legend = []
    for index, (name, (at, mean, low, high)) in enumerate(drawn.items()):
        colour = _COLOURS[index % len(_COLOURS)]
        if np.any(high > low):
            band = _path(
                np.concatenate([x(at), x(at)[::-1]]), np.concatenate([y(high), y(low)[::-1]])
            )
            parts.append(f'<path d="{band}Z" fill="{colour}" fill-opacity="0.15"/>')
        if len(at) == 1:
            parts.append(
                f'<circle cx="{x(at)[0]:.1f}" cy="{y(mean)[0]:.1f}" r="3" fill="{colour}"/>'
            )
        else:
            line = _path(x(at), y(mean))
            parts.append(f'<path d="{line}" fill="none" stroke="{colour}" stroke-width="1.6"/>')
        last = list(curves[name].values())[-1]
        legend.append(
            f'<li><i style="background:{colour}"></i>{html.escape(name)}'
            f" <b>{_number(last)}</b></li>"
        )
    return (
        f'<figure class="chart"><figcaption>{html.escape(title)}</figcaption>'
        f'<svg viewBox="0 0 {_WIDTH} {_HEIGHT}" role="img" aria-label="{html.escape(title)}">'
        f"{''.join(parts)}</svg><ul>{''.join(legend)}</ul></figure>"
    )


def _thinned(curve: Mapping[int, float]) -> tuple[np.ndarray, ...]:
    """Steps, means, smallest and largest values of at most 200 groups of neighbours."""
    steps = np.array(list(curve), np.float64)
    values = np.array(list(curve.values()), np.float64)
    groups = np.array_split(np.arange(len(steps)), min(_MOST_POINTS, len(steps)))

    def of_each(function, part):
        return np.array([function(part[group]) for group in groups])

    means = of_each(np.mean, steps), of_each(np.mean, values)
    return *means, of_each(np.min, values), of_each(np.max, values)


def _path(xs: np.ndarray, ys: np.ndarray) -> str:
    return "M" + "L".join(f"{x:.1f} {y:.1f}" for x, y in zip(xs, ys))


def _ticks(low: float, high: float, count: int) -> Sequence[float]:
    """About `count` round numbers from at most `low` to at least `high`."""
    if high <= low:
        room = abs(low) * 0.1 or 1.0
        low, high = low - room, high + room
    rough = (high - low) / count
    unit = 10.0 ** math.floor(math.log10(rough))
    step = next(unit * factor for factor in (1, 2, 5, 10) if unit * factor >= rough * 0.999)
    first, last = math.floor(low / step), math.ceil(high / step)
    return [index * step for index in range(first, last + 1)]


def _number(value: float) -> str:
    if value and (abs(value) >= 1e5 or abs(value) < 1e-3):
        return f"{value:.3g}".replace("e+0", "e").replace("e-0", "e-")
    return f"{value:,.0f}" if abs(value) >= 1e3 else f"{value:.4g}"
