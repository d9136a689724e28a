"""Runs the recipes of docs/recipes.md: `python docs/recipes.py runs/recipes docs/recipes.png`.

It trains what is not in the folder yet, draws the curves, and prints the page's table. Seconds are
those of the whole program, on whatever else the machine did.
"""

from __future__ import annotations

import argparse
import json
import math
import os
import pathlib
import subprocess
import sys
import time

from PIL import Image, ImageDraw, ImageFont

# Rounds that took at most about three minutes each, and flags.
RECIPES = {
    "default": (1200, []),
    "averaged": (1200, ["--ema_half_life_images=10000"]),
    "hinge": (1200, ["--loss=hinge"]),
    "WGAN-GP 1:5": (
        400,
        ["--loss=wasserstein", "--gradient_penalty_weight=10", "--discriminator_steps=5"],
    ),
    "R3GAN": (1200, ["--preset=r3gan"]),
    "conditional": (1200, ["--gan_type=conditional"]),
    "ACGAN": (1200, ["--gan_type=acgan"]),
}
COLOURS = ("#2563eb", "#ea580c", "#16a34a", "#9333ea", "#dc2626", "#0891b2", "#a16207", "#64748b")
SIZE, LEFT, RIGHT, TOP, BOTTOM = (860, 470), 60, 150, 34, 44
FEWEST, MOST, LAST_ROUND = 20.0, 1500.0, 1200  # The axes; distances are on a logarithmic one.
SHARPER = 3  # Times as large as it is drawn, and then made smaller.


def main(arguments: list[str]) -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0], allow_abbrev=False)
    parser.add_argument("folder", type=pathlib.Path, help="where the runs are, or go")
    parser.add_argument("picture", type=pathlib.Path, help="the PNG file of their curves")
    parser.add_argument("--dry_run", action="store_true", help="print the commands, and stop")
    options = parser.parse_args(arguments)
    curves = {}
    for name, (rounds, flags) in RECIPES.items():
        logdir = options.folder / name.lower().replace(" ", "-").replace(":", "-")
        command = ["-m", "examples.mnist_gan.train", f"--logdir={logdir}", *flags]
        command += [f"--max_number_of_steps={rounds}", "--metric_steps=50", "--jit_compile=false"]
        if options.dry_run:
            print("python", *command)
            continue
        if not (logdir / "seconds").exists():
            train(command, logdir)
        curves[name] = distances(logdir)
        print(row(name, rounds, logdir), flush=True)
    if curves:
        draw(curves).save(options.picture, optimize=True)


def train(command: list[str], logdir: pathlib.Path) -> None:
    """Runs the command, and keeps in the run's folder how many seconds it took."""
    start = time.perf_counter()
    subprocess.run([sys.executable, *command], check=True, stdout=subprocess.DEVNULL)
    (logdir / "seconds").write_text(f"{time.perf_counter() - start:.0f}")


def distances(logdir: pathlib.Path) -> dict[int, float]:
    """Returns the Frechet distance by round, from what MetricHook wrote."""
    lines = map(json.loads, (logdir / "metrics.jsonl").read_text().splitlines())
    return {line["step"]: line["frechet_distance"] for line in lines if "frechet_distance" in line}


def row(name: str, rounds: int, logdir: pathlib.Path) -> str:
    """Returns a recipe's line of the page's table."""
    found = json.loads((logdir / "metrics.json").read_text())
    told = found.get("label_accuracy", found.get("code_accuracy"))
    cells = [
        name,
        f"{rounds:,}",
        (logdir / "seconds").read_text(),
        f"{found['frechet_distance']:.0f}",
        f"{found['classifier_score']:.2f}",
        "" if told is None else f"{told:.0%}",
    ]
    return f"| {' | '.join(cells)} |"


def draw(curves: dict[str, dict[int, float]]) -> Image.Image:
    """Draws distances over rounds, with each curve's name at its end."""
    picture = Image.new("RGB", [SHARPER * side for side in SIZE], "white")
    pen, font = ImageDraw.Draw(picture), ImageFont.load_default(13 * SHARPER)

    def x(rounds: float) -> float:
        return SHARPER * (LEFT + (SIZE[0] - LEFT - RIGHT) * rounds / LAST_ROUND)

    def y(distance: float) -> float:
        share = math.log(distance / FEWEST) / math.log(MOST / FEWEST)
        return SHARPER * (SIZE[1] - BOTTOM - (SIZE[1] - TOP - BOTTOM) * min(max(share, 0), 1))

    for distance in (20, 50, 100, 200, 500, 1000):
        pen.line([x(0), y(distance), x(LAST_ROUND), y(distance)], "#dddddd", SHARPER)
        pen.text((x(0) - 8 * SHARPER, y(distance)), str(distance), "#444444", font, anchor="rm")
    for rounds in range(0, LAST_ROUND + 1, 200):
        place = x(rounds), SHARPER * (SIZE[1] - BOTTOM + 6)
        pen.text(place, str(rounds), "#444444", font, anchor="mt")
    middle = x(LAST_ROUND / 2), SHARPER * (SIZE[1] - 6)
    pen.text(middle, "rounds", "#444444", font, anchor="mb")
    pen.text((x(0), SHARPER * 8), "Frechet distance of 1,000 digits", "#222222", font, anchor="lt")

    free = 0.0  # Names go from top to bottom, each below the one before it.
    ends = sorted(curves, key=lambda name: list(curves[name].values())[-1], reverse=True)
    for name in ends:
        colour = COLOURS[list(curves).index(name)]
        points = [(x(step), y(distance)) for step, distance in curves[name].items()]
        pen.line(points, colour, 2 * SHARPER, joint="curve")
        last = points[-1]
        if last[0] < x(LAST_ROUND):  # A shorter run's name is below its end.
            pen.text((last[0], last[1] + 8 * SHARPER), name, colour, font, anchor="mt")
            continue
        height = max(last[1], free)
        free = height + 16 * SHARPER
        pen.text((x(LAST_ROUND) + 8 * SHARPER, height), name, colour, font, anchor="lm")
    return picture.resize(SIZE, Image.Resampling.LANCZOS)


if __name__ == "__main__":
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    main(sys.argv[1:])
