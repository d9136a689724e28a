"""`write_report`: what a run's folder holds, as one HTML file that needs nothing else."""

from __future__ import annotations

import html
import os
import pathlib

from absl import logging

from tfgan_lite.replaced_file import replaced_file
from tfgan_lite.report import sections
from tfgan_lite.report.events import Events, read_events
from tfgan_lite.report.pictures import inline_picture, progress_gif
from tfgan_lite.train.run_facts import RUN_FILE

__all__ = ["write_report"]

_STYLE = """
:root { color-scheme: light dark; --line: #8884; --soft: #8882; }
* { box-sizing: border-box; }
body { font: 15px/1.5 system-ui, sans-serif; margin: 0 auto; padding: 1rem; max-width: 75rem; }
h1 { font-size: 1.5rem; overflow-wrap: anywhere; margin: 0; }
h2 { font-size: 1.2rem; border-bottom: 1px solid var(--line); margin: 2rem 0 1rem; }
h3 { font-size: 1rem; margin: 1rem 0 0.5rem; overflow-wrap: anywhere; }
figure { margin: 0; }
figcaption { font-size: 0.85rem; overflow-wrap: anywhere; }
.charts, .pictures { display: grid; gap: 1.25rem; }
.charts { grid-template-columns: repeat(auto-fill, minmax(min(100%, 21rem), 1fr)); }
.pictures { grid-template-columns: repeat(auto-fill, minmax(min(100%, 15rem), 1fr)); }
.pictures + .pictures { margin-top: 1.25rem; }
.chart figcaption { font-weight: 600; }
.chart svg { width: 100%; height: auto; display: block; }
.chart text { font-size: 11px; fill: currentColor; opacity: 0.75; }
.chart .grid { stroke: var(--line); stroke-width: 1; }
.chart ul { list-style: none; margin: 0; padding: 0; font-size: 0.8rem; overflow-wrap: anywhere; }
.chart i { display: inline-block; width: 0.8em; height: 0.8em; margin-right: 0.4em; }
.picture img { width: 100%; image-rendering: pixelated; display: block; }
table { border-collapse: collapse; width: 100%; font-size: 0.9rem; }
th, td { text-align: left; vertical-align: top; padding: 0.2rem 0.6rem 0.2rem 0; }
th, td { border-bottom: 1px solid var(--soft); overflow-wrap: anywhere; }
th { font-weight: 600; width: 42%; }
.good, .bad { padding: 0.6rem 0.8rem; border-left: 4px solid #16a34a; background: var(--soft); }
.bad { border-color: #dc2626; }
summary { cursor: pointer; margin: 0.4rem 0; }
"""


def write_report(
    logdir: str | os.PathLike[str],
    output: str | os.PathLike[str] | None = None,
    gif: bool = True,
) -> pathlib.Path:
    """Writes a run's report.

    Args:
      logdir: the run's folder.
      output: the HTML file; `report.html` in the folder by default. `progress.gif`, where pictures
        were drawn while training went on, is written beside it.
      gif: whether to make the GIF, for which Pillow is needed; without it, it is left out.

    Returns:
      The HTML file, which appears whole or not at all.

    Raises:
      ValueError: the folder is not there, or holds no run.

    Example:
      >>> from tfgan_lite.report import write_report
      >>> with tf.summary.create_file_writer("reported").as_default():
      ...     for step in range(3):
      ...         _ = tf.summary.scalar("generator_loss", 1.0 / (step + 1), step)
      >>> str(write_report("reported"))
      'reported/report.html'
    """
    logdir = pathlib.Path(logdir)
    if not logdir.is_dir():
        raise ValueError(f"{logdir} is not a folder: name the logdir of a run.")
    events = read_events(logdir)
    facts = sections.read_json(logdir / RUN_FILE)
    if not (events.scalars or events.pictures or facts):
        raise ValueError(
            f"{logdir} holds no run: neither event files nor {RUN_FILE}. Name the logdir that"
            " gan_train wrote to."
        )
    output = pathlib.Path(output or logdir / "report.html")
    animation = _animation(events, output.with_name("progress.gif")) if gif else ""
    with replaced_file(output) as file:
        file.write(_page(logdir, events, facts, animation).encode())
    return output


def _page(logdir: pathlib.Path, events: Events, facts: dict, animation: str) -> str:
    looks = sections.looks_of(logdir)
    lines = sections.run_lines(facts)
    configuration = sections.facts_table(sections.read_json(logdir / "config.json"))
    checked = sections.facts_table(sections.read_json(logdir / "configuration.json"))
    if checked:  # Every variable's shape and every optimizer's setting: a long list.
        configuration += sections.folded("What a resumed run is checked against", checked)
    versions = facts.get("versions") or {}
    environment = {**versions, **{k: facts[k] for k in ("machine", "devices") if k in facts}}
    last = max((step for curve in events.scalars.values() for step in curve), default=None)
    told = f"The last curve ends at round {last:,}." if last is not None else ""
    charts = sections.curves(events)
    if charts:
        charts = "<p>Over rounds; the number beside a name is its last value.</p>" + charts
    parts = [
        ("", sections.verdict(looks)),
        ("Run", sections.facts_table(lines)),
        ("Metrics", sections.metrics(logdir, looks)),
        ("Curves", charts),
        ("Samples over time", sections.pictures_in_time(events) + animation),
        ("Interpolation", sections.still_pictures(logdir, "interpolation*.png")),
        ("Pictures", sections.still_pictures(logdir, "*.png", without="interpolation*")),
        ("Configuration", configuration),
        ("Environment", sections.facts_table(environment)),
    ]
    body = "".join(
        (f"<h2>{title}</h2>" if title else "") + content for title, content in parts if content
    )
    name = html.escape(logdir.resolve().name)
    return (
        '<!doctype html>\n<html lang="en"><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        f"<title>{name}</title><style>{_STYLE}</style></head>"
        f"<body><h1>{name}</h1><p>{told}</p>{body}</body></html>\n"
    )


def _animation(events: Events, path: pathlib.Path) -> str:
    """Writes the GIF of the pictures that there are most of, and gives it for the page."""
    series = max(events.pictures.values(), key=len, default={})
    if len(series) < 2:
        return ""
    try:
        content = progress_gif(series)
    except (ImportError, ValueError) as error:
        logging.warning("No GIF of training: %s", error)
        return f"<p>{html.escape(str(error))}</p>"
    with replaced_file(path) as file:
        file.write(content)
    steps = list(series)
    caption = f"progress.gif: round {steps[0]:,} to {steps[-1]:,}"
    return f'<div class="pictures">{inline_picture(content, caption, "gif")}</div>'
