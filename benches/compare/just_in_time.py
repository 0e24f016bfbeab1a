#!/usr/bin/env python3
"""What a segment made just in time costs at the end of three hours, beside three minutes of the same film.

    just_in_time.py [--check]

Runs the bench `just_in_time` of kinora-packager by criterion and holds the shortest samples against each other.
--check ends with 1 where they differ by more than a tenth.
"""

import argparse
import json
import os
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
# As criterion calls them.
FILMS = {"3": "3 minutes", "180": "3 hours"}
KINDS = ["clear", "cbcs"]
MOST = 0.1


def shortest_us(home, kind, film):
    """Of a hundred samples: what else the machine does only adds to it."""
    sample = json.loads((home / kind / film / "new" / "sample.json").read_text())
    return min(time / count for time, count in zip(sample["times"], sample["iters"])) / 1000


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--check", action="store_true")
    options = parser.parse_args()
    home = ROOT / "target" / "criterion"
    subprocess.run(["cargo", "bench", "--quiet", "--workspace", "--bench", "just_in_time", "--", "--quiet"], cwd=ROOT, check=True,
                   env={**os.environ, "CRITERION_HOME": str(home)}, stdout=subprocess.DEVNULL)
    met = True
    print("| a segment just in time | " + " | ".join(FILMS.values()) + " | ratio | aim | |\n|---|---|---|---|---|---|")
    for kind in KINDS:
        short, long = (shortest_us(home, kind, film) for film in FILMS)
        ratio = long / short
        fits = abs(ratio - 1) <= MOST
        met &= fits
        print(f"| {kind} | {short:.0f} µs | {long:.0f} µs | {ratio:.2f} | {1 - MOST}–{1 + MOST} | "
              f"{'holds' if fits else 'MISSED'} |")
    sys.exit(0 if met or not options.check else 1)


if __name__ == "__main__":
    main()
