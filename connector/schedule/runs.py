"""Runs jobs in processes of their own: memory goes back, and stopping one is safe."""

from __future__ import annotations

import json
import logging
import subprocess
import sys
import threading
import time
from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any, Final

from connector.schedule.folder import Scheduled
from connector.schedule.metrics import Metrics
from connector.schedule.watch import Watch

logger = logging.getLogger(__name__)

_GRACE: Final = 3.0
"""Seconds that runs have to let go of their files before they are killed; both are safe."""
_LEVELS: Final = {
    "done": logging.INFO,
    "busy": logging.INFO,
    "partial": logging.WARNING,
    "waiting": logging.WARNING,
}


class Runs:
    """The runs under way, at most *parallel* at a time; a job never has two."""

    def __init__(
        self, parallel: int, watch: Watch | None = None, metrics: Metrics | None = None
    ) -> None:
        self._watch = watch or Watch()
        self._metrics = metrics
        self._pool = ThreadPoolExecutor(parallel, thread_name_prefix="run")
        self._lock = threading.Lock()
        self._jobs: set[Path] = set()
        self._children: set[subprocess.Popen[str]] = set()
        self._stopping = False

    def start(self, job: Scheduled, times: int = 1) -> bool:
        """Run *job* so many times, one after the other; return False if it is under way."""
        with self._lock:
            if job.path in self._jobs or self._stopping:
                return False
            self._jobs.add(job.path)
        self._pool.submit(self._run, job, times)
        return True

    def stop(self) -> None:
        """End the runs under way, so that the next start takes them up; begin no other."""
        with self._lock:
            self._stopping = True
            children = list(self._children)
        for child in children:
            child.terminate()
        killing = threading.Timer(_GRACE, _kill, [children])
        killing.start()
        self._pool.shutdown(cancel_futures=True)
        killing.cancel()

    def _run(self, job: Scheduled, times: int) -> None:
        try:
            for _ in range(times):
                if self._once(job) in ("busy", "cut off"):
                    return
        # The thread's future is never asked: what is not logged here would be lost.
        except Exception:
            logger.exception("job %s: the run can't be started", job.name)
            self._watch.ends(job.path, "failed")
        finally:
            with self._lock:
                self._jobs.discard(job.path)

    def _once(self, job: Scheduled) -> str:
        """Run *job* to its end in a process; return the state that it ended in."""
        with self._lock:
            if self._stopping:
                return "cut off"
            child = subprocess.Popen(  # noqa: S603 - our own interpreter and module
                [
                    *(sys.executable, "-P", "-m", "connector.schedule.child"),
                    *(str(job.path), str(logger.getEffectiveLevel())),
                ],
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                encoding="utf-8",
            )
            self._children.add(child)
        self._watch.begins(job.path)
        begun = time.monotonic()
        logger.info("job %s: running in process %d", job.name, child.pid)
        try:
            ended = self._listen(child, job)
        finally:
            with self._lock:
                self._children.discard(child)
        state = self._ended(job, ended, child.returncode)
        if not self._stopping:
            self._watch.ends(job.path, state)
            if self._metrics is not None:
                seconds = time.monotonic() - begun
                self._metrics.ended(job.name, state, seconds, ended.get("figures", {}))
        return state

    def _listen(self, child: subprocess.Popen[str], job: Scheduled) -> dict[str, Any]:
        """Log what the run logs; return what it says at its end."""
        ended: dict[str, Any] = {}
        with child:
            for line in child.stdout or ():
                try:
                    said = json.loads(line)
                except ValueError:
                    said = None
                if not isinstance(said, dict):
                    logger.debug("job %s: %s", job.name, line.rstrip())
                elif "state" in said:
                    ended = said
                else:
                    logging.getLogger(said["logger"]).log(
                        said["level"],
                        "job %s: %s",
                        job.name,
                        said["message"],
                        extra={"job": job.name, **said.get("about", {})},
                    )
        return ended

    def _ended(self, job: Scheduled, ended: dict[str, Any], code: int | None) -> str:
        state = str(ended.get("state", "cut off"))
        if state == "busy":
            logger.info("job %s: skipped, %s", job.name, ended["message"])
        elif ended:
            level = _LEVELS.get(state, logging.ERROR)
            logger.log(level, "job %s: %s, %s", job.name, state, ended["message"])
        elif self._stopping:
            logger.info("job %s: stopped on the way; the next start takes it up", job.name)
        else:
            logger.error(
                "job %s: ended without a result (exit code %s); its next time takes the run up",
                job.name,
                code,
            )
        return state


def _kill(children: Iterable[subprocess.Popen[str]]) -> None:
    for child in children:
        child.kill()
