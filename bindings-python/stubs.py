"""Writes the type stubs of the native module and of `churn_core.aio`.

The names, order and defaults of arguments come from the signatures of the built module. The types come from the tables
below, which are indexed by the name of the argument or function. It is an error if a function or argument has no entry
in the tables.

    python stubs.py          writes the stubs
    python stubs.py --check  fails if they are not up to date
"""

from __future__ import annotations

import inspect
import sys
from pathlib import Path
from typing import Any

FOLDER = Path(__file__).parent / "python/churn_core"

HEAD = '''"""Types of the native module. Written by stubs.py from the built module; changes here are lost."""

import builtins
from collections.abc import Awaitable, Callable, Iterable, Iterator, Mapping
from datetime import date, datetime
from os import PathLike
from typing import Any, Literal, TypeAlias, final, overload

import numpy as np
import numpy.typing as npt

from ._report import GradientBoostingOptions, OutOfTime, RandomForestOptions, TrainReport, Warning
from ._results import Explanation, Finding, Reason, Score
from .store import (
    ApiKey,
    Attestation,
    AuditPage,
    Company,
    ConnectionStatistics,
    CustomerPage,
    RecordPage,
    RiskPage,
    RunChanges,
    RunId,
    RunSummary,
    ScoreCursor,
    ScoredOutcome,
    ScorePage,
    StoredModel,
    StoredOutcome,
    StoredScore,
    SyncCursor,
    Upserted,
    User,
)

_Moment: TypeAlias = str | date | datetime | np.datetime64
_Dates: TypeAlias = _Moment | Iterable[_Moment]
_Progress: TypeAlias = bool | Callable[[str, float], object] | None
_Definition: TypeAlias = Cancellation | Inactivity
# A table: an object that has the Arrow PyCapsule interface, a pandas frame, a list of rows, or a dict of columns.
_Table: TypeAlias = Any
_OnInvalid: TypeAlias = Literal["refuse", "quarantine"]
_Leakage: TypeAlias = Literal["refuse", "warn", "allow"]
_Direction: TypeAlias = Literal["increasing", "decreasing"]
_TableName: TypeAlias = Literal["customers", "payments", "tickets", "activities"]
_Stage: TypeAlias = Literal["champion", "challenger", "retired"]
_Role: TypeAlias = Literal["viewer", "analyst", "admin", "owner"]
_Purpose: TypeAlias = Literal["served", "trial"]
_RiskBand: TypeAlias = Literal["low", "medium", "high", "critical"]
_Order: TypeAlias = Literal["probability", "value_at_risk"]
_Id: TypeAlias = str | int
_Bytes: TypeAlias = bytes | bytearray | memoryview
_Path: TypeAlias = str | PathLike[str]

'''

AIO_HEAD = '''"""Types of the awaited calls. Written by stubs.py from the built module; changes here are lost."""

import builtins
from collections.abc import Callable, Iterable, Mapping
from typing import Any, Literal, Self

import numpy as np
import numpy.typing as npt

from . import Partition
from ._churn_core import (
    ChurnModel,
    FeatureMatrix,
    FeaturePlan,
    Labels,
    ScoreRun,
    TenantRecords as _TenantRecords,
    World,
    _Dates,
    _Definition,
    _Direction,
    _Id,
    _Leakage,
    _Moment,
    _OnInvalid,
    _Order,
    _Path,
    _Progress,
    _Purpose,
    _RiskBand,
    _Role,
    _Stage,
    _Table,
)
from ._report import GradientBoostingOptions, OutOfTime, RandomForestOptions
from ._results import Explanation, Score
from .store import (
    ApiKey,
    Attestation,
    AuditPage,
    Company,
    ConnectionStatistics,
    CustomerPage,
    RecordPage,
    RiskPage,
    RunChanges,
    RunId,
    RunSummary,
    ScoreCursor,
    ScoredOutcome,
    ScorePage,
    StoredModel,
    StoredOutcome,
    StoredScore,
    SyncCursor,
    Upserted,
    User,
)

'''

