"""What an org is asked for, and what is made of its answers, against the sandbox."""

from __future__ import annotations

import logging
from collections.abc import Iterator, Mapping, Sequence
from contextlib import closing
from datetime import timedelta
from typing import Any, Final

import httpx
import pytest

from connector import AccessError, AuthError, ConfigError, Page, RateLimited, Stream, Transient
from connector.testing.suite import records
from connector_salesforce.objects import FIELDS
from connector_salesforce.place import load
from connector_salesforce.source import SalesforceSource
from sandbox_salesforce.objects import Edition
from sandbox_salesforce.org import Settings
from sandbox_salesforce.sandbox import SalesforceSandbox
from tests.plugins.connector_salesforce.sandbox import NOON, Clock, empty, settings_for

USUAL = {stream: list(dict.fromkeys(fields.values())) for stream, fields in FIELDS.items()}
NAMES = ("Id", "Name")


class Org:
    """A sandbox, and sources that read it."""

    def __init__(self, **options: Any) -> None:
        self.clock = Clock()
        self.sandbox = SalesforceSandbox(clock=self.clock, **options)
        self.slept: list[float] = []
        self.hidden: list[tuple[str, str]] = []
        self.forbidden: list[str] = []

    def source(
        self, transport: httpx.BaseTransport | None = None, **given: Any
    ) -> SalesforceSource:
        settings = settings_for(self.sandbox, **given)
        return SalesforceSource(settings, transport=transport, sleep=self.slept.append)

    def pull(
        self,
        cursor: str | None = None,
        fields: Sequence[str] = NAMES,
        stream: Stream = Stream.ACCOUNTS,
        **given: Any,
    ) -> list[Page]:
        source = self.source(**given)
        try:
            return list(source.pull(stream, fields, cursor))
        finally:
            source.close()

    def fill(self, count: int) -> list[str]:
        before = self.clock.time - timedelta(hours=1)
        return [
            self.sandbox.insert("Account", at=before, Name=f"Account {n}") for n in range(count)
        ]

    def hide(self, sobject: str, field: str) -> None:
        self.hidden.append((sobject, field))
        self.sandbox.permissions.hide(sobject, field)

    def forbid(self, sobject: str) -> None:
        self.forbidden.append(sobject)
        self.sandbox.permissions.forbid(sobject, "read")

    def later(self, **passed: float) -> None:
        self.clock.time += timedelta(**passed)

    def asked(self) -> list[str]:
        """Return what was asked since the last time, by method and the end of its path."""
        found = [
            f"{one.method} {one.path.rstrip('/').rpartition('/')[2]}"
            for one in self.sandbox.requests
        ]
        self.sandbox.requests.clear()
        return found

    def renew(self) -> None:
        """Leave nothing behind for the next test: to start a sandbox takes a quarter second."""
        for sobject, field in self.hidden:
            self.sandbox.permissions.show(sobject, field)
        for sobject in self.forbidden:
            self.sandbox.permissions.allow(sobject, "read")
        empty(self.sandbox)
        self.sandbox.org.settings = Settings()
        self.sandbox.requests.clear()
        self.clock.time = NOON
        self.hidden, self.forbidden, self.slept = [], [], []


@pytest.fixture(scope="module")
def running() -> Iterator[Org]:
    org = Org()
    with org.sandbox:
        yield org


@pytest.fixture
def org(running: Org) -> Iterator[Org]:
    yield running
    running.renew()


def names(pages: Sequence[Page]) -> list[str]:
    return [str(row["Name"]) for page in pages for row in records(page.rows)]


def gone(pages: Sequence[Page]) -> list[str]:
    return [record for page in pages for record in page.deleted]


def rows(pages: Sequence[Page]) -> list[dict[str, object]]:
    return [row for page in pages for row in records(page.rows)]


def test_after_all_was_read_only_changes_are(org: Org) -> None:
    first, *_ = org.fill(5)
    pages = org.pull(page_size=2)
    assert names(pages) == [f"Account {n}" for n in range(5)]
    assert len({page.scan for page in pages}) == 1
    opened = ["POST token", "GET data", "POST composite"]
    assert org.asked() == [*opened, "GET recordCount", *["GET query"] * 3]
    org.later(hours=1)
    org.sandbox.update("Account", first, Name="Changed")
    changed = org.pull(pages[-1].cursor)
    assert names(changed) == ["Changed"]
    assert changed[0].scan is None
    assert org.asked() == [*opened, "POST composite", "GET queryAll"]


