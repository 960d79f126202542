"""Finds the account a person means: by its id, or by a name that only one account has."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import pyarrow as pa
import pyarrow.compute as pc

from connector.cli.opening import Kept
from connector.errors import ConfigError
from connector.store.tables import AccountRow

_SHOWN: Final = 5


def find_account(kept: Kept, named: str) -> AccountRow:
    """Return the account whose id or name is *named*; raise ConfigError if it is not just one."""
    found = _by_id(kept, named)
    if found is not None:
        return found
    with kept.store.bulk() as bulk:
        names = bulk.fetch(
            "select id, name from account where job_id = ? and not deleted order by id",
            kept.job_id,
        )
    # In Arrow, because SQLite folds the case of ASCII letters only.
    lower = pc.utf8_lower(pc.cast(names.column("name"), pa.string()))
    same = names.filter(pc.equal(lower, named.lower())).to_pylist()
    if len(same) == 1 and (one := _by_id(kept, str(same[0]["id"]))) is not None:
        return one
    if same:
        raise ConfigError(f"{len(same)} accounts are called {named!r}; give the id: {_ids(same)}")
    near = names.filter(pc.match_substring(lower, named.lower())).to_pylist()
    hint = f"; did you mean {_ids(near)}?" if near else "; 'connector tiers' lists them all"
    raise ConfigError(f"{kept.job.path}: no account has the id or name {named!r}{hint}")


def _by_id(kept: Kept, account: str) -> AccountRow | None:
    with kept.store.session() as session:
        found = session.get(AccountRow, (kept.job_id, account))
    return None if found is None or found.deleted else found


def _ids(rows: Sequence[dict[str, object]]) -> str:
    listed = ", ".join(f"{row['id']} ({row['name']})" for row in rows[:_SHOWN])
    return f"{listed} ..." if len(rows) > _SHOWN else listed
