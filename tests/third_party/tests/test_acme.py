"""The adapter for the Acme CRM passes the conformance suites."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Literal

import pytest
from acme_server import AcmeCRM
from connector_acme import THEIRS, Settings, adapters

from connector import Adapter, Stream
from connector.testing import SourceContract, WriterContract


class Backend:
    """What the suites do to the CRM."""

    def __init__(self, crm: AcmeCRM) -> None:
        self.crm = crm
        self.cut_network = crm.stop

    def put(self, stream: Stream, rows: Sequence[Mapping[str, object]]) -> None:
        for row in rows:
            self.crm.put(THEIRS[stream], dict(row))

    def delete(self, stream: Stream, ids: Sequence[str]) -> None:
        for key in ids:
            self.crm.delete(THEIRS[stream], key)

    def refuse_logins(self) -> None:
        self.crm.token = "another"  # noqa: S105 - of a server that lives for one test

    def refuse(self, account: str) -> None:
        self.crm.refused.add(account)

    def lose_answer(self) -> None:
        self.crm.answers_to_lose = 1

    def finish(self, marker: str, status: Literal["done", "rejected"]) -> None:
        self.crm.tasks[marker]["status"] = status

    def task_count(self, marker: str) -> int:
        return int(marker in self.crm.tasks)


class Acme:
    """The fixtures that both suites ask for."""

    @pytest.fixture
    def backend(self) -> Iterator[Backend]:
        crm = AcmeCRM()
        yield Backend(crm)
        crm.stop()

    @pytest.fixture
    def adapter(self) -> Adapter[Any]:
        return adapters()[0]

    @pytest.fixture
    def settings(self, backend: Backend) -> Settings:
        return Settings.model_validate({"url": backend.crm.url, "token": backend.crm.token})

    @pytest.fixture
    def field(self) -> str:
        return "pyramid_tier"


class TestSource(Acme, SourceContract):
    pass


class TestWriter(Acme, WriterContract):
    pass