def test_the_server_may_give_fewer_rows_than_were_asked_for(org: Org) -> None:
    org.fill(5)
    org.sandbox.settings.page_size = 2
    assert names(org.pull()) == [f"Account {n}" for n in range(5)]


class NoComposite(httpx.HTTPTransport):
    """The way to an org that puts no requests together."""

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        if request.url.path.endswith("/composite"):
            said = [{"errorCode": "FUNCTIONALITY_NOT_ENABLED", "message": "no"}]
            return httpx.Response(403, json=said)
        return super().handle_request(request)


def pulled(
    org: Org,
    cursors: Mapping[Stream, str],
    transport: httpx.BaseTransport | None = None,
    **given: Any,
) -> dict[Stream, list[Page]]:
    """Return the pages of all streams, read by one source."""
    with closing(org.source(transport, **given)) as source:
        return {
            stream: list(source.pull(stream, columns, cursors.get(stream)))
            for stream, columns in USUAL.items()
        }


def read_whole(org: Org) -> dict[Stream, str]:
    """Return the cursors after all streams were read; an hour passes before and after."""
    org.fill(3)
    org.later(hours=1)
    cursors = {stream: pages[-1].cursor for stream, pages in pulled(org, {}).items()}
    org.later(hours=1)
    org.asked()
    return cursors


def test_a_quiet_run_says_nothing_and_costs_three_calls(org: Org) -> None:
    cursors = read_whole(org)
    assert [pages for pages in pulled(org, cursors).values() if pages] == []
    assert org.asked() == ["POST token", "GET data", *["POST composite"] * 3]


def test_of_all_objects_only_those_that_changed_are_read(org: Org) -> None:
    cursors = read_whole(org)
    org.sandbox.insert("Case", Subject="New")
    org.sandbox.insert("Event", Subject="New")
    found = pulled(org, cursors)
    assert [stream for stream, pages in found.items() if rows(pages)] == ["cases", "activities"]
    assert org.asked()[2:].count("GET queryAll") == 2


def test_an_org_that_puts_no_requests_together_is_read_all_the_same(org: Org) -> None:
    cursors = read_whole(org)
    org.sandbox.insert("Case", Subject="New")
    found = pulled(org, cursors, NoComposite())
    assert [stream for stream, pages in found.items() if rows(pages)] == ["cases"]


def test_what_changes_after_the_last_stamps_were_asked_for_is_read_by_the_next_run(
    org: Org,
) -> None:
    cursors = read_whole(org)
    org.sandbox.insert("Event", Subject="Seen")
    org.sandbox.insert("Opportunity", Name="Seen")
    with closing(org.source(overlap=0)) as source:

        def pull(stream: Stream) -> list[Page]:
            return list(source.pull(stream, USUAL[stream], cursors[stream]))

        assert pull(Stream.CASES) == pull(Stream.LEADS) == []  # asks for the stamps of all
        org.later(minutes=1)
        late = {name: org.sandbox.insert(name, Subject="Not yet") for name in ("Task", "Case")}
        org.later(minutes=1)
        assert len(rows(pull(Stream.OPPORTUNITIES))) == 1  # its answer tells the time
        pages = pull(Stream.ACTIVITIES)
    assert [row["Kind__derived"] for row in rows(pages)] == ["Event"]
    org.later(hours=1)
    cursors[Stream.ACTIVITIES] = pages[-1].cursor
    found = pulled(org, cursors, overlap=0)
    assert late["Task"] in [row["Id"] for row in rows(found[Stream.ACTIVITIES])]
    assert late["Case"] in [row["Id"] for row in rows(found[Stream.CASES])]


def test_what_was_deleted_for_good_is_asked_for_all_objects_in_one_call(org: Org) -> None:
    cursors = read_whole(org)
    purged = str(org.sandbox.records("Account")[0]["Id"])
    org.sandbox.delete("Account", purged)
    org.sandbox.purge("Account", purged)
    org.later(days=1)
    found = pulled(org, cursors)
    assert gone(found[Stream.ACCOUNTS]) == [purged]
    assert org.asked()[2:] == ["POST composite"] * 4
    org.later(hours=1)
    cursors = {stream: pages[-1].cursor for stream, pages in found.items()}
    assert [pages for pages in pulled(org, cursors).values() if pages] == []
    assert org.asked()[2:] == ["POST composite"] * 3


