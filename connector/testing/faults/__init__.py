"""Faults on purpose: what networks, gateways and CRMs do to an adapter, where a script says so.

    script = Script(
        Strike(Timeout("after"), where=lambda request: request.method == "PATCH", calls=(2,)),
        Strike(TooMany(30), chance=0.05),
        seed=7,
    )
    client = crm_client(url, transport=FaultyTransport(httpx.HTTPTransport(), script))

`FaultyTransport` does it to the requests of a client, `faulty_adapter` to the calls that the host
makes of a source and a writer. Neither sleeps: time passes on a `Clock`, which can be made to.
"""

from connector.testing.faults.adapter import (
    Backwards,
    BreaksOff,
    Call,
    CallFault,
    Fails,
    FaultySource,
    FaultyWriter,
    Missing,
    faulty_adapter,
)
from connector.testing.faults.script import (
    Clock,
    Meanwhile,
    Overtaken,
    Play,
    Script,
    Strike,
    Twice,
    since,
)
from connector.testing.faults.transport import (
    USUAL,
    Altered,
    Drip,
    FaultyTransport,
    Html,
    Jump,
    RequestFault,
    Reset,
    Slow,
    Status,
    Timeout,
    TooMany,
    Truncated,
)

__all__ = [
    "USUAL",
    "Altered",
    "Backwards",
    "BreaksOff",
    "Call",
    "CallFault",
    "Clock",
    "Drip",
    "Fails",
    "FaultySource",
    "FaultyTransport",
    "FaultyWriter",
    "Html",
    "Jump",
    "Meanwhile",
    "Missing",
    "Overtaken",
    "Play",
    "RequestFault",
    "Reset",
    "Script",
    "Slow",
    "Status",
    "Strike",
    "Timeout",
    "TooMany",
    "Truncated",
    "Twice",
    "faulty_adapter",
    "since",
]