OPTIONAL = "{} | None"
#: Types of arguments by name. An entry for ``Class.method.argument`` takes precedence over an entry for ``argument``.
ARGUMENTS = {
    # Arguments that concern records and tables.
    "subscriptions": "_Table", "subscriptions_to_customers.customers": "_Table | None",
    "tenant": "str", "customers": "_Table", "payments": "_Table | None", "tickets": "_Table | None",
    "activities": "_Table | None", "on_invalid": "_OnInvalid", "observed_until": "_Moment | None",
    "observed_from": "_Moment | None", "static_attributes": 'Iterable[str] | Literal["all"] | None',
    "ties": 'Literal["given", "content"]', "currency": "str | None", "conversion_rates": "Mapping[str, float] | None",
    "threads": "int | None", "rows": "Any", "batches": "Iterable[_Table]", "table": "_TableName | Literal[\"subscriptions\"]", "records": "TenantRecords",
    # Arguments that concern definitions of churn, feature plans and feature matrices.
    "horizon": "int", "lead": "int", "active_within": "int | None", "on": 'Literal["payments", "activities"]',
    "windows": "Iterable[int]", "name": "str", "source": "_TableName", "filter": "Iterable[str | Mapping[str, Any]] | None",
    "axis": "str | None", "measure": "str | Mapping[str, Any] | None", "function": "str | Mapping[str, Any] | None",
    "window": "int | None", "as_of": "_Dates", "plan": "FeaturePlan | None", "definition": "_Definition | None",
    "progress": "_Progress", "matrix": "FeatureMatrix", "_report_text.kind": "str", "json": "str", "html": "bool",
    # Arguments of training runs, backtests and score runs.
    "seed": "int", "shared": "bool", "leakage": "_Leakage", "allow_columns": "Iterable[str]", "linear": "bool",
    "boosting": "bool | GradientBoostingOptions | None", "deep_boosting": "bool | GradientBoostingOptions | None",
    "forest": "bool | RandomForestOptions | None", "max_rows": "int", "folds": "int", "churn_weight": "float",
    "monotone_constraints": "Mapping[str, _Direction] | None", "origins": "_Dates | None", "embargo_days": "int",
    "unseen_customers": "bool", "train.as_of": "_Dates | None", "backtest.as_of": "_Dates | None",
    "ChurnModel.train.as_of": "_Dates | None", "ChurnModel.score.as_of": "_Moment", "score.as_of": "_Moment",
    "ChurnModel.score_customer.as_of": "_Moment", "score_customer.as_of": "_Moment", "customer": "Mapping[str, Any] | _Table",
    "top": "int", "interval": "bool", "reasons": "int", "customer_id": "_Id", "path": "_Path", "data": "_Bytes",
    "_restore.model": "ChurnModel", "_restore.data": "bytes", "ScoreRun.__getitem__.key": "int | slice",
    # Arguments that concern trees and numeric matrices.
    "path_or_bytes": "_Path | _Bytes", "path_or_text": "_Path | _Bytes", "estimator": "Any", "X": "Any", "y": "Any",
    "sample_weight": "Any", "groups": "Any", "feature_names": "Iterable[str]", "x": "Any", "churned": "npt.NDArray[np.bool_]",
    "weights": "npt.NDArray[np.float64] | None", "options": "Mapping[str, Any]", "FlatModel.fit.table": "FlatTable",
    "FlatModel.table": "FlatTable", "classes": "npt.NDArray[np.uint32]", "FlatModel.fit.groups": "npt.NDArray[np.uint32] | None",
    "class_weights": "str | list[float] | None", "FlatModel.fit.leakage": "str", "names": "list[str]",
    "FlatModel.fit.monotone_constraints": "Mapping[str, str] | None", "categorical": "Iterable[str]",
    "args": "tuple[Any, ...]", "kwargs": "dict[str, Any]", "Canceller.call.function": "Callable[..., Any]",
    # Arguments of synthetic tenants.
    "tenants": "int", "world.customers": "int", "start": "_Moment | None", "days": "int | None",
    "initial_customers": "float | None", "activities_per_day": "float | None", "tickets_per_day": "float | None",
    "billing_days": "int | None", "risk": "float", "returning": "float | None", "late_known": "float | None", "dated": "bool",
    "hidden": "float", "drift": "float", "base_rate_shift": "float", "duplicates": "float", "events_without_customer": "float",
    "unknown_ids": "float", "leaks": "str | Iterable[str] | None", "paths": "int | None",
    # Arguments of the store.
    "url": "str", "migrate": "bool", "role": "str", "ApiKeyStore.create.role": "_Role", "UserStore.upsert.role": "_Role",
    "model": "ChurnModel", "at": "_Moment", "stage": "_Stage", "model_id": "str", "run": "RunId | ScoreRun",
    "ScoreStore.save.run": "ScoreRun", "ScoreStore.save.reasons": "int | None", "limit": "int", "min_probability": "float",
    "ScoreStore.high_risk.run": "RunId | ScoreRun | None", "ScoreStore.high_risk.after": "tuple[float, str] | None",
    "after": "int | None", "OutcomeStore.save.definition": "_Definition", "setting": "str", "value": "object",
    "user_id": "str", "email": "str", "UserStore.upsert.name": "str | None", "key_id": "str", "secret": "str",
    "CursorStore.get.source": "str", "CursorStore.set.source": "str", "position": "str", "actor": "str", "action": "str",
    "subject": "str | None", "details": "object",
    "readers": "int | None", "writers": "int | None", "connect_timeout": "float | None", "wait_timeout": "float | None",
    "statement_timeout": "float | None", "max_pages": "int | None", "host_tables": "Iterable[str]", "text": "str",
    "ApiKeyStore.issue.role": "_Role", "label": "str | None", "scopes": "Iterable[str] | None", "expires_at": "_Moment | None",
    "AuditStore.query.actor": "str | None", "AuditStore.query.action": "str | None", "since": "_Moment | None",
    "until": "_Moment | None", "newest_first": "bool", "prefix": "str", "attributes": "Mapping[str, str] | None",
    "RecordStore.find.churned": "bool | None", "RecordStore.find.after": "str | None", "purpose": "_Purpose",
    "values": "Mapping[str, float] | None", "ScoreStore.runs.before": "_Moment | None",
    "ScoreStore.query.run": "RunId | ScoreRun | None", "order": "_Order", "bands": "Iterable[_RiskBand] | None",
    "scored": "bool | None", "ScoreStore.query.customer_ids": "Iterable[_Id] | None", "RecordStore.delete.ids": "Iterable[_Id]",
    "ScoreStore.query.min_probability": "float | None", "ScoreStore.query.after": "ScoreCursor | None", "total": "bool",
    "ScoreStore.changes.before": "RunId | ScoreRun", "ScoreStore.changes.after": "RunId | ScoreRun", "sql": "str",
    "TenantStore.execute.args": "Iterable[Any]", "TenantStore.query.args": "Iterable[Any]",
    "TenantTransaction.execute.args": "Iterable[Any]", "TenantTransaction.query.args": "Iterable[Any]", "commit": "bool",
    "requested_schema": "Any", "key": "str", "trace": "object",
}  # fmt: skip
FRAME = {"to_pandas": "Any", "to_polars": "Any", "to_arrow": "Any", "__arrow_c_stream__": "Any"}
NUMBERS = "npt.NDArray[np.float64]"
#: Types of results and attributes by name. An entry for ``Class.method`` takes precedence over an entry for ``method``.
RESULTS = FRAME | {
    "__repr__": "str", "__str__": "str", "_repr_html_": "str", "__len__": "int", "__hash__": "int", "__eq__": "bool",
    "__ne__": "bool", "__bool__": "bool", "__reduce__": "tuple[Any, ...]", "__version__": "str",
    "features": "FeatureMatrix", "labels": "Labels", "backtest": "list[OutOfTime]", "leaks": "dict[str, str]",
    "world": "World", "columns": 'list[tuple[str, Literal["id", "timestamp", "number", "text"], bool, str]]',
    "subscriptions_to_customers": "tuple[CustomersTable, list[Finding]]", "CustomersTable.columns": "list[str]",
    "_report_text": "str",
    "partition": "tuple[dict[str, TenantRecords], ValidationReport, dict[str, dict[str, list[int]]]]",
    "fit_boosting": "TreeEnsemble", "fit_forest": "TreeEnsemble", "open_awaited": "Awaitable[Any]",
    "tenant": "str", "as_of": "datetime", "model_id": "str", "customer_ids": "list[str]", "feature_names": "list[str]",
    "predict_proba": NUMBERS, "to_bytes": "bytes", "save": "None", "explain": "Explanation", "id": "str",
    "TableReport.rows_in": "int", "TableReport.rows_accepted": "int", "TableReport.rows_quarantined": "int",
    "TableReport.quarantined": "list[int]", "TableReport.events_before_sign_up": "int",
    "ValidationIssue.table": "str", "ValidationIssue.row": "int | None", "ValidationIssue.column": "str | None",
    "ValidationIssue.code": "str", "ValidationIssue.message": "str",
    "ValidationReport.tables": "dict[str, TableReport]", "ValidationReport.issues": "list[ValidationIssue]",
    "ValidationReport.findings": "list[Finding]", "ValidationReport.undated_attributes": "dict[str, str]", "ValidationReport.is_clean": "bool",
    "TenantRecords.report": "ValidationReport", "TenantRecords.currency": "str | None",
    "observed_from": "datetime", "observed_until": "datetime",
    "TenantRecords.observed_from": "datetime | None", "TenantRecords.observed_until": "datetime | None",
    "horizon": "int", "lead": "int", "active_within": "int | None", "on": "str",
    "FeaturePlan.standard": "FeaturePlan", "FeaturePlan.with_feature": "FeaturePlan", "FeaturePlan.windows": "list[int]",
    "FeatureMatrix.as_of": "npt.NDArray[np.datetime64]", "shape": "tuple[int, int]", "plan_fingerprint": "str",
    "levels": "dict[str, list[str]]", "to_numpy": NUMBERS, "FlatTable.to_numpy": "npt.NDArray[Any]", "__getitem__": "Any",
    "Labels.excluded": "Labels", "Labels.churned": "npt.NDArray[np.bool_]",
    "ScoreRun.scores": "list[Score]", "ScoreRun.warnings": "list[Warning]", "ScoreRun.probabilities": NUMBERS, "ScoreRun.matrix": "FeatureMatrix",
    "ScoreRun.score_of": "Score", "ScoreRun.reasons": "list[Reason]", "ScoreRun.riskiest": "list[Score]",
    "ScoreRun.__iter__": "Iterator[Score]", "ScoreRun._restore": "ScoreRun", "FeatureMatrix._restore": "FeatureMatrix",
    "Labels._restore": "Labels", "FeaturePlan._restore": "FeaturePlan", "TableReport._restore": "TableReport",
    "ValidationIssue._restore": "ValidationIssue", "ValidationReport._restore": "ValidationReport",
    "ChurnModel.train": "ChurnModel", "ChurnModel.report": "TrainReport", "card": "dict[str, Any]", "card_json": "str",
    "card_markdown": "str", "ChurnModel.definition": "_Definition", "ChurnModel.tenant": "str | None",
    "risk_bands": "dict[str, float]", "ChurnModel.score": "ScoreRun", "ChurnModel.score_customer": "Score",
    "ChurnModel.features": "FeatureMatrix", "log_odds": NUMBERS, "ChurnModel.load": "ChurnModel",
    "ChurnModel.from_bytes": "ChurnModel",
    "TreeEnsemble.from_xgboost": "TreeEnsemble", "TreeEnsemble.from_lightgbm": "TreeEnsemble",
    "TreeEnsemble.from_sklearn": "TreeEnsemble", "TreeEnsemble.with_feature_names": "TreeEnsemble",
    "TreeEnsemble.from_bytes": "TreeEnsemble", "TreeEnsemble.feature_names": "list[str] | None",
    "TreeEnsemble.link": 'Literal["log_odds", "probability"]', "n_features": "int",
    "FlatTable.names": "list[str]", "FlatTable.renamed": "FlatTable",
    "FlatModel.fit": "FlatModel", "FlatModel.report": "str", "FlatModel.predict_interval": NUMBERS,
    "FlatModel.reasons": "list[list[Reason]]", "FlatModel.from_bytes": "FlatModel",
    "LinearModel.fit": "LinearModel", "coefficients": NUMBERS, "intercept": "float", "LinearModel.from_bytes": "LinearModel",
    "Canceller.call": "Any", "Canceller.cancel": "None",
    "WorldTable.columns": "list[str]", "WorldTenant.customers": "WorldTable", "WorldTenant.payments": "WorldTable",
    "WorldTenant.tickets": "WorldTable", "WorldTenant.activities": "WorldTable", "Truth.probability": NUMBERS,
    "Truth.churned": "npt.NDArray[np.bool_] | list[bool | None]", "World.tenants": "dict[str, WorldTenant]",
    "World.truth": "Truth", "World.truth_at": "Truth", "World.dates": "list[datetime]", "World.mixed": "dict[str, WorldTable]",
    "RecordStore.upsert": "Upserted", "RecordStore.upsert_batches": "Upserted", "RecordStore.count": "int",
    "RecordStore.delete": "int", "RecordStore.page": "RecordPage", "RecordStore.of_customer": "list[dict[str, Any]]",
    "ModelStore.load": "ChurnModel", "ModelStore.champion": "ChurnModel | None", "ModelStore.promote": "None",
    "ModelStore.list": "builtins.list[StoredModel]", "delete": "None",
    "ScoreStore.save": "RunId", "ScoreStore.runs": "list[RunSummary]", "ScoreStore.high_risk": "RiskPage",
    "ScoreStore.history": "list[StoredScore]", "OutcomeStore.save": "int", "OutcomeStore.of_run": "list[ScoredOutcome]",
    "OutcomeStore.of_customer": "list[StoredOutcome]", "CompanyStore.get": "Company", "CompanyStore.rename": "None",
    "CompanyStore.set": "None", "CompanyStore.unset": "bool", "UserStore.upsert": "None", "UserStore.get": "User | None",
    "UserStore.list": "builtins.list[User]", "UserStore.remove": "bool", "ApiKeyStore.create": "None",
    "ApiKeyStore.verify": "ApiKey | None", "ApiKeyStore.list": "builtins.list[ApiKey]", "ApiKeyStore.revoke": "None",
    "CursorStore.get": "SyncCursor | None", "CursorStore.set": "None", "AuditStore.append": "None",
    "AuditStore.page": "AuditPage", "TenantStore.customers": "RecordStore", "TenantStore.payments": "RecordStore",
    "TenantStore.tickets": "RecordStore", "TenantStore.activities": "RecordStore", "TenantStore.models": "ModelStore",
    "TenantStore.scores": "ScoreStore", "TenantStore.outcomes": "OutcomeStore", "TenantStore.company": "CompanyStore",
    "TenantStore.users": "UserStore", "TenantStore.api_keys": "ApiKeyStore", "TenantStore.cursors": "CursorStore",
    "TenantStore.audit": "AuditStore", "TenantStore.records": "TenantRecords", "erase_customer": "int",
    **{f"TenantTransaction.{name}": f"{kind}Store" for name, kind in {
        "customers": "Record", "payments": "Record", "tickets": "Record", "activities": "Record", "models": "Model",
        "scores": "Score", "outcomes": "Outcome", "company": "Company", "users": "User", "api_keys": "ApiKey",
        "cursors": "Cursor", "audit": "Audit",
    }.items()},
    "TenantTransaction.records": "TenantRecords", "TenantTransaction.commit": "None", "TenantTransaction.rollback": "None",
    "TenantTransaction.__enter__": "TenantTransaction", "TenantTransaction._finish": "Any", "TenantStore.begin": "TenantTransaction",
    "revision": "int", "execute": "int", "TenantStore.query": "list[dict[str, Any]]",
    "TenantTransaction.query": "list[dict[str, Any]]", "RecordStore.check": "Upserted", "RecordStore.find": "CustomerPage",
    "count_customers": "int", "ModelStore.get": "StoredModel | None", "ScoreStore.query": "ScorePage",
    "ScoreStore.changes": "RunChanges", "UserStore.by_email": "User | None", "ApiKeyStore.issue": "str",
    "AuditStore.query": "AuditPage", "Store.ping": "None", "Store.connections": "ConnectionStatistics", "Store.backup": "None",
    "Store.authenticate": "tuple[TenantStore, ApiKey] | None",
    "Store.open": "Store", "Store.migrate": "None", "Store.version": "int", "Store.grant_to": "None",
    "Store.attest": "Attestation", "Store.close": "None", "Store.backend": 'Literal["sqlite", "postgres"]',
    "Store.tenant": "TenantStore", "__enter__": "Store", "__exit__": "None",
}  # fmt: skip
#: The stubs of methods that have several signatures.
OVERLOADS = {
    "ScoreRun.__getitem__": (
        "    @overload\n    def __getitem__(self, key: int, /) -> Score: ...\n"
        "    @overload\n    def __getitem__(self, key: slice, /) -> list[Score]: ...\n"
    )
}
#: Members that every Python object has. The stubs leave them out.
INHERITED = set(dir(object)) - {"__eq__", "__hash__", "__reduce__"}


