"""Tests that all public functions have named arguments with types, and that errors name the invalid argument."""

import inspect
import subprocess
import sys
from decimal import Decimal

import churn_core as churn
import numpy as np
import pytest
from conftest import AS_OF, DEFINITION

MODULES = (churn, churn.ensemble, churn.synthetic, churn.store, churn.plots, churn.aio)
# Python or scikit-learn prescribes the signatures of these methods.
NOT_OURS = {"set_params", "fromkeys", "with_traceback", "add_note", "update"}


def callables():
    for module in MODULES:
        for name in module.__all__:
            found = getattr(module, name)
            if inspect.ismodule(found) or not callable(found):
                continue
            yield f"{module.__name__}.{name}", found
            if inspect.isclass(found) and not issubclass(found, (BaseException, dict, tuple)):
                for part in dir(found):
                    member = inspect.getattr_static(found, part)
                    if part.startswith("_") or isinstance(member, property) or inspect.isdatadescriptor(member):
                        continue
                    if callable(getattr(found, part)):
                        yield f"{module.__name__}.{name}.{part}", getattr(found, part)


def test_no_callable_takes_anything():
    checked = 0
    for name, found in callables():
        if name.rsplit(".", 1)[-1] in NOT_OURS or inspect.isclass(found) and issubclass(found, (dict, tuple, BaseException)):
            continue
        try:
            signature = inspect.signature(found)
        except ValueError:
            # Users cannot make objects of this class. Only the package itself makes them.
            assert inspect.isclass(found), name
            continue
        kinds = {parameter.kind for parameter in signature.parameters.values()}
        assert inspect.Parameter.VAR_KEYWORD not in kinds, f"{name}{signature}"
        assert inspect.Parameter.VAR_POSITIONAL not in kinds, f"{name}{signature}"
        assert "..." not in str(signature), f"{name}{signature}"
        checked += 1
    assert checked > 150


def test_train_has_typed_keywords():
    parameters = inspect.signature(churn.ChurnModel.train).parameters
    assert list(parameters)[:6] == ["records", "definition", "as_of", "seed", "threads", "progress"]
    wanted = {"plan": None, "shared": False, "leakage": "refuse", "allow_columns": (), "linear": True, "folds": 5}
    for name, default in wanted.items():
        assert parameters[name].kind is parameters[name].KEYWORD_ONLY and parameters[name].default == default
    assert set(parameters) <= set(inspect.signature(churn.backtest).parameters)


def test_defaults_are_those_of_the_core(records):
    """The model does not change if the default values in the signature are passed explicitly."""
    options = {"folds": 2, "forest": False, "boosting": {"n_trees": 5}}
    plain = churn.ChurnModel.train(records, DEFINITION, **options)
    parameters = inspect.signature(churn.ChurnModel.train).parameters
    defaults = {
        name: parameter.default
        for name, parameter in parameters.items()
        if parameter.kind is parameter.KEYWORD_ONLY and name not in ("progress",)
    }
    assert churn.ChurnModel.train(records, DEFINITION, **defaults | options).id == plain.id


def test_unknown_arguments_are_type_errors(records):
    for call in (
        lambda: churn.ChurnModel.train(records, colour="red"),
        lambda: churn.TenantRecords("a", [], colour="red"),
        lambda: churn.partition([], colour="red"),
        lambda: churn.FeaturePlan.standard().with_feature(name="x", source="payments", colour="red"),
        lambda: churn.FeaturePlan.standard().with_feature(name="x"),
        lambda: churn.ChurnClassifier(colour="red"),
        lambda: churn.synthetic.world(colour="red"),
        lambda: churn.backtest(records, colour="red"),
    ):
        with pytest.raises(TypeError):
            call()


