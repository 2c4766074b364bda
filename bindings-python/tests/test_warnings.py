"""Tests of the warnings and findings about data that would give misleading results. Training runs and score runs give
warnings, and validation reports give findings."""

import random
from datetime import UTC, datetime, timedelta

import churn_core as churn
import pandas as pd
import pytest
from conftest import small

START = datetime(2022, 1, 1, tzinfo=UTC)
DEFINITION = churn.Cancellation(60)


def day(number):
    return START + timedelta(days=number)


def subscribers(customers=500, fades=True, leavers=0.5):
    """Makes customers over a history of 800 days. Some of them leave. If ``fades`` is true, a customer who leaves has
    no activities in their last 70 days."""
    draw = random.Random(3)
    people, payments, activities = [], [], []
    for number in range(customers):
        cid, begin = f"c{number:03}", draw.randrange(200)
        leave = begin + 60 + draw.randrange(900) if draw.random() < leavers else 10_000
        person = {"customer_id": cid, "signed_up_at": day(begin), "valid_from": None, "renews_at": day(begin + 365)}
        people.append(person | {"churned_at": day(leave) if leave < 800 else None, "plan": "xy"[number % 2]})
        end = min(leave, 800)
        payments += [{"customer_id": cid, "due_at": day(at), "amount": 10 + number % 3} for at in range(begin, end, 15)]
        last = leave - 70 if fades else leave
        activities += [{"customer_id": cid, "at": day(at), "kind": "login"} for at in range(begin, end, 9) if at <= last]
    return {"customers": people, "payments": payments, "activities": activities}


def payers(customers, every, leave=lambda draw: 10_000, until=880):
    """Makes customers who pay regularly. ``every`` is the number of days between two payments of a customer."""
    draw = random.Random(1)
    people, payments = [], []
    for number in range(customers):
        cid, begin = f"c{number:03}", draw.randrange(120)
        people.append({"customer_id": cid, "signed_up_at": day(begin)})
        end = min(until, begin + leave(draw))
        payments += [{"customer_id": cid, "due_at": day(at), "amount": 10} for at in range(begin, end, every)]
    return {"customers": people, "payments": payments}


def codes(warnings):
    return [warning.code for warning in warnings]


@pytest.fixture(scope="module")
def tables():
    return subscribers()


@pytest.fixture(scope="module")
def trained(tables):
    return churn.ChurnModel.train(churn.TenantRecords("acme", **tables), DEFINITION, **small())


# Tests of the warnings that training runs give.


def test_a_model_that_ranks_no_better_than_chance_says_so(trained):
    report = churn.ChurnModel.train(churn.TenantRecords("acme", **subscribers(fades=False)), DEFINITION, **small()).report
    auc = report.out_of_time.measures.roc_auc
    assert auc.low < 0.5 < auc.high and codes(report.warnings) == ["no_better_than_chance"]
    assert "no better than chance" in str(report) and "warning" in str(report) and "no better than chance" in report._repr_html_()
    assert trained.report.out_of_time.measures.roc_auc.low > 0.9
    assert codes(trained.report.warnings) == [] and " better than chance" in str(trained.report)


def test_a_level_that_is_off_despite_a_very_high_auc_points_to_missing_rows():
    tables = next(iter(churn.synthetic.world(seed=3, tenants=1, customers=600).tenants.values()))
    frames = {name: getattr(tables, name).to_pandas() for name in ("customers", "payments", "tickets", "activities")}
    customers, activities = frames["customers"], frames["activities"]
    left = customers.loc[customers["churned_at"].notna(), "customer_id"]
    records = churn.TenantRecords("acme", **(frames | {"activities": activities[~activities["customer_id"].isin(left)]}))
    report = churn.ChurnModel.train(records, DEFINITION, folds=2, forest=False, leakage="allow", boosting={"n_trees": 30}).report
    assert report.out_of_time.measures.roc_auc.low > 0.95
    message = next(warning.message for warning in report.warnings if warning.code == "level_off")
    assert "missing rows of customers who left" in message and "ranking" not in message


def test_few_churners_have_no_figure_but_a_reason():
    records = churn.TenantRecords("acme", **payers(120, 7, lambda draw: draw.randrange(100, 1500)))
    report = churn.ChurnModel.train(records, churn.Inactivity(60), **small()).report
    measures = report.out_of_time.measures
    assert 0 < measures.churned < 10 and measures.roc_auc is None and measures.top_decile_lift is None
    assert str(measures.churned) in measures.not_measured_reason
    assert "too_few_of_a_class" in codes(report.warnings)
    counted = f"{measures.rows} rows, {measures.churned} churned"
    assert "not defined" in repr(report) and counted in repr(report) and counted in str(report)


