"""A job never runs twice at once, and a dead process holds nothing."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from connector import BusyError
from connector.lease import lease
from connector.store import Store

HOLDS = """
import sys
from connector.lease import lease
from connector.store import Store
with lease(Store(sys.argv[1]), "northwind", 1):
    print("held", flush=True)
    sys.stdin.read()
"""


@contextmanager
def held_by_another_process(url: str) -> Iterator[subprocess.Popen[str]]:
    command = [sys.executable, "-c", HOLDS, url]
    pipe = subprocess.PIPE
    with subprocess.Popen(command, stdin=pipe, stdout=pipe, text=True) as other:
        assert other.stdout is not None
        assert other.stdout.readline() == "held\n"
        yield other
        if other.poll() is None:
            other.communicate("")


@pytest.mark.long
def test_a_job_that_runs_in_another_process_is_refused_until_that_dies(
    store: Store, store_url: str
) -> None:
    with held_by_another_process(store_url) as other:
        with pytest.raises(BusyError) as caught, lease(store, "northwind", 1):
            pass
        other.kill()
        other.wait()

        assert f"job 'northwind' is already running (process {other.pid} on " in str(caught.value)
        assert "UTC); wait until it ends" in str(caught.value)
        with lease(store, "northwind", 1):
            pass


def test_a_job_is_refused_within_one_process_too(store: Store, store_url: str) -> None:
    with (
        lease(store, "northwind", 1),
        pytest.raises(BusyError, match=rf"process {os.getpid()} on"),
        lease(Store(store_url), "northwind", 1),
    ):
        pass


def test_another_job_is_free(store: Store) -> None:
    with lease(store, "northwind", 1), lease(store, "maven", 2):
        pass


def test_a_job_that_failed_is_free_again(store: Store) -> None:
    with pytest.raises(ZeroDivisionError), lease(store, "northwind", 1):
        raise ZeroDivisionError

    with lease(store, "northwind", 1):
        pass
