"""Ratios of interleaved runs, and the tables they are shown in."""

import os
import subprocess
from datetime import datetime, timezone
from pathlib import Path
from statistics import median


def ratio(theirs, ours):
    """How many times as much the peer took: the median over pairs, with the least and the most.

    Pairs ran one after the other, so what the machine did beside them touched both alike.
    """
    if len(theirs) != len(ours) or not ours:
        raise ValueError(f"{len(theirs)} and {len(ours)} runs make no pairs")
    pairs = sorted(their / our for their, our in zip(theirs, ours))
    return {"median": median(pairs), "least": pairs[0], "most": pairs[-1]}


def change(after, before):
    """By how many percent `after` is more than `before`."""
    return 100 * after / before - 100


def list_speedup(lengths, workers):
    """How many times as soon a list is done by so many workers who each take the next when free, as by one:
    what no worker can make good where the last take longer than others wait."""
    free = [0] * workers
    for length in lengths:
        free[free.index(min(free))] += length
    return sum(lengths) / max(free)


def result(what, value, aim, holds, detail=""):
    """A line of the summary; `holds` is None where nothing was aimed at."""
    return {"what": what, "value": value, "aim": aim, "holds": holds, "detail": detail}


def conditions(binary):
    """When, on what, beside how much else, and which build: what a table must say about its numbers."""
    said = dict(line.split(":", 1) for line in Path("/proc/cpuinfo").read_text().splitlines() if ":" in line)
    named = next((value.strip() for key, value in said.items() if key.strip() == "model name"), "unknown processor")
    git = subprocess.run(["git", "describe", "--always", "--dirty"], cwd=Path(__file__).parent, capture_output=True, text=True)
    load = ", ".join(f"{value:.1f}" for value in os.getloadavg())
    built = datetime.fromtimestamp(binary.stat().st_mtime, timezone.utc)
    return (f"{datetime.now(timezone.utc):%d %B %Y %H:%M} UTC; {named}, {os.cpu_count()} cores; load {load}; "
            f"tree {git.stdout.strip() or 'unknown'}, {binary.name} built {built:%d %B %H:%M} UTC")


def summary(results):
    verdict = {True: "holds", False: "MISSED", None: ""}
    rows = [[r["what"], r["value"], r["aim"], verdict[r["holds"]], r["detail"]] for r in results]
    return render(["what", "measured", "aim", "", "how"], rows)


def render(head, rows):
    """A Markdown table whose columns also line up for the eye."""
    lines = [[str(cell) for cell in line] for line in [head, *rows]]
    widths = [max(len(line[i]) for line in lines) for i in range(len(head))]
    shown = ["| " + " | ".join(cell.ljust(width) for cell, width in zip(line, widths)) + " |" for line in lines]
    shown.insert(1, "|" + "|".join("-" * (width + 2) for width in widths) + "|")
    return "\n".join(shown)


def times(pairs):
    """A ratio for people."""
    return f"{pairs['median']:.2f}×"


def spread(pairs):
    return f"{pairs['least']:.2f}–{pairs['most']:.2f}"
