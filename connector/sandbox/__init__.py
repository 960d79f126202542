"""What a CRM that runs on this computer is built upon: requests, answers, a server on loopback.

A sandbox is a `Service` with what the CRM does; `Loopback` lets clients reach it, also with faults.
"""

from __future__ import annotations

from connector.sandbox.loopback import Loopback, loopback_or_problem
from connector.sandbox.wire import Answer, Asked, Break, Endpoint, Router, Service, Silence

__all__ = [
    "Answer",
    "Asked",
    "Break",
    "Endpoint",
    "Loopback",
    "Router",
    "Service",
    "Silence",
    "loopback_or_problem",
]
