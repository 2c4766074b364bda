"""Tests of synthetic tenants in Python."""

import doctest

import churn_core as churn
import pytest

TABLES = ("customers", "payments", "tickets", "activities")


@pytest.fixture(scope="module")
def world():
    return churn.synthetic.world(seed=1, tenants=2, customers=80, paths=8)


def tables(tenant):
    return {name: getattr(tenant, name) for name in TABLES}


def test_the_documented_lines_run():
    assert doctest.testmod(churn.synthetic).failed == 0


def test_tables_go_in_as_they_are_and_as_frames(world):
    assert list(world.tenants) == ["t001", "t002"]
    for name, tenant in world.tenants.items():
        records = churn.TenantRecords(tenant=name, **tables(tenant), observed_until=tenant.observed_until)
        assert records.report.is_clean and len(records) == 80
        frames = {table: getattr(tenant, table).to_pandas() for table in TABLES}
        again = churn.TenantRecords(tenant=name, **frames)
        assert {t: r.rows_in for t, r in again.report.tables.items()} == {t: len(frames[t]) for t in TABLES}
        polars = {table: getattr(tenant, table).to_polars() for table in TABLES}
        assert polars["payments"].columns == tenant.payments.columns
        date = world.dates[0]
        values = [churn.features(r, as_of=date).to_numpy() for r in (records, again, churn.TenantRecords(name, **polars))]
        assert values[0].tobytes() == values[1].tobytes() == values[2].tobytes()


def test_one_seed_one_world(world):
    again = churn.synthetic.world(seed=1, tenants=2, customers=80, paths=8, threads=1)
    other = churn.synthetic.world(seed=2, tenants=2, customers=80)
    for table in TABLES:
        one, two, three = (getattr(w.tenants["t001"], table).to_arrow() for w in (world, again, other))
        assert one.equals(two) and not one.equals(three)
    assert world.truth.probability.tobytes() == again.truth.probability.tobytes()


def test_the_truth_knows_every_eligible_customer(world):
    truth = world.truth.to_pandas()
    assert list(truth.columns) == ["tenant_id", "customer_id", "as_of", "probability", "churned"]
    assert truth.probability.between(0, 1).all() and truth.churned.dtype == bool
    for name, tenant in world.tenants.items():
        records = churn.TenantRecords(tenant=name, **tables(tenant))
        for date in world.dates:
            expected = churn.labels(records, as_of=date, definition=churn.Cancellation(horizon=90)).to_pandas()
            found = truth[(truth.tenant_id == name) & (truth.as_of == date)]
            assert found.customer_id.tolist() == expected.customer_id.tolist()
            assert found.churned.tolist() == expected.churned.tolist()
    later = world.truth_at(world.tenants["t001"].observed_until, horizon=30)
    assert set(later.churned) == {None} and len(later.to_arrow()) == len(later) == len(later["probability"])


def test_switches(world):
    def codes(**options):
        spoilt = churn.synthetic.world(seed=1, tenants=1, customers=60, **options).tenants["t001"]
        records = churn.TenantRecords(tenant="t001", **tables(spoilt), on_invalid="quarantine")
        with pytest.raises(churn.InvalidRecordsError):
            churn.TenantRecords(tenant="t001", **tables(spoilt))
        return {issue.code for issue in records.report.issues}

    assert codes(duplicates=0.05) == {"duplicate_id", "duplicate_version"}
    assert codes(events_without_customer=0.05) == {"unknown_customer"}
    assert codes(unknown_ids=0.05) == {"wrong_tenant"}
    parts = churn.partition(**world.mixed())
    assert {name: len(records) for name, records in parts.items()} == {"t001": 80, "t002": 80}


def test_leaks():
    bank = churn.synthetic.leaks()
    assert len(bank) == 50
    leaking = churn.synthetic.world(seed=1, tenants=1, customers=60, leaks=["churn_date", "deleted"]).tenants["t001"]
    assert leaking.customers.columns[-2:] == ["churn_date", "deleted"]
    everything = churn.synthetic.world(seed=1, tenants=1, customers=60, leaks="all").tenants["t001"]
    assert set(bank) <= set(everything.customers.columns)
    frame = everything.customers.to_pandas()
    assert set(frame.loc[frame.churn_date.notna(), "deleted"]) == {True}
    assert churn.TenantRecords(tenant="t001", **tables(everything)).report.is_clean


def test_nonsense_is_refused(world):
    for options in ({"events_without_customer": 2.0}, {"leaks": ["nothing"]}, {"tenants": 0}, {"start": "2023-01-01T05:00"}):
        with pytest.raises(churn.InvalidOptionError):
            churn.synthetic.world(**options)
    with pytest.raises(churn.InvalidOptionError):
        world.truth_at("1999-01-01")
