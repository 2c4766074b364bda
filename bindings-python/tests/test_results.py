"""Tests of scores, runs, reasons and explanations as Python values: as sequences, dicts, JSON, pickles and frames."""

import json
import math
import pickle
from dataclasses import asdict
from datetime import timedelta

import churn_core as churn
import numpy as np
import pytest
from conftest import AS_OF, DEFINITION, small


@pytest.fixture(scope="module")
def run(model, records):
    return model.score(records, AS_OF)


def test_a_run_is_a_sequence(run):
    scores = list(run)
    assert len(run) == len(scores) == len(run.scores) == len(run.customer_ids) > 10
    assert run[0] == scores[0] and run[-1] == scores[-1] and run[2:5] == scores[2:5] and run[::-1][0] == scores[-1]
    assert [score.customer_id for score in run] == run.customer_ids
    for wrong in (len(run), -len(run) - 1):
        with pytest.raises(IndexError):
            run[wrong]
    with pytest.raises(TypeError, match="score_of"):
        run["C-001"]


def test_scores_are_json(run, model):
    score = run.riskiest(1)[0]
    one = model.score_customer(
        customer={"customer_id": "X", "signed_up_at": "2023-05-01", "plan": "pro", "seats": 3.0},
        payments=[{"due_at": "2024-02-20", "amount": 12.5}],
        tickets=[],
        as_of=AS_OF,
    )
    for value in (score, one, one.reasons[0], score.interval, model.report, model.report.cross_validated):
        text = json.dumps(value.to_dict(), allow_nan=False)
        assert json.loads(text) == value.to_dict()
    assert score.to_dict()["interval"] == {"low": score.interval.low, "high": score.interval.high}
    assert asdict(score)["probability"] == score.probability and score.to_dict()["as_of"].startswith("2024-03-01")
    for value in (score, one, one.reasons, model.report):
        assert pickle.loads(pickle.dumps(value)) == value


def test_not_scored_is_none(tables):
    people = [
        dict(person, churned_at=person["signed_up_at"] + timedelta(days=150 + 3 * i)) if i % 4 == 0 else dict(person)
        for i, person in enumerate(tables["customers"])
    ]
    people.append({"customer_id": "N", "signed_up_at": "2024-02-27", "plan": "pro", "seats": 3.0})
    records = churn.TenantRecords("acme", people, tables["payments"], tables["tickets"], static_attributes="all")
    model = churn.ChurnModel.train(records, churn.Cancellation(60), leakage="allow", **small())
    run = model.score(records, AS_OF)
    score = run.score_of("N")
    assert score.status == "not_enough_evidence" and score.not_scored_reason and score.expected_at is not None
    assert score.probability is None and score.interval is None and score.risk_band is None
    assert score.to_dict()["probability"] is None and json.dumps(score.to_dict(), allow_nan=False)
    row = run.customer_ids.index("N")
    assert math.isnan(run.probabilities[row]) and math.isnan(run.to_pandas()["probability"][row])
    assert run.to_arrow()["probability"].null_count == 1 and run.to_arrow(interval=True)["low"].null_count >= 1
    assert run.reasons("N") == [] and run.to_pandas(reasons=2)["reasons"][row] == []
    again = pickle.loads(pickle.dumps(run))
    assert again.scores == run.scores


def test_frames_with_intervals_and_reasons(run):
    frame = run.to_pandas(interval=True, reasons=2)
    assert frame.columns.to_list()[-3:] == ["low", "high", "reasons"]
    scored = frame[frame["probability"].notna()]
    assert (scored["low"] <= scored["probability"]).all() and (scored["probability"] <= scored["high"]).all()
    for customer, texts in zip(frame["customer_id"][:5], frame["reasons"][:5], strict=True):
        assert list(texts) == [reason.text for reason in run.reasons(customer, top=2)]
    pl = pytest.importorskip("polars")
    polars = run.to_polars(interval=True, reasons=2)
    assert polars.schema["reasons"] == pl.List(pl.String) and polars["low"].to_list() == frame["low"].tolist()
    arrow = run.to_arrow(interval=True)
    assert arrow.column_names[-2:] == ["low", "high"]
    assert np.array_equal(run.probabilities, frame["probability"].to_numpy(), equal_nan=True)


def test_explanations_are_sliced_like_arrays(model, run):
    found = model.explain(run.matrix)
    rows, columns = run.matrix.shape
    assert found.values.shape == found.data.shape == found.shape == (rows, columns)
    assert found.base_values.shape == (rows,) and found.feature_names == model.feature_names
    sums = found.base_values + found.values.sum(axis=1)
    assert np.allclose(sums, model.log_odds(run.matrix), atol=1e-9)
    one = found[3]
    assert one.values.shape == (columns,) and isinstance(one.base_values, float) and one.data.shape == (columns,)
    part = found[2:7, "customer_tenure_days"]
    assert part.values.shape == (5,) and part.feature_names == "customer_tenure_days"
    assert found[:, ["customer_tenure_days", "customer_plan"]].values.shape == (rows, 2)
    assert (found[found.base_values > -math.inf].values == found.values).all()
    with pytest.raises(churn.UnknownFeatureError):
        found[:, "colour"]
    again = pickle.loads(pickle.dumps(found))
    assert (again.values == found.values).all() and again.feature_names == found.feature_names
    assert len(found) == rows and f"{columns} features" in repr(found)