def lookup(table: dict[str, str], owner: str, name: str, last: str = "") -> str:
    """Looks up the type of a function or argument. If several entries match, the most specific one counts."""
    paths = [f"{owner}.{name}.{last}", f"{name}.{last}", f"{owner}.{last}", last] if last else [f"{owner}.{name}", name]
    for path in paths:
        if path.lstrip(".") in table:
            return table[path.lstrip(".")]
    raise SystemExit(f"stubs.py has no type for {'.'.join(part for part in (owner, name, last) if part)}")


def default(value: Any) -> str:
    return "..." if value is Ellipsis else repr(value)


def arguments(owner: str, name: str, function: Any) -> str:
    signature = inspect.signature(function)
    found, slash, star = [], False, False
    for parameter in signature.parameters.values():
        kind = parameter.kind
        if parameter.name in ("self", "slf"):
            found.append("self")
            slash = kind is parameter.POSITIONAL_ONLY
            continue
        if slash and kind is not parameter.POSITIONAL_ONLY and name.startswith("__"):
            pass
        slash = False
        if kind is parameter.KEYWORD_ONLY and not star:
            found.append("*")
            star = True
        mark = "*" if kind is parameter.VAR_POSITIONAL else ""
        star = star or bool(mark)
        text = f"{mark}{parameter.name}: {lookup(ARGUMENTS, owner, name, parameter.name)}"
        if parameter.default is not parameter.empty:
            text += f" = {default(parameter.default)}"
        found.append(text)
    if name.startswith("__") and name not in ("__new__", "__arrow_c_stream__", "__exit__") and len(found) > 1:
        found.append("/")
    return ", ".join(found)


