"""A CRM of one's own that can be reached: on loopback, or by a transport in this process."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from types import TracebackType
from typing import TYPE_CHECKING, Any, Generic, Self, TypeVar

from connector.errors import PluginError
from connector.sandbox.wire import Answer, Asked, Service

if TYPE_CHECKING:
    import httpx

    from connector.sandbox.faults import Faults, FaultScript
    from connector.sandbox.server import Certificate, Server
    from connector.testing.faults import Clock, Play, RequestFault

S = TypeVar("S", bound=Service)


class Loopback(Generic[S]):
    """A service that answers on *url* while the `with` block lasts.

    Clients in this process can do without the block, by `transport`; `close` it then. *names* are
    hosts besides loopback that the certificate is for: clients that insist on a name can be led
    here. With *https* the certificate is one that clients trust by `authority`.
    """

    names: tuple[str, ...] = ()

    def __init__(self, service: S, *, port: int = 0, https: bool = False) -> None:
        self.service = service
        self._port = port
        self._server: Server | None = None
        self._faults: Faults | None = None
        self._certificate: Certificate | None = None
        if https:
            from connector.sandbox.server import Certificate

            self._certificate = Certificate(self.names)

    def __enter__(self) -> Self:
        from connector.sandbox.app import make_app
        from connector.sandbox.server import Server

        tls = self._certificate.context() if self._certificate else None
        self._server = Server(self._port, tls)
        self.service.url = self._server.url
        self._server.start(make_app(self._answer, self.service.now, self._server.cut))
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if self._server is not None:
            self._server.stop()
        self.close()

    def close(self) -> None:
        """Let go of the records, where there was no `with` block."""
        self.service.close()

    def _answer(self, asked: Asked, whole: str) -> Answer:
        if self._faults is None:
            return self.service.answer(asked)
        return self._faults.answer(asked, whole)

    def transport(self) -> httpx.BaseTransport:
        """Return a transport for clients in this process: no server is needed for it."""
        from connector.sandbox.transport import InProcess

        return InProcess(self.service)

    @property
    def authority(self) -> str:
        """The certificate that clients must trust, as PEM; empty without *https*."""
        return self._certificate.authority if self._certificate else ""

    @property
    def url(self) -> str:
        """Where it listens; before that, a name that leads nowhere."""
        return self.service.url

    def fail_by(
        self, script: FaultScript | None, *, clock: Clock | None = None
    ) -> Play[httpx.Request, RequestFault] | None:
        """Let requests fail as *script* says from now on, or no more; return its playing.

        *clock* waits for slow answers; give it `time.sleep` to let them be slow.
        """
        # The faults are in a package that needs pytest: who serves without them needs it not.
        from connector.sandbox.faults import Faults
        from connector.testing.faults import Clock

        self._faults = None
        if script is None:
            return None
        self._faults = Faults(self.service, script, clock or Clock(self.service.now()))
        return self._faults.play


L = TypeVar("L", bound="Loopback[Any]")


@contextmanager
def loopback_or_problem(sandbox: L, port: int) -> Iterator[L]:
    """Serve within the block; raise PluginError where *port* is another's."""
    with ExitStack() as stack:
        try:
            stack.enter_context(sandbox)
        except OSError as error:
            sandbox.close()
            raise PluginError(
                f"port {port} can't be listened on: {error}; choose another"
            ) from error
        yield sandbox