WRONG = {
    "horizon": [
        lambda r, m: churn.Inactivity(-5),
        lambda r, m: churn.Inactivity(horizon="90d"),
        lambda r, m: churn.Inactivity("payments", 90),
        lambda r, m: churn.Cancellation(horizon=0),
        lambda r, m: churn.Cancellation(horizon=90.5),
        lambda r, m: churn.Cancellation(horizon=True),
        lambda r, m: churn.Cancellation(horizon=10**12),
        lambda r, m: churn.Cancellation(horizon=None),
    ],
    "lead": [lambda r, m: churn.Cancellation(lead=-1), lambda r, m: churn.Inactivity(lead="1")],
    "active_within": [lambda r, m: churn.Inactivity(active_within=-3), lambda r, m: churn.Inactivity(active_within=0)],
    "on": [lambda r, m: churn.Inactivity(on="tickets"), lambda r, m: churn.Inactivity(on=3)],
    "definition": [lambda r, m: churn.ChurnModel.train(r, "cancellation"), lambda r, m: churn.labels(r, AS_OF, r)],
    "records": [
        lambda r, m: churn.ChurnModel.train(DEFINITION, r),
        lambda r, m: churn.features(AS_OF, r),
        lambda r, m: churn.labels([], AS_OF),
        lambda r, m: churn.backtest(None),
        lambda r, m: m.score(AS_OF, r),
        lambda r, m: m.features({}, AS_OF),
    ],
    "as_of": [
        lambda r, m: churn.features(r, 20240101),
        lambda r, m: churn.features(r, "yesterday"),
        lambda r, m: m.score(r, r),
        lambda r, m: churn.ChurnModel.train(r, as_of=5),
    ],
    "origins": [lambda r, m: churn.backtest(r, origins="soon")],
    "matrix": [lambda r, m: m.explain(r), lambda r, m: m.predict_proba([[1.0]]), lambda r, m: m.log_odds(None)],
    "seed": [lambda r, m: churn.ChurnModel.train(r, seed=-1), lambda r, m: churn.ChurnModel.train(r, seed="0")],
    "threads": [
        lambda r, m: churn.ChurnModel.train(r, threads=0),
        lambda r, m: m.score(r, AS_OF, threads=-2),
        lambda r, m: churn.features(r, AS_OF, threads="all"),
    ],
    "folds": [lambda r, m: churn.ChurnModel.train(r, folds=-1), lambda r, m: churn.ChurnModel.train(r, folds=1)],
    "max_rows": [lambda r, m: churn.ChurnModel.train(r, max_rows=-1)],
    "leakage": [lambda r, m: churn.ChurnModel.train(r, leakage="perhaps"), lambda r, m: churn.ChurnModel.train(r, leakage=1)],
    "shared": [lambda r, m: churn.ChurnModel.train(r, shared="yes")],
    "allow_columns": [lambda r, m: churn.ChurnModel.train(r, allow_columns=[1])],
    "churn_weight": [lambda r, m: churn.ChurnModel.train(r, churn_weight="heavy")],
    "plan": [lambda r, m: churn.features(r, AS_OF, plan="standard"), lambda r, m: churn.ChurnModel.train(r, plan=28)],
    "boosting": [lambda r, m: churn.ChurnModel.train(r, boosting=3), lambda r, m: churn.ChurnModel.train(r, boosting="no")],
    "monotone_constraints": [
        lambda r, m: churn.ChurnModel.train(r, monotone_constraints={"customer_tenure_days": "up"}),
        lambda r, m: churn.ChurnModel.train(r, monotone_constraints=["customer_tenure_days"]),
    ],
    "windows": [
        lambda r, m: churn.FeaturePlan.standard(windows=()),
        lambda r, m: churn.FeaturePlan.standard(windows=[0]),
        lambda r, m: churn.FeaturePlan.standard(windows=28),
        lambda r, m: churn.FeaturePlan.standard(windows=["28"]),
    ],
    "window": [lambda r, m: churn.FeaturePlan.standard().with_feature(name="x", source="payments", window=-1)],
    "source": [lambda r, m: churn.FeaturePlan.standard().with_feature(name="x", source="invoices")],
    "on_invalid": [lambda r, m: churn.TenantRecords("a", [], on_invalid="ignore")],
    "static_attributes": [lambda r, m: churn.TenantRecords("a", [], static_attributes="plan")],
    "tenant": [lambda r, m: churn.TenantRecords([], "a"), lambda r, m: churn.TenantRecords(5, [])],
    "observed_until": [lambda r, m: churn.TenantRecords("a", [], observed_until="never")],
    "currency": [lambda r, m: churn.TenantRecords("a", [], currency=978)],
    "conversion_rates": [lambda r, m: churn.TenantRecords("a", [], conversion_rates={"EUR": "one"})],
    "top": [
        lambda r, m: m.score(r, AS_OF).riskiest(-1),
        lambda r, m: m.score(r, AS_OF).reasons("C-001", top=-1),
        lambda r, m: m.score(r, AS_OF).riskiest(top=2.5),
    ],
    "customer_id": [lambda r, m: m.score(r, AS_OF).score_of(None), lambda r, m: m.score(r, AS_OF).reasons(1.5)],
    "reasons": [lambda r, m: m.score(r, AS_OF).to_pandas(reasons=-1)],
    "interval": [lambda r, m: m.score(r, AS_OF).to_pandas(interval="yes")],
    "data": [lambda r, m: churn.ChurnModel.from_bytes("text"), lambda r, m: churn.TreeEnsemble.from_bytes(3)],
    "path": [lambda r, m: churn.ChurnModel.load(3)],
    "customers": [lambda r, m: churn.synthetic.world(customers=-1)],
    "table": [lambda r, m: churn.columns("invoices")],
    "progress": [lambda r, m: churn.features(r, AS_OF, progress=3)],
    "random_state": [lambda r, m: churn.ChurnClassifier(random_state=-1).fit([[1.0], [2.0]], [0, 1])],
    "n_jobs": [lambda r, m: churn.ChurnClassifier(n_jobs=0).fit([[1.0], [2.0]], [0, 1])],
}