def test_a_fold_is_read_by_people(trained, tables):
    test = trained.report.out_of_time
    counted = f"{test.measures.rows} rows, {test.measures.churned} churned"
    assert repr(test).startswith("<OutOfTime 2024-01-") and counted in repr(test) and len(repr(test)) < 120
    (fold,) = churn.backtest(churn.TenantRecords("acme", **tables), DEFINITION, origins=["2023-10-01"], **small())
    assert len(fold.predictions) == fold.measures.rows and repr([fold]).startswith("[<OutOfTime 2023-10-01: ")
    assert "2023-10-01" in str(fold) and "AUC" in str(fold)


def test_nobody_who_is_silent_for_a_horizon_is_eligible():
    tables = payers(100, 10, lambda draw: draw.randrange(300, 1500))
    records = churn.TenantRecords("acme", **tables)
    as_of = day(800)
    last = {}
    for row in tables["payments"]:
        if row["due_at"] < as_of:
            last[row["customer_id"]] = max(row["due_at"], last.get(row["customer_id"], row["due_at"]))
    silent = {days: sorted(cid for cid, at in last.items() if at >= as_of - timedelta(days=days)) for days in (60, 180)}
    assert len(silent[60]) < len(silent[180]) < 100
    for within, days in ((None, 60), (60, 60), (180, 180)):
        definition = churn.Inactivity(60, active_within=within)
        assert churn.features(records, as_of, definition=definition).customer_ids == silent[days]
        assert churn.labels(records, as_of, definition).customer_ids == silent[days]


def test_annual_payers_and_a_short_horizon():
    records = churn.TenantRecords("acme", observed_until=day(881), **payers(200, 365))
    with pytest.raises(churn.TrainingError, match="usually have 365 days between two payments.*horizon above 365") as caught:
        churn.ChurnModel.train(records, churn.Inactivity(90))
    assert caught.value.code == "single_class"
    monthly = churn.TenantRecords("acme", **payers(300, 30, lambda draw: draw.randrange(200, 1500)))
    report = churn.ChurnModel.train(monthly, churn.Inactivity(20), **small()).report
    (gap,) = [warning for warning in report.warnings if warning.code == "gap_exceeds_horizon"]
    assert "30 days" in gap.message and "20 days" in gap.message and "gap_exceeds_horizon" in str(report)


@pytest.mark.parametrize("spelled", ["churn_date", "churnd_at", "Cancelled At"])
def test_a_misspelt_end_of_customers_is_named(spelled):
    tables = payers(20, 30)
    customers = [dict(row, **{spelled: day(300) if place % 2 else None}) for place, row in enumerate(tables["customers"])]
    with pytest.raises(churn.TrainingError, match=f"customers.churned_at; there is '{spelled}': rename it") as caught:
        churn.ChurnModel.train(churn.TenantRecords("acme", customers, tables["payments"]), DEFINITION)
    error = caught.value
    assert (error.code, error.table, error.column) == ("single_class", "customers", "churned_at")
    nobody = [dict(row, churned_at=None) for row in tables["customers"]]
    with pytest.raises(churn.TrainingError, match="no customer has one"):
        churn.ChurnModel.train(churn.TenantRecords("acme", nobody, tables["payments"]), DEFINITION)


# Tests of the warnings that score runs give.


def test_data_that_ended_before_the_date(trained, tables):
    records = churn.TenantRecords("acme", **tables)
    assert trained.score(records, day(799)).warnings == []
    warnings = trained.score(records, "2024-07-10").warnings
    stale = [warning for warning in warnings if warning.code == "stale_data"]
    # Churn is defined by cancellation, so a warning also says that the latest `churned_at` of the customers is old.
    (ended,) = [warning for warning in stale if "'churned_at' of customers" in warning.message]
    stale.remove(ended)
    assert ["payments" in warning.message for warning in stale] == [True, False]
    for warning in stale:
        # The message names the date of the latest event and the date of the run.
        assert "2024-03-10" in warning.message and "2024-07-10" in warning.message
        assert warning.dates == [datetime(2024, 7, 10, tzinfo=UTC)]
    assert {"level_outside_training", "features_outside_training"} < set(codes(warnings))