def of_class(name: str, kind: type) -> str:
    lines = [f"@final\nclass {name}:\n"]
    try:
        own = arguments(name, "__new__", kind)
        lines.append(f"    def __new__(cls{', ' if own else ''}{own}) -> {name}: ...\n")
    except ValueError:
        pass
    for part, member in sorted(vars(kind).items()):
        if part in INHERITED or part in ("__new__", "__module__", "__doc__"):
            continue
        if f"{name}.{part}" in OVERLOADS:
            lines.append(OVERLOADS[f"{name}.{part}"])
        elif part == "__eq__":
            lines.append("    def __eq__(self, value: object, /) -> bool: ...\n")
        elif part == "__hash__":
            lines.append("    def __hash__(self) -> int: ...\n" if member is not None else "    __hash__ = None  # type: ignore[assignment]\n")
        elif inspect.isdatadescriptor(member):
            lines.append(f"    @property\n    def {part}(self) -> {lookup(RESULTS, name, part)}: ...\n")
        elif callable(member) or isinstance(member, (staticmethod, classmethod)):
            static = isinstance(vars(kind)[part], staticmethod)
            function = getattr(kind, part)
            decorator = "    @staticmethod\n" if static else ""
            lines.append(f"{decorator}    def {part}({arguments(name, part, function)}) -> {lookup(RESULTS, name, part)}: ...\n")
    if len(lines) == 1:
        lines.append("    ...\n")
    return "".join(lines)


