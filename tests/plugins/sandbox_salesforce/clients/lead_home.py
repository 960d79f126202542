"""Leads names of the vendor's to this computer: put in the way of clients as `sitecustomize`."""

from __future__ import annotations

import os
import socket
from typing import Any

_true = socket.getaddrinfo


def _led(host: Any, port: Any, *rest: Any, **more: Any) -> Any:
    if str(host).endswith(".salesforce.com"):
        host, port = "127.0.0.1", int(os.environ["SANDBOX_PORT"])
    return _true(host, port, *rest, **more)


socket.getaddrinfo = _led