@pytest.mark.parametrize("as_of", ["2024-07-10", "2030-01-01", "2010-01-01"])
def test_nobody_is_eligible(as_of):
    records = churn.TenantRecords("acme", **payers(100, 7, lambda draw: draw.randrange(100, 1500), until=800))
    model = churn.ChurnModel.train(records, churn.Inactivity(60), leakage="allow", **small(forest=False))
    with pytest.raises(churn.NotEligibleError) as caught:
        model.score(records, as_of)
    error = caught.value
    assert (error.code, error.column) == ("no_eligible_customers", "as_of")
    # The message names the date of the run and the dates of the first and the last event.
    assert all(date in str(error) for date in (as_of, "2022-01-01", "2024-03-"))


@pytest.mark.parametrize("column", ["plan", "renews_at"])
@pytest.mark.parametrize("change", ["left out", "renamed"])
def test_a_missing_attribute_is_named(trained, tables, column, change):
    frame = pd.DataFrame(tables["customers"])
    frame = frame.rename(columns={column: "other"}) if change == "renamed" else frame.drop(columns=[column])
    run = trained.score(churn.TenantRecords("acme", **tables | {"customers": frame}), day(799))
    (missing,) = [warning for warning in run.warnings if warning.code == "missing_column"]
    assert missing.columns == [column] and f"'{column}' of customers" in missing.message


@pytest.mark.parametrize("spelled", ["Plan", "PLAN"])
def test_an_attribute_in_another_spelling_is_another_attribute(trained, tables, spelled):
    frame = pd.DataFrame(tables["customers"]).rename(columns={"plan": spelled})
    run = trained.score(churn.TenantRecords("acme", **tables | {"customers": frame}), day(799))
    assert [warning.columns for warning in run.warnings if warning.code == "missing_column"] == [["plan"]]


def test_a_missing_table_is_an_error(trained, tables):
    for table in ("payments", "activities"):
        with pytest.raises(churn.FeatureMismatchError) as caught:
            trained.score(churn.TenantRecords("acme", **tables | {table: None}), day(799))
        assert caught.value.table == table


# Tests of the findings in validation reports.


@pytest.mark.parametrize(("table", "column"), [("payments", "due_at"), ("tickets", "opened_at"), ("activities", "at")])
def test_one_far_date_does_not_move_the_end(table, column):
    customers = [{"customer_id": f"c{number}", "signed_up_at": "2023-01-01"} for number in range(20)]
    events = [
        {"customer_id": f"c{number}", column: f"2023-{month:02}-01"} | ({"amount": 1} if table == "payments" else {})
        for number in range(20)
        for month in range(1, 13)
    ]
    plain = churn.TenantRecords("acme", customers, **{table: events})
    events[5][column] = "2032-06-01"
    records = churn.TenantRecords("acme", customers, **{table: events})
    assert records.observed_until == plain.observed_until and plain.report.findings == []
    (finding,) = records.report.findings
    assert (finding.code, finding.table, finding.column, finding.rows, finding.examples) == ("far_date", table, column, 1, [5])
    on = table if table != "tickets" else "payments"
    definition = churn.Inactivity(60, on=on) if table != "tickets" else churn.Cancellation(60)
    with pytest.raises(churn.TrainingError, match=f"row 11 of {table}") as caught:
        churn.labels(records, "2023-12-15", definition)
    assert (caught.value.code, caught.value.column) == ("immature_label", "as_of")
    # If the caller passes `observed_until`, it is the end of the history, even if an event is later.
    assert churn.TenantRecords("acme", customers, **{table: events}, observed_until="2033-01-01").observed_until.year == 2033


def test_findings_of_each_kind():
    customers = [
        {"customer_id": f"c{number}", "signed_up_at": "2022-05-01", "churned_at": "2022-12-01" if number % 2 else None}
        for number in range(20)
    ]
    tickets = [{"customer_id": f"c{number}", "opened_at": "2022-06-01" if number % 2 else "2022-03-01"} for number in range(20)]
    payments = [{"customer_id": f"c{number}", "due_at": f"2022-{month:02}-03", "amount": 5} for number in range(20) for month in (6, 7)]
    payments += payments[:3]
    payments += [{"customer_id": "c1", "due_at": "2023-02-01", "amount": 5}]
    activities = [{"customer_id": f"c{number}", "at": "2022-06-01T10:00:00", "kind": None} for number in range(20)] * 2
    report = churn.TenantRecords("acme", customers, payments, tickets, activities).report
    found = {(one.code, one.table, one.column): (one.rows, one.examples) for one in report.findings}
    assert found == {
        ("after_end", "payments", "due_at"): (1, [43]),
        ("likely_duplicate", "payments", None): (3, [40, 41, 42]),
        ("before_sign_up", "tickets", "opened_at"): (10, [0, 2, 4, 6, 8]),
        ("likely_duplicate", "activities", None): (20, [20, 21, 22, 23, 24]),
        ("empty_column", "activities", "kind"): (40, []),
    }
    assert report.is_clean and report.issues == []
    assert all(f"({code})" in str(report) for code, _, _ in found)


