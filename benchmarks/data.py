"""Makes accounts, opportunities and line items of any number as Parquet, by the same seed."""

from __future__ import annotations

from pathlib import Path

import duckdb


def generate(folder: Path, accounts: int, opportunities: int) -> None:
    """Write accounts, opportunities and line_items.parquet: long-tailed revenue over three years.

    About nine in ten accounts ever bought; one in five opportunities is open or lost. Each has two
    lines, of twelve categories that customers of some industries prefer.
    """
    folder.mkdir(parents=True, exist_ok=True)
    with duckdb.connect() as engine:
        engine.execute("set threads = 2")
        engine.execute("set preserve_insertion_order = true")
        engine.execute(
            f"""
            copy (
                select
                    'A' || lpad(i::varchar, 9, '0') as id,
                    'Company ' || i as name,
                    'rep' || (i % 200) as owner_id,
                    ['retail', 'health', 'energy', 'food', 'media'][1 + i % 5] as industry
                from range({accounts}) t(i)
            ) to '{folder}/accounts.parquet' (format parquet, row_group_size 100000)
            """
        )
        engine.execute(
            f"""
            copy (
                select
                    'O' || lpad(i::varchar, 10, '0') as id,
                    'A' || lpad(account::varchar, 9, '0') as account_id,
                    case when kind < 8 then 'Closed Won'
                         when kind < 9 then 'Closed Lost' else 'Proposal' end as stage,
                    round(exp(3 + 6 * power((hash(account, 3) % 1000000) / 1e6, 4))
                        * (1 + (hash(i, 5) % 100) / 100.0), 2)::decimal(14, 2) as amount,
                    (date '2024-01-01' + ((hash(i, 7) % 1095)::integer))::date as close_date
                from (
                    select i, hash(i, 1) % ({accounts} * 9 // 10) as account,
                        hash(i, 2) % 10 as kind
                    from range({opportunities}) t(i)
                )
            ) to '{folder}/opportunities.parquet' (format parquet, row_group_size 100000)
            """
        )
        engine.execute(
            f"""
            copy (
                select
                    'L' || lpad((2 * n + line)::varchar, 11, '0') as id,
                    id as opportunity_id,
                    'Category ' || case when hash(n, line) % 3 = 0
                        then right(account_id, 9)::bigint % 5
                        else hash(n, line, 2) % 12 end as category,
                    round(amount / 2, 2) as amount,
                    round(amount / 2 * (50 + hash(n, 3) % 40) / 100.0, 2)::decimal(14, 2) as cost
                from (select *, right(id, 10)::bigint as n
                    from '{folder}/opportunities.parquet'), range(2) t(line)
            ) to '{folder}/line_items.parquet' (format parquet, row_group_size 100000)
            """
        )


JOB = """\
name = "benchmark"

[store]
url = "sqlite:///benchmark.db"

[source]
adapter = "files"

[source.settings]
folder = "."
accounts = "accounts.parquet"
opportunities = "opportunities.parquet"

[source.fields.opportunities]
status = "stage"

[source.values.opportunities.status]
"Closed Won" = "won"
"Closed Lost" = "lost"
"Proposal" = "open"

[target]
adapter = "files"

[target.settings]
folder = "."
accounts = "accounts.parquet"
output = "out"

[target.fields]
tier = "tier"
layer = "layer"
movement = "movement"
revenue_period = "revenue"

[target.tasks]
enabled = false

[rules]
as_of = 2026-12-31
"""

GOALS_JOB = JOB.replace('name = "benchmark"', 'name = "goals"').replace(
    'opportunities = "opportunities.parquet"\n',
    'opportunities = "opportunities.parquet"\nline_items = "line_items.parquet"\n',
    1,
)
"""The same with line items, on a store of its own."""