def test_what_changes_while_it_is_read_is_left_to_the_next_reading(org: Org) -> None:
    first, *others = org.fill(3)
    cursor = org.pull()[-1].cursor
    org.later(hours=1)
    for record in (first, *others):
        org.sandbox.update("Account", record, Name="Changed")
    source = org.source(page_size=1)
    pages = source.pull(Stream.ACCOUNTS, NAMES, cursor)
    read = [next(pages)]
    org.later(seconds=5)
    org.sandbox.update("Account", first, Name="Again")
    read += pages
    source.close()
    assert names(read) == ["Changed"] * 3
    assert "Again" in names(org.pull(read[-1].cursor))


def test_what_was_committed_late_is_seen(org: Org) -> None:
    org.fill(1)
    cursor = org.pull()[-1].cursor
    org.later(minutes=3)
    late = org.clock.time - timedelta(minutes=8)
    org.sandbox.insert("Account", Name="Late", at=late)
    assert "Late" in names(org.pull(cursor))
    assert "Late" not in names(org.pull(cursor, overlap=60))


def test_what_is_deleted_or_merged_is_told(org: Org) -> None:
    kept, deleted, merged = org.fill(3)
    cursor = org.pull()[-1].cursor
    org.later(hours=1)
    org.sandbox.delete("Account", deleted)
    org.sandbox.delete("Account", merged, merged_into=kept)
    pages = org.pull(cursor)
    assert sorted(gone(pages)) == sorted([deleted, merged])
    assert names(pages) == []


def test_what_was_deleted_for_good_is_asked_for_once_a_day(org: Org) -> None:
    purged, _ = org.fill(2)
    cursor = org.pull()[-1].cursor
    org.later(hours=1)
    org.sandbox.delete("Account", purged)
    org.sandbox.purge("Account", purged)
    assert org.pull(cursor) == []
    org.later(days=1)
    org.asked()
    pages = org.pull(cursor)
    assert gone(pages) == [purged]
    assert org.asked()[3:] == ["POST composite", "POST composite"]
    assert pages[-1].scan is None
    cursor = pages[-1].cursor
    org.later(hours=1)
    org.pull(cursor)
    assert org.asked()[3:] == ["POST composite"]


def test_after_too_long_a_pause_all_is_read_again(org: Org) -> None:
    org.fill(2)
    cursor = org.pull()[-1].cursor
    org.later(days=20)
    pages = org.pull(cursor, full_every=0)
    assert names(pages) == ["Account 0", "Account 1"]
    assert all(page.scan for page in pages)


@pytest.mark.parametrize(("every", "scan"), [(30, True), (31, False), (0, False)])
def test_all_is_read_again_after_so_many_days(org: Org, every: int, scan: bool) -> None:
    org.fill(2)
    cursor = org.pull()[-1].cursor
    pages: list[Page] = []
    for _ in range(3):
        org.later(days=10)
        pages += org.pull(cursor, full_every=every)
        cursor = pages[-1].cursor
    assert any(page.scan for page in pages) is scan


def test_a_token_may_run_out_in_the_middle(org: Org) -> None:
    org.fill(5)
    source = org.source(page_size=2)
    pages = source.pull(Stream.ACCOUNTS, NAMES, None)
    first = next(pages)
    org.sandbox.expire_tokens()
    assert names([first, *pages]) == [f"Account {n}" for n in range(5)]
    source.close()
    assert org.asked().count("POST token") == 2


def test_a_query_that_takes_too_long_is_asked_with_fewer_rows(org: Org) -> None:
    org.fill(3)
    asked: list[str] = []

    class Slow(httpx.HTTPTransport):
        def handle_request(self, request: httpx.Request) -> httpx.Response:
            query = request.url.params.get("q", "")
            asked.append(query.rpartition("LIMIT ")[2])
            if query.endswith("LIMIT 2000"):
                said = [{"errorCode": "QUERY_TIMEOUT", "message": "too long"}]
                return httpx.Response(400, json=said)
            return super().handle_request(request)

    source = org.source(Slow())
    with pytest.raises(Transient, match="it is tried again with fewer rows"):
        list(source.pull(Stream.ACCOUNTS, NAMES, None))
    assert len(names(list(source.pull(Stream.ACCOUNTS, NAMES, None)))) == 3
    source.close()
    assert asked[-1] == "1000"


BULK: Final[dict[str, Any]] = {"bulk_from": 3, "bulk_page": 2}


