"""`python -m tests.soak --seeds 200 --runs 60`: as long a simulation as one likes."""

from __future__ import annotations

import argparse
import sys
import time
from pathlib import Path
from tempfile import TemporaryDirectory

from tests.soak.life import Life, Tally, cheap

ARGUMENTS = argparse.ArgumentParser(prog="python -m tests.soak", description=__doc__)
ARGUMENTS.add_argument("--seeds", type=int, default=50, help="companies to simulate")
ARGUMENTS.add_argument("--first", type=int, default=0, help="the first seed")
ARGUMENTS.add_argument("--runs", type=int, default=60, help="runs of each, within 60 days")


def main() -> None:
    """Simulate; print what happened, and stop at the first seed that differs."""
    asked = ARGUMENTS.parse_args()
    total, begun = Tally(), time.perf_counter()
    with cheap() as death:
        for seed in range(asked.first, asked.first + asked.seeds):
            with TemporaryDirectory() as folder:
                try:
                    total += Life(Path(folder), seed, death).live(asked.runs)
                except BaseException:
                    sys.stderr.write(f"seed {seed}\n")
                    raise
            seconds = time.perf_counter() - begun
            sys.stdout.write(f"seed {seed}: {seconds:.0f} s; {total}\n")


if __name__ == "__main__":
    main()
