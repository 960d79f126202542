"""Runs one measured step in a process of its own and says what it took."""

from __future__ import annotations

import json
import resource
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path


@dataclass(frozen=True, slots=True)
class Figures:
    """Seconds of wall clock and of CPU, and the peak of resident memory in MB."""

    wall: float
    cpu: float
    peak_mb: float
    stages: dict[str, float]
    """CPU seconds of the parts, where the step has parts."""
    result: int
    """A count that two ways of doing one thing must agree on."""


def in_child(step: str, folder: Path, module: str = "benchmarks.steps") -> Figures:
    """Run *module* for *step* in a child process and return its figures."""
    done = subprocess.run(
        [sys.executable, "-m", module, step, str(folder)],
        check=True,
        stdout=subprocess.PIPE,
        text=True,
    )
    return Figures(**json.loads(done.stdout.splitlines()[-1]))


def measured(step: Callable[[dict[str, float]], int]) -> None:
    """Run *step*, which fills in the CPU seconds of its parts, and print its figures as JSON."""
    stages: dict[str, float] = {}
    wall, cpu = time.perf_counter(), time.process_time()
    result = step(stages)
    figures = Figures(
        wall=time.perf_counter() - wall,
        cpu=time.process_time() - cpu,
        peak_mb=resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024,
        stages=stages,
        result=result,
    )
    print(json.dumps(asdict(figures)))
