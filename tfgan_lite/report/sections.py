"""The parts of the page, each from what the run's folder holds."""

from __future__ import annotations

import html
import json
import pathlib
import re
from collections.abc import Mapping
from typing import Any

from tfgan_lite.eval.periodic_look import JSONL
from tfgan_lite.report.curves import curve_chart
from tfgan_lite.report.events import Events
from tfgan_lite.report.pictures import evenly, inline_picture
from tfgan_lite.train.run_facts import shown_facts

__all__ = [
    "curves",
    "facts_table",
    "folded",
    "looks_of",
    "metrics",
    "pictures_in_time",
    "read_json",
    "run_lines",
    "still_pictures",
    "verdict",
]

_PICTURES_IN_TIME = 8
_LARGEST_PICTURE = 5_000_000  # Bytes.
_BY_VARIABLE = "Gradient norms by variable"
_OF_A_NETWORK = re.compile(r"(generator|discriminator)(_\w2\w)?_gradient_norm")


def read_json(path: pathlib.Path) -> dict[str, Any]:
    """A file's object; nothing where there is no such file, or it is damaged."""
    try:
        found = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    return found if isinstance(found, dict) else {}


def looks_of(logdir: pathlib.Path) -> list[dict[str, Any]]:
    """What the hooks that look at the generator now and then wrote down."""
    try:
        lines = (logdir / JSONL).read_text(encoding="utf-8").splitlines()
    except OSError:
        return []
    looks = []
    for line in lines:
        try:
            looks.append(json.loads(line))
        except ValueError:  # The last line of a run that is being written.
            continue
    return [look for look in looks if isinstance(look, dict)]


def curves(events: Events) -> str:
    """A chart of both losses, and one for each further group of curves."""
    groups: dict[str, dict[str, Any]] = {}
    for tag, curve in events.scalars.items():
        groups.setdefault(_group(tag), {})[tag] = curve
    scores = {_group(tag) for tag in events.scalars if tag.startswith(_METRICS)}
    ranks = [*_ORDER[:2], *sorted(scores), *_ORDER[2:]]  # What is best looked at first.
    order = [name for name in dict.fromkeys(ranks) if name in groups]
    order += sorted(set(groups) - set(order))
    details = {
        _BY_VARIABLE: [name for name in order if name == _BY_VARIABLE],
        "Diagnostics": [name for name in order if name.startswith("diagnostics/")],
    }
    hidden = [name for names in details.values() for name in names]
    charts = [_charts(groups, [name for name in order if name not in hidden])]
    charts += [folded(title, _charts(groups, names)) for title, names in details.items() if names]
    lost = [f"{html.escape(tag)} ({n})" for tag, n in sorted(events.not_finite.items())]
    if lost:
        charts.append(f'<p class="bad">NaN or infinity was reported by {", ".join(lost)}.</p>')
    return "".join(charts)


def folded(title: str, content: str) -> str:
    """What is seen once its title is clicked."""
    return f"<details><summary>{html.escape(title)}</summary>{content}</details>"


def _charts(groups: Mapping[str, Mapping[str, Any]], names: list[str]) -> str:
    drawn = "".join(curve_chart(name, groups[name]) for name in names)
    return f'<div class="charts">{drawn}</div>' if drawn else ""


_METRICS = "metrics/"
_ORDER = ("Losses", "Accuracy", "Generator's loss", "Discriminator's loss", "Gradient norms")


def _group(tag: str) -> str:
    if tag.startswith("speed/"):
        return tag.removeprefix("speed/").replace("_", " ").capitalize()
    if tag.startswith(_METRICS):
        return tag.removeprefix(_METRICS).replace("_", " ").capitalize()
    if tag.startswith("diagnostics/"):
        return tag.replace("_", " ")
    if tag.endswith("_accuracy"):
        return "Accuracy"
    if tag.endswith("_loss"):
        return "Losses"
    if tag.endswith("_gradient_norm"):
        return "Gradient norms" if _OF_A_NETWORK.fullmatch(tag) else _BY_VARIABLE
    head, slash, _ = tag.partition("/")
    if slash and head.endswith("_loss"):
        return f"{head.removesuffix('_loss').replace('_', ' ').capitalize()}'s loss"
    return head.replace("_", " ").capitalize()


def pictures_in_time(events: Events) -> str:
    """For each kind of picture that was drawn again and again, some of them."""
    parts = []
    for tag, by_step in events.pictures.items():
        chosen = evenly(list(by_step.items()), _PICTURES_IN_TIME)
        shown = "".join(inline_picture(content, f"round {step:,}") for step, content in chosen)
        parts.append(f'<h3>{html.escape(tag)}</h3><div class="pictures">{shown}</div>')
    return "".join(parts)