def test_many_rows_come_by_a_job(org: Org) -> None:
    org.fill(5)
    pages = org.pull(**BULK)
    assert names(pages) == [f"Account {n}" for n in range(5)]
    assert [len(records(page.rows)) for page in pages] == [0, 2, 2, 1]
    assert {page.total for page in pages} == {5}
    assert org.slept
    asked = org.asked()
    assert asked.count("POST query") == 1
    assert asked.count("GET results") == 3


def test_a_job_is_found_again(org: Org) -> None:
    org.fill(5)
    whole = org.pull(**BULK)
    for page in whole[:-1]:
        org.asked()
        later = org.pull(page.cursor, **BULK)
        assert "POST query" not in org.asked()
        assert later[-1].scan == whole[0].scan
        assert load(later[-1].cursor) == load(whole[-1].cursor)


def test_a_job_that_is_gone_is_begun_anew(org: Org) -> None:
    org.fill(5)
    first = org.pull(**BULK)[0]
    lost = first.cursor.replace(str(load(first.cursor).job), "750Sb00000000ZZIAY")  # type: ignore[union-attr] # it is a place of ours
    org.asked()
    pages = org.pull(lost, **BULK)
    assert names(pages) == [f"Account {n}" for n in range(5)]
    assert pages[-1].scan != first.scan
    assert org.asked().count("POST query") == 1


def test_where_jobs_are_refused_it_is_read_by_queries(
    org: Org, caplog: pytest.LogCaptureFixture
) -> None:
    org.fill(5)

    class NoJobs(httpx.HTTPTransport):
        def handle_request(self, request: httpx.Request) -> httpx.Response:
            if request.url.path.endswith("jobs/query"):
                said = [{"errorCode": "FUNCTIONALITY_NOT_ENABLED", "message": "no"}]
                return httpx.Response(403, json=said)
            return super().handle_request(request)

    source = org.source(NoJobs(), **BULK)
    assert len(names(list(source.pull(Stream.ACCOUNTS, NAMES, None)))) == 5
    source.close()
    assert "reading Account by the REST API" in caplog.text


def test_a_field_that_the_job_names_must_be_there(org: Org) -> None:
    with pytest.raises(AccessError, match=r"Account has no field 'Tier__c' .*field-level security"):
        org.pull(fields=["Id", "Tier__c"])
    with pytest.raises(AccessError, match=r"'Owner.Shoe__c'"):
        org.pull(fields=["Id", "Owner.Shoe__c"])
    with pytest.raises(AccessError, match=r"'Nobody.Name'"):
        org.pull(fields=["Id", "Nobody.Name"])


def test_a_parents_field_comes_along(org: Org) -> None:
    org.fill(1)
    (page,) = org.pull(fields=["Id", "Owner.Name"])
    assert [row["Owner.Name"] for row in records(page.rows)] == ["Integration"]


def test_a_usual_field_that_is_hidden_is_left_out_and_told_once(
    org: Org, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO)
    org.fill(3)
    org.hide("Account", "Industry")
    source = org.source(page_size=2)
    for _ in range(2):
        pages = list(source.pull(Stream.ACCOUNTS, USUAL[Stream.ACCOUNTS], None))
    source.close()
    assert all("Industry" not in row and row["Name"] for row in rows(pages))
    assert caplog.text.count("Account has no field 'Industry'") == 1


def test_a_field_that_comes_to_light_is_read_of_all_records(org: Org) -> None:
    record = org.fill(1)[0]
    org.sandbox.update("Account", record, at=NOON - timedelta(hours=1), Industry="Retail")
    org.hide("Account", "Industry")
    cursor = org.pull(fields=USUAL[Stream.ACCOUNTS])[-1].cursor
    org.later(hours=1)
    assert org.pull(cursor, USUAL[Stream.ACCOUNTS]) == []
    org.sandbox.permissions.show("Account", "Industry")
    (row,) = rows(org.pull(cursor, USUAL[Stream.ACCOUNTS]))
    assert row["Industry"] == "Retail"


@pytest.mark.parametrize("field", ["Amount", "AccountId", "CloseDate", "IsWon", "IsClosed"])
def test_without_some_fields_no_figure_would_be_right(org: Org, field: str) -> None:
    org.hide("Opportunity", field)
    with pytest.raises(AccessError, match=f"Opportunity has no field '{field}' that the user"):
        org.pull(stream=Stream.OPPORTUNITIES, fields=USUAL[Stream.OPPORTUNITIES])


