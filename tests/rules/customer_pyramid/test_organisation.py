"""Organisation: who looks after whom, and whom nobody looks after."""

from decimal import Decimal
from typing import cast

from customer_pyramid.organisation import Organisation, OwnedRow, RepLoad, organisation, owned
from customer_pyramid.settings import FocusSettings, PyramidSettings
from tests.rules.crm import Row
from tests.rules.customer_pyramid.books import Books, standing, table

KEY = FocusSettings().key_layers


def organised(*standings: Row) -> Organisation:
    rows = Books(standings=standings).rows(owned(table("standings")))
    return organisation(cast("list[OwnedRow]", rows), PyramidSettings(), KEY)


def test_accounts_with_an_owner_are_a_share_of_their_layer() -> None:
    found = organised(
        standing("A", "Top", owner_id="U"),
        standing("B", "Small", owner_id="U"),
        standing("C", "Small"),
        standing("D", "Small"),
        standing("E", "Rest of world"),
        standing("F", "Top", inherited_from="A"),
    )
    layers = {layer.layer: (layer.accounts, layer.owned, layer.share) for layer in found.layers}
    assert layers["Top"] == (1, 1, Decimal(1))
    assert layers["Small"] == (3, 1, Decimal("0.333333"))
    assert layers["Suspect"] == (0, 0, None)
    assert "Rest of world" not in layers


def test_owners_that_nobody_recorded_are_unknown() -> None:
    found = organised(standing("A", "Top"), standing("B", "Small"))
    assert found.reps == ()
    assert {(layer.owned, layer.share) for layer in found.layers} == {(None, None)}


def test_reps_with_most_key_customers_come_first() -> None:
    found = organised(
        standing("A", "Small", owner_id="U1"),
        standing("B", "Small", owner_id="U1"),
        standing("C", "Prospect", owner_id="U1"),
        standing("D", "Top", owner_id="U2"),
        standing("E", "Big", owner_id="U2"),
        standing("F", "Suspect", owner_id="U3"),
    )
    assert found.reps == (RepLoad("U2", 2, 2, 2), RepLoad("U1", 3, 2, 0), RepLoad("U3", 1, 0, 0))