def still_pictures(logdir: pathlib.Path, pattern: str, without: str = "") -> str:
    """The PNG files of the folder whose names fit one pattern and do not fit another.

    Those that would make the page too large are named only.
    """
    paths = sorted(logdir.glob(pattern))
    if without:
        paths = [path for path in paths if not path.match(without)]
    large = [path.name for path in paths if path.stat().st_size > _LARGEST_PICTURE]
    shown = "".join(
        inline_picture(path.read_bytes(), path.stem) for path in paths if path.name not in large
    )
    parts = [f'<div class="pictures">{shown}</div>'] if shown else []
    if large:
        limit = f"{_LARGEST_PICTURE // 10**6} MB"
        parts.append(f"<p>Not shown, above {limit}: {html.escape(', '.join(large))}.</p>")
    return "".join(parts)


def verdict(looks: list[dict[str, Any]]) -> str:
    """The last sentence of a DiagnosticsHook."""
    told = [look for look in looks if look.get("verdict")]
    if not told:
        return ""
    sentence, step = str(told[-1]["verdict"]), told[-1].get("step", "?")
    kind = "good" if told[-1].get("healthy") else "bad"
    return f'<p class="{kind}">{html.escape(sentence)} <small>(round {step})</small></p>'


def metrics(logdir: pathlib.Path, looks: list[dict[str, Any]]) -> str:
    """The last scores of each source: what was computed, how sure it is, and by which protocol."""
    parts = []
    scored = [look for look in looks if "protocol" in look]
    if scored:
        known = {"step", "seconds", "protocol", "standard_errors", "kept", "verdict"}
        values = {k: v for k, v in scored[-1].items() if k not in known}
        parts.append(
            _scores(
                f"While training, round {scored[-1].get('step', '?')}",
                values,
                scored[-1].get("standard_errors") or {},
                scored[-1]["protocol"],
            )
        )
    for path in [logdir / "metrics.json", *sorted(logdir.glob("eval-*.json"))]:
        found = read_json(path)
        if not found:
            continue
        values = found.get("values")
        if isinstance(values, dict):
            protocol = found.get("protocol") or {}
            errors = found.get("standard_errors") or {}
        else:  # A program's own scores: numbers first, all else is how they were made.
            values = {k: v for k, v in found.items() if isinstance(v, float)}
            protocol = {k: v for k, v in found.items() if k not in values}
            errors = {}
        parts.append(_scores(path.name, values, errors, protocol))
    return "".join(parts)


def _scores(
    title: str, values: Mapping[str, Any], errors: Mapping[str, Any], protocol: Mapping[str, Any]
) -> str:
    rows = "".join(
        f"<tr><th>{html.escape(str(name))}</th><td>{_shown(value)}"
        + (f" <small>± {_shown(errors[name], 2)}</small>" if name in errors else "")
        + "</td></tr>"
        for name, value in values.items()
    )
    return f"<h3>{html.escape(title)}</h3><table>{rows}</table>" + folded(
        "Protocol", facts_table(protocol)
    )


def facts_table(facts: Mapping[str, Any]) -> str:
    """Names and values, one beneath the other; what is in a value is told as a.b."""
    rows = "".join(
        f"<tr><th>{html.escape(name)}</th><td>{html.escape(value)}</td></tr>"
        for name, value in _flat("", facts)
    )
    return f"<table>{rows}</table>" if rows else ""


def run_lines(facts: dict[str, Any]) -> dict[str, str]:
    """What `run.json` says, in the words of the console's header."""
    try:
        return shown_facts(facts)
    except (KeyError, TypeError, AttributeError):  # Written by another version.
        return {}


def _flat(place: str, value: Any) -> list[tuple[str, str]]:
    if isinstance(value, Mapping):
        return [
            pair
            for key, each in value.items()
            for pair in _flat(f"{place}.{key}" if place else str(key), each)
        ]
    if isinstance(value, list) and all(isinstance(x, (int, float, str)) for x in value):
        return [(place, ", ".join(map(str, value)))]
    return [(place, value if isinstance(value, str) else json.dumps(value))]


def _shown(value: Any, digits: int = 5) -> str:
    is_number = isinstance(value, (int, float)) and not isinstance(value, bool)
    return f"{value:.{digits}g}" if is_number else html.escape(str(value))