def native(module: Any) -> str:
    shown = {"__version__", "_report_text"}
    names = sorted(name for name in dir(module) if not name.startswith("_") or name in shown)
    text = HEAD + "__version__: str\n__all__ = [\n" + "".join(f'    "{name}",\n' for name in names) + "]\n"
    for name in names:
        member = getattr(module, name)
        if inspect.isclass(member):
            text += "\n" + of_class(name, member)
        elif callable(member):
            text += f"\ndef {name}({arguments('', name, member)}) -> {lookup(RESULTS, '', name)}: ...\n"
    return text


AIO_RESULTS = {
    "TenantRecords": "_TenantRecords", "partition": "Partition", "features": "FeatureMatrix", "labels": "Labels",
    "train": "ChurnModel", "backtest": "list[OutOfTime]", "score": "ScoreRun", "score_customer": "Score",
    "explain": "Explanation", "predict_proba": NUMBERS, "save": "None", "load": "ChurnModel", "fit": "Any", "world": "World",
}  # fmt: skip


def awaited(module: Any, core: Any) -> str:
    text = AIO_HEAD + "__all__ = [\n" + "".join(f'    "{name}",\n' for name in module.__all__) + "]\n"
    for name in module.__all__:
        member = getattr(module, name)
        if not inspect.isclass(member):
            given = arguments("", name, member).replace("records: TenantRecords", "records: _TenantRecords")
            # The model takes the place of `self`, so it is a positional-only argument.
            given = given.replace("model: ChurnModel, ", "model: ChurnModel, /, ", 1)
            text += f"\nasync def {name}({given}) -> {AIO_RESULTS[name]}: ...\n"
            continue
        text += f"\nclass {name}:\n"
        for part, own in sorted(vars(getattr(core, name)).items()):
            if part.startswith("_"):
                continue
            if inspect.isdatadescriptor(own):
                text += f"    @property\n    def {part}(self) -> {lookup(RESULTS, name, part)}: ...\n"
                continue
            given = arguments(name, part, getattr(core, name).__dict__[part] if part != "open" else core.Store.open)
            given = given.replace("records: TenantRecords", "records: _TenantRecords")
            result = lookup(RESULTS, name, part).replace("TenantRecords", "_TenantRecords")
            if (name, part) == ("Store", "open"):
                text += f"    @staticmethod\n    async def open({given}) -> Store: ...\n"
            elif (name, part) == ("Store", "tenant"):
                text += f"    def tenant({given}) -> TenantStore: ...\n"
            else:
                text += f"    async def {part}({given}) -> {result}: ...\n"
        if name in ("Store", "TenantTransaction"):
            text += "    async def __aenter__(self) -> Self: ...\n    async def __aexit__(self, *trace: object) -> None: ...\n"
    return text


def main() -> None:
    import churn_core
    from churn_core import _churn_core as core

    written = {"_churn_core.pyi": native(core), "aio.pyi": awaited(churn_core.aio, core)}
    stale = [name for name, text in written.items() if not (FOLDER / name).exists() or (FOLDER / name).read_text() != text]
    if "--check" in sys.argv:
        if stale:
            raise SystemExit(f"not up to date, run stubs.py: {', '.join(stale)}")
        return
    for name, text in written.items():
        (FOLDER / name).write_text(text)


if __name__ == "__main__":
    main()