def test_an_object_that_is_not_ours_to_see(org: Org, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO)
    org.forbid("Case")
    assert org.pull(stream=Stream.CASES, fields=USUAL[Stream.CASES]) == []
    assert "there is no object Case that the user may read" in caplog.text
    org.forbid("Account")
    with pytest.raises(AccessError, match="there is no object Account that the user may read"):
        org.pull()


def test_of_two_objects_one_may_be_hidden(org: Org) -> None:
    org.sandbox.insert("Task", Subject="Call", TaskSubtype="Call", Status="Completed")
    org.forbid("Event")
    pages = org.pull(stream=Stream.ACTIVITIES, fields=USUAL[Stream.ACTIVITIES])
    assert [row["Kind__derived"] for row in rows(pages)] == ["Call"]


def test_a_right_that_was_taken_away_is_warned_of(
    org: Org, caplog: pytest.LogCaptureFixture
) -> None:
    usual = USUAL[Stream.ACTIVITIES]
    cursor = org.pull(None, usual, Stream.ACTIVITIES)[-1].cursor
    org.forbid("Event")
    caplog.clear()
    cursor = org.pull(cursor, usual, Stream.ACTIVITIES)[-1].cursor
    (warning,) = [one.getMessage() for one in caplog.records if one.levelno == logging.WARNING]
    assert "Event was shown to us before and is not any more: its records count as" in warning
    caplog.clear()
    org.pull(cursor, usual, Stream.ACTIVITIES)
    assert not [one for one in caplog.records if one.levelno == logging.WARNING]


@pytest.mark.parametrize("given", [{}, {"bulk_from": 0}], ids=["queries", "jobs"])
def test_what_is_archived_is_read_and_what_is_deleted_is_not(
    org: Org, given: dict[str, Any]
) -> None:
    org.sandbox.insert("Task", TaskSubtype="Call", IsArchived=True)
    org.sandbox.insert("Task", TaskSubtype="Email", IsDeleted=True)
    pages = org.pull(None, USUAL[Stream.ACTIVITIES], Stream.ACTIVITIES, **given)
    assert [row["Kind__derived"] for row in rows(pages)] == ["Call"]
    # Archived records come with queryAll alone.
    assert "GET query" not in org.asked()


def test_deals_are_won_by_their_flags_whatever_the_stage_is_called(org: Org) -> None:
    stages = (("Ganhou!", True, True), ("Perdeu", False, True), ("?", False, False))
    for stage, won, closed in stages:
        org.sandbox.insert("Opportunity", Name=stage, StageName=stage, IsWon=won, IsClosed=closed)
    found = rows(org.pull(stream=Stream.OPPORTUNITIES, fields=USUAL[Stream.OPPORTUNITIES]))
    said = {row["StageName"]: row["Status__derived"] for row in found}
    assert said == {"Ganhou!": "won", "Perdeu": "lost", "?": "open"}
    assert all("CurrencyIsoCode" not in row for row in found)


def test_in_an_org_with_currencies_each_deal_says_its_own() -> None:
    org = Org(edition=Edition(multi_currency=True))
    with org.sandbox:
        org.sandbox.insert("Opportunity", Name="A", StageName="A", CurrencyIsoCode="USD")
        found = rows(org.pull(stream=Stream.OPPORTUNITIES, fields=USUAL[Stream.OPPORTUNITIES]))
    assert [row["CurrencyIsoCode"] for row in found] == ["USD"]


def test_record_types_are_picked_and_what_leaves_them_is_gone() -> None:
    org = Org(edition=Edition(record_types=True, person_accounts=True))
    with org.sandbox:
        kinds = {r["DeveloperName"]: r["Id"] for r in org.sandbox.records("RecordType")}
        ours, theirs = kinds["Business_Account"], kinds["PersonAccount"]
        before = NOON - timedelta(hours=1)
        stays = org.sandbox.insert("Account", at=before, Name="Ours", RecordTypeId=ours)
        org.sandbox.insert(
            "Account", at=before, Name="Theirs", RecordTypeId=theirs, IsPersonAccount=True
        )
        picked = {"accounts": ["Business_Account"]}
        both = rows(org.pull(fields=["Id", "IsPersonAccount"]))
        assert [row["IsPersonAccount"] for row in both] == ["false", "true"]
        pages = org.pull(record_types=picked)
        assert names(pages) == ["Ours"]
        org.later(hours=1)
        org.sandbox.update("Account", stays, RecordTypeId=theirs)
        changed = org.pull(pages[-1].cursor, record_types=picked)
        assert (names(changed), gone(changed)) == ([], [stays])
        again = org.pull(pages[-1].cursor)
        assert names(again) == ["Ours", "Theirs"]
        assert again[0].scan
        with pytest.raises(ConfigError, match="has no record type 'Buisness'; it has: Business_A"):
            org.pull(record_types={"accounts": ["Buisness"]})


