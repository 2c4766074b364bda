"""Shows how the time of each stage grows with the number of events. The script runs the `scale` example for tenants of
several sizes, and plots the seconds of each stage over the number of events.

    cargo build --release -p churn-benches --example scale
    python benches/growth.py [--customers 600 6000 60000 600000] [--threads 2] [--repeats 3] [--train-up-to 60000]

The script needs matplotlib. Each customer has seventeen events: ten payments, two tickets and five activities. The
script writes growth.svg next to this file, and prints the medians as a Markdown table. The table contains the slope of
each stage between the smallest and the largest size. A slope of 1 means that the seconds are proportional to the number
of events.
"""

import argparse
import math
import os
import re
import statistics
import subprocess
from pathlib import Path

import matplotlib

matplotlib.use("svg")
matplotlib.rcParams.update({"svg.fonttype": "none", "svg.hashsalt": "growth"})
import matplotlib.pyplot as plt  # noqa: E402

HERE = Path(__file__).resolve().parent
EVENTS = 17
STAGE = re.compile(r"^(validate and build|features at \d+ dates|train|score)(?:, singly)?\s+([\d.]+)", re.MULTILINE)


def seconds(customers: int, threads: int, trains: bool) -> dict[str, float]:
    target = Path(os.environ.get("CARGO_TARGET_DIR", HERE.parent / "target"))
    command = [str(target / "release" / "examples" / "scale"), str(customers), str(threads)]
    command += [] if trains else ["no-train"]
    said = subprocess.run(command, check=True, capture_output=True, text=True).stdout
    return {stage.replace("1 dates", "1 date"): float(figure) for stage, figure in STAGE.findall(said)}


def main() -> None:
    arguments = argparse.ArgumentParser()
    arguments.add_argument("--customers", type=int, nargs="+", default=[600, 6_000, 60_000, 600_000])
    arguments.add_argument("--threads", type=int, default=2)
    arguments.add_argument("--repeats", type=int, default=3)
    arguments.add_argument("--train-up-to", type=int, default=60_000)
    given = arguments.parse_args()
    lines: dict[str, list[tuple[int, float]]] = {}
    for customers in given.customers:
        trains = customers <= given.train_up_to
        runs = [seconds(customers, given.threads, trains) for _ in range(given.repeats)]
        for stage in runs[0]:
            lines.setdefault(stage, []).append((EVENTS * customers, statistics.median(run[stage] for run in runs)))
    sizes = [EVENTS * customers for customers in given.customers]
    print("| stage | " + " | ".join(f"{events:,}".replace(",", " ") for events in sizes) + " | slope |")
    print("|---|" + "---|" * (len(sizes) + 1))
    figure, axes = plt.subplots(figsize=(7, 4.5))
    for stage, points in lines.items():
        axes.loglog(*zip(*points, strict=True), marker="o", label=stage)
        (least, fast), (most, slow) = points[0], points[-1]
        slope = math.log(slow / fast) / math.log(most / least) if fast > 0 else math.nan
        cells = [f"{figure:.3g}" for _, figure in points] + ["" for _ in sizes[len(points) :]]
        print(f"| {stage} | " + " | ".join(cells) + f" | {slope:.2f} |")
    least, most = sizes[0], sizes[-1]
    for power in range(-7, 0):
        axes.loglog([least, most], [least * 10.0**power, most * 10.0**power], color="0.9", linewidth=1, zorder=0)
    axes.set_ylim(1e-3, 3e2)
    axes.set_xlabel("events")
    axes.set_ylabel("seconds")
    axes.legend(frameon=False, fontsize="small")
    axes.set_title("Grey: cost in proportion to events", fontsize="small")
    figure.tight_layout()
    figure.savefig(HERE / "growth.svg", metadata={"Date": None})


if __name__ == "__main__":
    main()
