"""Churn prediction from raw customer records: calibrated churn probabilities with reasons.

>>> import churn_core as churn
>>> world = churn.synthetic.world(seed=1, tenants=1, customers=50)
>>> tenant = world.tenants["t001"]
>>> records = churn.TenantRecords("t001", tenant.customers, tenant.payments, tenant.tickets, tenant.activities)
>>> len(records)
50

All timestamps are in UTC. A timestamp without a time zone is read as UTC. A date without a time means midnight. A
prediction at ``as_of`` uses only events that happened before ``as_of``, and only values that were known before
``as_of``.
"""

from __future__ import annotations as _annotations

import importlib as _importlib
from typing import TYPE_CHECKING as _TYPE_CHECKING
from typing import Any as _Any

from ._churn_core import (
    Cancellation,
    ChurnModel,
    CustomersTable,
    FeatureMatrix,
    FeaturePlan,
    Inactivity,
    Labels,
    ScoreRun,
    TableReport,
    TenantRecords,
    TreeEnsemble,
    ValidationIssue,
    ValidationReport,
    __version__,
    backtest,
    features,
    labels,
    subscriptions_to_customers,
)
from ._errors import (
    ArtifactError,
    CancelledError,
    ChurnError,
    ChurnWarning,
    CustomerNotFoundError,
    FeatureMismatchError,
    FileError,
    FileMissingError,
    ImportFailedError,
    InternalError,
    InvalidOptionError,
    InvalidRecordsError,
    NotEligibleError,
    NotFoundError,
    StoreError,
    TenantMismatchError,
    TrainingError,
    UnknownFeatureError,
    UnreadableTableError,
)
from ._partition import Partition, columns, partition
from ._report import (
    BandCalibration,
    CalibrationBin,
    ChurnRateAt,
    DroppedMember,
    Estimate,
    Interval,
    LeakageFinding,
    Measures,
    MemberReport,
    OutOfTime,
    PurgeProof,
    TrainReport,
    Warning,
)
from ._results import Column, Columns, Explanation, Finding, Reason, Score

if _TYPE_CHECKING:
    from . import aio as aio
    from . import ensemble as ensemble
    from . import plots as plots
    from . import store as store
    from . import synthetic as synthetic
    from ._churn_core import Store, TenantStore
    from ._classifier import ChurnClassifier, ColumnWarning, Leak, LeakageWarning

__all__ = [
    "ArtifactError",
    "BandCalibration",
    "CalibrationBin",
    "CancelledError",
    "Cancellation",
    "ChurnClassifier",
    "ChurnError",
    "ChurnModel",
    "ChurnRateAt",
    "ChurnWarning",
    "Column",
    "ColumnWarning",
    "Columns",
    "CustomerNotFoundError",
    "CustomersTable",
    "DroppedMember",
    "Estimate",
    "Explanation",
    "FeatureMatrix",
    "FeatureMismatchError",
    "FeaturePlan",
    "FileError",
    "FileMissingError",
    "Finding",
    "ImportFailedError",
    "Inactivity",
    "InternalError",
    "Interval",
    "InvalidOptionError",
    "InvalidRecordsError",
    "Labels",
    "Leak",
    "LeakageFinding",
    "LeakageWarning",
    "Measures",
    "MemberReport",
    "NotEligibleError",
    "NotFoundError",
    "OutOfTime",
    "Partition",
    "PurgeProof",
    "Reason",
    "Score",
    "ScoreRun",
    "Store",
    "StoreError",
    "TableReport",
    "TenantMismatchError",
    "TenantRecords",
    "TenantStore",
    "TrainReport",
    "TrainingError",
    "TreeEnsemble",
    "UnknownFeatureError",
    "UnreadableTableError",
    "ValidationIssue",
    "ValidationReport",
    "Warning",
    "__version__",
    "aio",
    "backtest",
    "columns",
    "ensemble",
    "features",
    "labels",
    "partition",
    "plots",
    "store",
    "subscriptions_to_customers",
    "synthetic",
]

for _kind in (
    BandCalibration, CalibrationBin, ChurnRateAt, DroppedMember, Estimate, Interval, LeakageFinding, Measures, MemberReport,
    OutOfTime, PurgeProof, TrainReport, Warning,
):  # fmt: skip
    _kind.__module__ = __name__

# These modules are imported on first use, because importing scikit-learn or matplotlib takes about a second.
_LAZY = {
    "ChurnClassifier": "_classifier",
    "ColumnWarning": "_classifier",
    "Leak": "_classifier",
    "LeakageWarning": "_classifier",
    "Store": "_churn_core",
    "TenantStore": "_churn_core",
}
_SUBMODULES = ("aio", "ensemble", "plots", "store", "synthetic")


def __getattr__(name: str) -> _Any:
    if name in _LAZY:
        return getattr(_importlib.import_module(f".{_LAZY[name]}", __name__), name)
    if name in _SUBMODULES:
        return _importlib.import_module(f".{name}", __name__)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted(__all__)