@pytest.mark.parametrize("name", WRONG)
def test_wrong_values_are_named(name, records, model):
    for call in WRONG[name]:
        with pytest.raises(churn.InvalidOptionError) as caught:
            call(records, model)
        error = caught.value
        assert (error.code, error.column) == ("invalid_option", name), error
        assert name in str(error) and isinstance(error, ValueError)


def test_numbers_of_numpy_are_numbers(records):
    definition = churn.Inactivity(np.int64(60), lead=np.uint8(0), on="payments")
    assert definition == churn.Inactivity(60)
    assert len(churn.FeaturePlan.standard(np.array([28, 91])).windows) == 2
    assert churn.features(records, AS_OF, threads=np.int32(1)).shape[0] == 300


def test_ids_that_are_numbers(model):
    customers = [{"customer_id": Decimal(7), "signed_up_at": "2023-01-01"}]
    payments = [{"customer_id": 7, "due_at": "2024-02-01", "amount": 1}]
    records = churn.TenantRecords("acme", customers, payments, tickets=[])
    assert records.customer_ids == ["7"]
    run = churn.ChurnModel.from_bytes(model.to_bytes())
    with pytest.raises(churn.CustomerNotFoundError):
        run.score(churn.TenantRecords("acme", customers, payments, tickets=[], static_attributes="all"), AS_OF).reasons(17)


def test_namespaces_are_clean():
    for module in MODULES:
        names = dir(module)
        assert names == sorted(module.__all__), module.__name__
        assert not {"Any", "annotations", "TYPE_CHECKING"} & set(names)
    code = (
        "import sys, churn_core as churn\n"
        "assert not {'sklearn', 'matplotlib', 'pandas', 'polars', 'pyarrow', 'scipy'} & set(sys.modules)\n"
        "churn.plots.risk, churn.ensemble.Logistic, churn.aio.train, churn.store.User, churn.synthetic.world\n"
        "try: churn.nothing\n"
        "except AttributeError as error: assert 'churn_core' in str(error)\n"
    )
    subprocess.run([sys.executable, "-c", code], check=True)


def test_public_names_in_errors_and_help():
    for name in churn.__all__:
        found = getattr(churn, name)
        if inspect.isclass(found):
            assert found.__module__ == "churn_core", name
    code = "import churn_core as churn\nchurn.TenantRecords('acme', [{'customer_id': 'a'}])"
    ran = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert "\nchurn_core.InvalidRecordsError: " in ran.stderr and "quarantine" in ran.stderr


def test_the_column_dictionary():
    text = churn.TenantRecords.__doc__
    for table in ("customers", "payments", "tickets", "activities"):
        columns = churn.columns(table)
        line = text[text.index(f"- {table}: ") :].split("\n- ")[0].split("\n\n")[0]
        for column in columns:
            shown = column.name.upper() if column.required else column.name
            assert shown in line.replace(",", " ").split(), (table, column.name)
            assert column.meaning and column.type in ("id", "timestamp", "number", "text")
        assert columns.to_pandas()["name"].tolist() == [column.name for column in columns]
        assert len(str(columns).splitlines()) == len(columns) and "<table>" in columns._repr_html_()
    for name in inspect.signature(churn.TenantRecords).parameters:
        assert f"\n    {name}: " in text or f"\n        {name}: " in text, name