def test_shap_plots_take_explanations(model, run):
    pytest.importorskip("matplotlib").use("Agg")
    shap = pytest.importorskip("shap")
    import matplotlib.pyplot as plt

    found = model.explain(run.matrix)
    assert isinstance(found, shap.Explanation) and isinstance(found, churn.Explanation)
    shap.plots.waterfall(found[0], show=False)
    shap.plots.beeswarm(found, show=False)
    shap.plots.bar(found, show=False)
    shap.plots.scatter(found[:, "customer_tenure_days"], show=False)
    plt.close("all")
    clf = churn.ensemble.GradientBoosting(n_estimators=5).fit(np.arange(80.0).reshape(-1, 2) % 7, np.arange(40) % 7 > 2)
    shap.plots.beeswarm(clf.to_trees().explain(np.arange(80.0).reshape(-1, 2) % 7), show=False)
    plt.close("all")


def test_reports_are_read_by_people(model):
    text = str(model.report)
    assert len(text.splitlines()) > 15 and max(len(line) for line in text.splitlines()) < 200
    for word in ("tested", "out of time at", "ranking", "level", "calibration", "risk band", "members", "churned"):
        assert word in text, word
    assert str(model.report.rows) in text and len(repr(model.report).splitlines()) == 1
    html = model.report._repr_html_()
    assert html.count("<table") == html.count("</table>") == 1 and "risk band" in html
    assert "ROC AUC" in str(model.report.out_of_time) and len(str(model.report.out_of_time)) < 1000


def test_importances():
    draw = np.random.default_rng(0)
    X = draw.normal(size=(900, 3))
    clf = churn.ChurnClassifier(leakage="allow").fit(X, X[:, 1] + 0.3 * draw.normal(size=900) > 0)
    importances = clf.feature_importances_
    assert importances.shape == (3,) and importances.argmax() == 1 and abs(importances.sum() - 1) < 1e-9
    again = pickle.loads(pickle.dumps(clf))
    assert (again.feature_importances_ == importances).all()
    with pytest.raises(AttributeError):
        churn.ChurnClassifier().feature_importances_


def test_a_definition_keeps_eligible_customers(model, records):
    run = model.score(records, as_of=AS_OF)
    everyone = churn.features(records, as_of=AS_OF)
    eligible = churn.features(records, as_of=AS_OF, definition=DEFINITION)
    assert eligible.customer_ids == run.customer_ids and len(eligible) < len(everyone)
    known = everyone.to_polars()
    assert eligible.to_polars().equals(known.filter(known["customer_id"].is_in(eligible.customer_ids)))


def test_folds_carry_their_predictions(model, records):
    plt = pytest.importorskip("matplotlib.pyplot")
    (fold,) = churn.backtest(records, definition=DEFINITION, origins="2024-03-01", **small())
    assert len(fold.predictions) == fold.measures.rows
    assert sum(row.churned for row in fold.predictions) == fold.measures.churned
    assert fold.predictions[0].as_of == fold.test_date
    # Some eligible customers had no event in the `horizon` days before the test date. The report has separate measures
    # for these customers.
    split = fold.by_activity
    assert split.active.rows + split.inactive.rows == fold.measures.rows and split.inactive.churned
    for plot in (churn.plots.gains, churn.plots.lift):
        drawn = plot(fold).lines[0].get_ydata()
        given = plot([row.probability for row in fold.predictions], [row.churned for row in fold.predictions])
        assert np.array_equal(drawn, given.lines[0].get_ydata())
        with pytest.raises(churn.InvalidOptionError, match="no predictions"):
            plot(model.report.out_of_time)
        with pytest.raises(churn.InvalidOptionError, match="churned is missing"):
            plot([0.1, 0.2])
    plt.close("all")


def test_matrices_labels_plans_and_reports_pickle(records):
    dates = ["2024-03-01", "2023-12-01"]
    matrix = churn.features(records, dates)
    read = pickle.loads(pickle.dumps(matrix))
    assert read.to_numpy().tobytes() == matrix.to_numpy().tobytes()
    assert (read.feature_names, read.levels, read.plan_fingerprint) == (
        matrix.feature_names,
        matrix.levels,
        matrix.plan_fingerprint,
    )
    assert read.customer_ids == matrix.customer_ids and (read.as_of == matrix.as_of).all()
    labels = churn.labels(records, "2024-01-01", churn.Inactivity(horizon=60))
    found = pickle.loads(pickle.dumps(labels))
    assert found.to_arrow() == labels.to_arrow() and found.excluded.to_arrow() == labels.excluded.to_arrow()
    assert repr(found) == repr(labels)
    plan = churn.FeaturePlan.standard(windows=(7, 30)).with_feature(name="n", source="tickets", window=30)
    again = churn.features(records, dates, plan=pickle.loads(pickle.dumps(plan)))
    assert again.plan_fingerprint == churn.features(records, dates, plan=plan).plan_fingerprint
    rows = [{"customer_id": "C-1", "signed_up_at": "soon"}, {"customer_id": "C-2", "signed_up_at": "2024-01-01"}]
    report = churn.TenantRecords(tenant="acme", customers=rows, on_invalid="quarantine").report
    found = pickle.loads(pickle.dumps(report))
    assert repr(found) == repr(report) and found._repr_html_() == report._repr_html_()
    assert repr(pickle.loads(pickle.dumps(report.issues[0]))) == repr(report.issues[0])
    assert repr(pickle.loads(pickle.dumps(report.tables["customers"]))) == repr(report.tables["customers"])


def test_a_damaged_pickle_is_an_error_of_the_library(records):
    for kind in (churn.FeatureMatrix, churn.Labels, churn.FeaturePlan):
        with pytest.raises(churn.ArtifactError):
            kind._restore(b"damaged")
