"""A suite is worth something only if a broken adapter fails it."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from xml.etree import ElementTree

import pytest

pytestmark = pytest.mark.long

ROOT = Path(__file__).parents[2]
BROKEN = '''
import json
from dataclasses import replace
from datetime import date
from decimal import Decimal

import pytest

from connector import AccessError, Applied, AuthError, ExchangeRate, Page, PutTask, Rejected, Retry
from connector import Stream, Unavailable, Unknown
from connector.testing import FakeCRM, FakeSettings
from connector.testing import ProvisionerContract, SourceContract, WriterContract


class Around:
    """An adapter's source or writer with one thing wrong in it."""

    def __init__(self, crm, inner):
        self.crm, self.inner = crm, inner

    def __getattr__(self, name):
        return getattr(self.inner, name)


class Sources(SourceContract):
    @pytest.fixture
    def backend(self):
        return FakeCRM(page_size=2)

    @pytest.fixture
    def settings(self):
        return FakeSettings()

    @pytest.fixture
    def adapter(self, backend):
        whole = backend.adapter()
        return replace(whole, source=lambda settings: self.broken(backend, whole.source(settings)))


class Writers(WriterContract):
    @pytest.fixture
    def backend(self):
        return FakeCRM()

    @pytest.fixture
    def settings(self):
        return FakeSettings()

    @pytest.fixture
    def field(self):
        return "tier"

    @pytest.fixture
    def adapter(self, backend):
        whole = backend.adapter()
        return replace(whole, writer=lambda settings: self.broken(backend, whole.writer(settings)))


class TestEqualStamps(Sources):
    class broken(Around):
        """Goes on after the stamp of the page's last row, not after the row."""

        def pull(self, stream, fields, cursor):
            after = int(cursor or -1)
            while True:
                stamps = self.crm.stamps[stream]
                left = sorted((stamp, key) for key, stamp in stamps.items() if stamp > after)
                if not left:
                    return
                page = left[: self.crm.page_size]
                after = page[-1][0]
                yield Page([dict(self.crm.rows[stream][key]) for _, key in page], str(after))


class TestForgetsDeletions(Sources):
    class broken(Around):
        def pull(self, stream, fields, cursor):
            for page in self.inner.pull(stream, fields, cursor):
                yield replace(page, deleted=())


class TestTrims(Sources):
    class broken(Around):
        def pull(self, stream, fields, cursor):
            for page in self.inner.pull(stream, fields, cursor):
                rows = [{k: v and str(v).strip() for k, v in row.items()} for row in page.rows]
                yield replace(page, rows=rows)


class TestRestartsTheScan(Sources):
    @pytest.fixture
    def backend(self):
        return FakeCRM(page_size=2, scan=True)

    class broken(Around):
        def pull(self, stream, fields, cursor):
            for page in self.inner.pull(stream, fields, cursor):
                yield replace(page, scan="the scan" if cursor is None else "the rest")


class TestCutsFractions(Sources):
    streams = (Stream.LINE_ITEMS,)

    class broken(Around):
        def pull(self, stream, fields, cursor):
            for page in self.inner.pull(stream, fields, cursor):
                rows = [
                    {k: int(v) if isinstance(v, Decimal) else v for k, v in row.items()}
                    for row in page.rows
                ]
                yield replace(page, rows=rows)


class TestTellsItsToken(Sources):
    class broken(Around):
        def check(self):
            if self.crm.logins_refused:
                raise AuthError(f"{FakeSettings().token.get_secret_value()!r} is not accepted")
            return self.inner.check()


class TestTellsTwoRatesOfADay(Sources):
    class broken(Around):
        def rates(self):
            return [ExchangeRate("EUR", date.min, Decimal(1))] * 2


class TestLeavesOutItsOwnCurrency(Sources):
    class broken(Around):
        def rates(self):
            return [ExchangeRate("USD", date.min, Decimal("0.9"))]


class TestSecondTask(Writers):
    class broken(Around):
        """Creates without a look at what is there."""

        def write(self, changes):
            for change in changes:
                hidden = isinstance(change, PutTask) and change.task_id is None
                held = list(self.crm.tasks) if hidden else []
                self.crm.tasks = [] if hidden else self.crm.tasks
                yield from self.inner.write([change])
                self.crm.tasks = held + self.crm.tasks


class TestSwallowsARefusal(Writers):
    class broken(Around):
        def write(self, changes):
            for outcome in self.inner.write(changes):
                refused = isinstance(outcome, Rejected)
                yield Applied(outcome.marker, "1") if refused else outcome


class TestSendsAgain(Writers):
    class broken(Around):
        """Takes a lost answer for a call that did not happen."""

        def write(self, changes):
            for outcome in self.inner.write(changes):
                lost = isinstance(outcome, Unknown)
                yield Retry(outcome.marker, None) if lost else outcome


class TestStopsAtARefusal(Writers):
    class broken(Around):
        def write(self, changes):
            for outcome in self.inner.write(changes):
                yield outcome
                if isinstance(outcome, Rejected):
                    return


