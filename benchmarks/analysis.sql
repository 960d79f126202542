-- The analysis by hand: standings of both periods, frozen tiers, movement, layer statistics, Gini,
-- migration matrix. Amounts are whole 1/10,000; the periods are those of the benchmark job.
create table totals as
select
    account_id,
    sum(amount) filter (close_date >= date '2026-01-01' and close_date < date '2027-01-01')::bigint
        as b,
    sum(amount) filter (close_date >= date '2025-01-01' and close_date < date '2026-01-01')::bigint
        as a,
    count(*) filter (close_date >= date '2026-01-01' and amount > 0) as orders,
    min(close_date) filter (amount > 0) as first_order,
    max(close_date) filter (amount > 0) as last_order
from sales
where close_date < date '2027-01-01' and account_id is not null
group by account_id;

create table ranked as
with counts as (
    select count(*) filter (b > 0) as nb, count(*) filter (a > 0) as na from totals
),
places as (
    select
        totals.*, nb, na,
        row_number() over (order by (coalesce(b, 0) > 0) desc, b desc, first_order, account_id) as rb,
        row_number() over (order by (coalesce(a, 0) > 0) desc, a desc, first_order, account_id) as ra
    from totals cross join counts
)
select
    *,
    case when b > 0 then case
        when rb <= greatest(1, (2 * nb * 100 + 10000) // 20000) then 1
        when rb <= (2 * nb * 500 + 10000) // 20000 then 2
        when rb <= (2 * nb * 2000 + 10000) // 20000 then 3 else 4 end end as tier_b,
    case when a > 0 then case
        when ra <= greatest(1, (2 * na * 100 + 10000) // 20000) then 1
        when ra <= (2 * na * 500 + 10000) // 20000 then 2
        when ra <= (2 * na * 2000 + 10000) // 20000 then 3 else 4 end end as tier_a
from places;

create table placed as
with bounds as (
    select
        min(a) filter (tier_a = 1) as top_a, min(a) filter (tier_a = 2) as big_a,
        min(a) filter (tier_a = 3) as medium_a,
        min(b) filter (tier_b = 1) as top_b, min(b) filter (tier_b = 2) as big_b,
        min(b) filter (tier_b = 3) as medium_b, sum(b) filter (b > 0) as total
    from ranked
)
select
    c.id as account_id, c.name, c.owner_id, c.industry,
    r.a, r.b, r.orders, r.first_order, r.last_order, r.tier_a, r.tier_b,
    case when r.tier_b is not null then r.rb end as rank,
    case when r.tier_a is not null then r.ra end as previous_rank,
    r.b / bounds.total as share,
    case when r.b > 0 then case when r.b >= top_a then 1 when r.b >= big_a then 2
        when r.b >= medium_a then 3 else 4 end end as frozen,
    case r.tier_b when 2 then top_b - r.b when 3 then big_b - r.b when 4 then medium_b - r.b end as gap
from accounts as c left join ranked as r on r.account_id = c.id cross join bounds;

select
    tier_b, count(*), sum(b), avg(b), min(b), max(b), sum(orders),
    count(*) filter (first_order >= date '2026-01-01')
from placed group by tier_b;

select
    tier_a, count(*), sum(a), avg(a), min(a), max(a) from placed group by tier_a;

select sum(x * i) * 2.0 / (count(*) * sum(x)) - (count(*) + 1.0) / count(*)
from (select b as x, row_number() over (order by b) as i from placed where b > 0);

select count(*) + 1 from (
    select sum(b) over (order by b desc rows unbounded preceding) as running, sum(b) over () as whole
    from placed where b > 0
) where running < 0.8 * whole;

select sum(x * i) * 2.0 / (count(*) * sum(x)) - (count(*) + 1.0) / count(*)
from (select a as x, row_number() over (order by a) as i from placed where a > 0);

select tier_a, tier_b, count(*) from placed group by all;

select count(*) from placed where frozen < tier_a
