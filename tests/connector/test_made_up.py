"""The company that sandboxes make up: always the same, and it adds up."""

from __future__ import annotations

from datetime import UTC, datetime

from connector.sandbox.made_up import make_up

NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)


def test_the_same_number_makes_the_same_company() -> None:
    assert make_up(60, NOW) == make_up(60, NOW)
    assert make_up(60, NOW).firms[:40] != make_up(61, NOW).firms[:40]


def test_it_is_a_whole_company() -> None:
    made = make_up(200, NOW)
    assert (len(made.firms), len(made.deals)) == (200, 600)
    assert {deal.outcome for deal in made.deals} == {"won", "lost", "open"}
    for deal in made.deals:
        assert deal.made <= deal.changed <= NOW
        assert (
            (deal.closes >= NOW.date()) if deal.outcome == "open" else (deal.closes <= NOW.date())
        )
        if deal.lines:
            assert deal.amount == sum(line.price * line.quantity for line in deal.lines)
    for firm in made.firms:
        assert firm.made <= firm.changed <= NOW
        assert firm.parent is None or firm.parent < firm.at
    with_deals = {deal.account for deal in made.deals if deal.outcome == "won"}
    assert 100 < len(with_deals) < 200


def test_there_may_be_no_accounts() -> None:
    made = make_up(0, NOW)
    assert (made.firms, made.deals) == ((), ())