class Provisioners(ProvisionerContract):
    cannot = {"choices": "it takes any text"}

    @pytest.fixture
    def backend(self, fields):
        return FakeCRM(lacks=[field.name for field in fields])

    @pytest.fixture
    def settings(self):
        return FakeSettings()

    @pytest.fixture
    def adapter(self, backend):
        whole = backend.adapter()
        broken = lambda settings: self.broken(backend, whole.provisioner(settings))
        return replace(whole, provisioner=broken)


class TestMakesWhatItPlans(Provisioners):
    class broken(Around):
        def provision(self, fields, *, apply):
            return self.inner.provision(fields, apply=True)


class TestMakesHalf(Provisioners):
    class broken(Around):
        """Says that all is done."""

        def provision(self, fields, *, apply):
            made = self.inner.provision(fields[:3], apply=apply)
            rest = self.inner.provision(fields[3:], apply=False)
            return [*made, *(replace(one, state="done" if apply else one.state) for one in rest)]


class TestMakesWholeNumbers(Provisioners):
    """Of amounts: the fraction is gone when they are read."""

    class broken(Around):
        pass

    class Whole(Around):
        def current(self, accounts, fields):
            held = self.inner.current(accounts, fields)
            rows = [
                {k: int(v) if isinstance(v, Decimal) else v for k, v in row.items()}
                for row in held.accounts
            ]
            return replace(held, accounts=rows)

    @pytest.fixture
    def adapter(self, backend):
        whole = backend.adapter()
        return replace(whole, writer=lambda settings: self.Whole(backend, whole.writer(settings)))


class TestTakesAMissingRightForAnError(Provisioners):
    class broken(Around):
        def provision(self, fields, *, apply):
            steps = self.inner.provision(fields, apply=apply)
            if any(step.state == "by hand" for step in steps):
                raise AccessError("not allowed")
            return steps
'''


@pytest.fixture(scope="module")
def failed(tmp_path_factory: pytest.TempPathFactory) -> set[tuple[str, str]]:
    """Return the class and the name of each check that failed on the broken adapters."""
    folder = tmp_path_factory.mktemp("broken")
    (folder / "test_broken.py").write_text(BROKEN)
    (folder / "pytest.ini").write_text("[pytest]\n")
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "--tb=no"]
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    subprocess.run(
        [*command, "--junitxml=report.xml"], cwd=folder, env=environment, capture_output=True
    )
    cases = ElementTree.parse(folder / "report.xml").iter("testcase")  # noqa: S314 - our own file
    return {
        (case.attrib["classname"].rpartition(".")[2], case.attrib["name"].partition("[")[0])
        for case in cases
        if case.find("failure") is not None
    }


@pytest.mark.parametrize(
    ("adapter", "check"),
    [
        ("TestEqualStamps", "test_all_rows_arrive_across_page_borders"),
        ("TestEqualStamps", "test_a_change_in_the_same_second_is_seen"),
        ("TestForgetsDeletions", "test_a_deletion_is_seen"),
        ("TestTrims", "test_text_arrives_exactly"),
        ("TestRestartsTheScan", "test_a_resumed_scan_stays_the_same_scan"),
        ("TestCutsFractions", "test_a_value_of_every_kind_arrives"),
        ("TestTellsItsToken", "test_refused_credentials_are_an_auth_error"),
        ("TestTellsTwoRatesOfADay", "test_rates_can_be_kept"),
        ("TestLeavesOutItsOwnCurrency", "test_rates_can_be_kept"),
        ("TestSecondTask", "test_a_task_put_twice_is_one_task"),
        ("TestSwallowsARefusal", "test_a_refused_row_costs_one_row"),
        ("TestSwallowsARefusal", "test_a_missing_account_is_rejected"),
        ("TestSendsAgain", "test_a_lost_answer_is_unknown"),
        ("TestStopsAtARefusal", "test_every_change_gets_one_outcome"),
        ("TestMakesWhatItPlans", "test_a_plan_changes_nothing"),
        ("TestMakesHalf", "test_what_was_planned_is_made"),
        ("TestMakesHalf", "test_a_second_time_does_nothing"),
        ("TestMakesWholeNumbers", "test_each_field_takes_a_value_of_its_kind"),
        ("TestTakesAMissingRightForAnError", "test_a_missing_right_is_work_for_a_person"),
    ],
)
def test_a_broken_adapter_fails(failed: set[tuple[str, str]], adapter: str, check: str) -> None:
    assert (adapter, check) in failed


def test_checks_that_have_nothing_to_do_with_the_fault_pass(failed: set[tuple[str, str]]) -> None:
    assert ("TestTrims", "test_a_deletion_is_seen") not in failed
    assert ("TestTrims", "test_rates_can_be_kept") not in failed
    assert ("TestSwallowsARefusal", "test_a_closed_task_is_no_longer_open") not in failed
    assert ("TestMakesHalf", "test_a_plan_changes_nothing") not in failed