def test_users_say_who_is_there_and_who_follows(org: Org) -> None:
    fields = USUAL[Stream.USERS]
    boss = org.sandbox.insert("User", Name="Boss", IsActive=True)
    org.sandbox.insert("User", Name="Left", IsActive=False, ManagerId=boss, Email="l@acme.com")
    found = {row["Name"]: row for row in rows(org.pull(stream=Stream.USERS, fields=fields))}
    assert found["Left"]["ManagerId"] == boss
    assert (found["Left"]["IsActive"], found["Boss"]["IsActive"]) == ("false", "true")


def test_activities_are_tasks_and_events_in_one_stream(org: Org) -> None:
    start, before = "2026-06-01T08:00:00.000+0000", NOON - timedelta(hours=1)
    org.sandbox.insert("Task", at=before, Subject="Call them", IsClosed=False)
    org.sandbox.insert("Event", at=before, Subject="Visit", StartDateTime=start)
    pages = org.pull(stream=Stream.ACTIVITIES, fields=USUAL[Stream.ACTIVITIES])
    found = {row["Kind__derived"]: row for row in rows(pages)}
    assert found["Event"]["HappenedAt__derived"] == start
    assert found["Task"]["HappenedAt__derived"] is None
    assert {page.scan for page in pages} == {pages[0].scan}
    org.later(hours=1)
    assert org.pull(pages[-1].cursor, USUAL[Stream.ACTIVITIES], Stream.ACTIVITIES) == []


def test_a_cursor_of_another_org_is_not_gone_on_from(org: Org) -> None:
    org.fill(2)
    cursor = org.pull()[-1].cursor
    moved = cursor.replace("127.0.0.1", "acme.my.salesforce.com")
    assert len(names(org.pull(moved))) == 2


def test_check_says_who_where_and_what_is_left(org: Org) -> None:
    source = org.source()
    said = source.check()
    source.close()
    host = org.sandbox.url.partition("//")[2]
    assert " in 'Sandbox Industries' (sandbox), " + host + ", API 62.0, " in said
    assert said.endswith(" of 100000 API calls left")


def test_check_names_the_user_of_an_assertion(org: Org) -> None:
    good = org.sandbox.credentials
    given = {
        "client_id": good.client_id,
        "username": good.username,
        "private_key": good.private_key,
        "audience": "https://login.salesforce.com",
    }
    source = org.source(jwt=given)
    assert source.check().startswith(f"{good.username} in 'Sandbox Industries'")
    source.close()
    stranger = org.source(jwt={**given, "username": "nobody@acme.com"})
    with pytest.raises(AuthError, match="invalid_grant"):
        stranger.check()
    stranger.close()


def test_a_spent_day_is_told_and_not_asked_again(org: Org) -> None:
    org.fill(1)
    org.sandbox.settings.used_requests = org.sandbox.settings.daily_requests
    with pytest.raises(RateLimited, match="API calls of 24 hours are spent") as failed:
        org.pull()
    assert failed.value.retry_after == 3600
    assert len(org.asked()) == 3


def test_a_version_that_is_too_new_is_told(org: Org) -> None:
    with pytest.raises(ConfigError, match=r"does not offer 99\.0; it has 31\.0 to 68\.0"):
        org.pull(api_version="99.0")


def test_no_log_shows_a_record_or_a_token(org: Org, caplog: pytest.LogCaptureFixture) -> None:
    loggers = ("", "httpx", "httpcore", "requests", "urllib3", "simple_salesforce")
    for name in loggers:
        caplog.set_level(logging.DEBUG, logger=name)
    org.sandbox.insert("Account", Name="r3cord-body")
    org.pull(**{**BULK, "bulk_from": 0})
    org.pull()
    assert caplog.records
    for secret in ("r3cord-body", "Bearer", "Basic ", org.sandbox.credentials.client_secret):
        assert secret not in caplog.text
    assert org.sandbox.token()[:15] not in caplog.text