def test_unused_columns_have_the_nearest_known_name():
    customers = [{"customer_id": "a", "signed_up_at": "2022-05-01"}]
    tables = {
        "payments": [{"customer_id": "a", "due_at": "2022-06-03", "amount": 5, "state": "failed"}],
        "tickets": [{"customer_id": "a", "opened_at": "2022-06-03", "closed_at": "2022-06-04"}],
        "activities": [{"customer_id": "a", "at": "2022-06-03", "type": "x", "count": 3, "referrer": "y"}],
    }
    expected = {"state": "'status'", "closed_at": "'resolved_at'", "type": "'kind'", "count": "'quantity'", "referrer": None}
    whole = churn.TenantRecords("acme", customers, **tables).report
    parted = churn.partition(
        [dict(row, tenant_id="acme") for row in customers],
        **{name: [dict(row, tenant_id="acme") for row in rows] for name, rows in tables.items()},
    )
    for report in (whole, parted["acme"].report):
        unused = {finding.column: finding for finding in report.findings if finding.code == "unused_column"}
        assert unused.keys() == expected.keys() and report.is_clean
        for column, near in expected.items():
            assert ("did you mean" in unused[column].message) == (near is not None) and (near or "") in unused[column].message


@pytest.mark.parametrize("name", ["\ufeffstatus", " Status ", "STATUS", "sta_tus"])
def test_known_columns_in_any_spelling(name):
    days = ("2023-02-01", "2023-05-01")
    payments = [{"customer_id": "a", "due_at": day, "settled_at": day, "amount": 10, name: "failed"} for day in days]
    customers = [{"Customer ID": "a", "signedUpAt": "2023-01-01"}]
    records = churn.TenantRecords("acme", customers, payments)
    matrix = churn.features(records, "2023-06-01")
    counted = [matrix[f"payments_{status}_count_182d"].tolist() for status in ("paid", "failed")]
    assert counted == [[0.0], [2.0]] and records.report.findings == []
    with pytest.raises(churn.InvalidRecordsError) as caught:
        churn.TenantRecords("acme", customers, [dict(payments[0], status="paid")])
    assert (caught.value.code, caught.value.table, caught.value.column) == ("duplicate_column", "payments", "status")


def test_an_end_that_is_null_again_is_a_return_or_a_withdrawal():
    def versions(cid, end, again):
        return [
            {"customer_id": cid, "signed_up_at": "2022-01-01", "valid_from": None, "churned_at": end, "plan": "x"},
            {"customer_id": cid, "signed_up_at": "2022-01-01", "valid_from": again, "churned_at": None, "plan": "y"},
        ]

    # Each customer has two versions (dated rows). The first version of customer A states an end. The later version
    # begins after this end, so A came back. The later version of customer B begins before the stated end and states no
    # end, so B withdrew the cancellation. Customer C came back too, and has a row with a new sign-up time.
    explicit = [
        {"customer_id": "C", "signed_up_at": "2022-01-01", "churned_at": "2022-12-01", "plan": "x"},
        {"customer_id": "C", "signed_up_at": "2023-03-01", "churned_at": None, "plan": "y"},
    ]
    rows = [*versions("A", "2022-12-01", "2023-03-01"), *versions("B", "2023-12-01", "2023-03-01"), *explicit]
    records = churn.TenantRecords("acme", rows, observed_until="2025-01-01")
    findings = {one.code: (one.column, one.rows, one.examples) for one in records.report.findings}
    assert findings == {"reactivated": ("churned_at", 1, [1]), "withdrawn": ("churned_at", 1, [3])}
    churned = [churn.labels(records, date, churn.Cancellation(90)).churned.tolist() for date in ("2022-11-15", "2023-11-15")]
    assert churned == [[True, False, True], [False, False, False]]
    matrix = churn.features(records, "2023-06-01")
    assert matrix["customer_tenure_days"].tolist() == [92.0, 516.0, 92.0]
    assert matrix["customer_earlier_spells"].tolist() == [1.0, 0.0, 1.0]
    assert matrix["customer_days_since_first_sign_up"].tolist() == [516.0] * 3
    assert matrix["customer_days_since_last_end"].tolist()[::2] == [182.0, 182.0]
