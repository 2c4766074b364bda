"""Raw customer records in, calibrated churn scores and their reasons out.

Moments are UTC; one without a zone is read as UTC, a date as its midnight. Only what happened, and was known, strictly
before ``as_of`` is seen.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

from . import ensemble, synthetic
from ._churn import (
    Cancellation,
    ChurnModel,
    TreeEnsemble,
    Explanation,
    FeatureMatrix,
    FeaturePlan,
    Inactivity,
    Issue,
    Labels,
    Reason,
    Score,
    ScoreRun,
    TableReport,
    TenantRecords,
    ValidationReport,
    __version__,
    backtest,
    features,
    labels,
)
from ._churn import partition as _partition
from ._errors import (
    ArtifactError,
    CancelledError,
    ChurnError,
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
    CustomerNotFoundError,
    UnknownFeatureError,
    UnreadableTableError,
)
from ._report import (
    BandCalibration,
    CalibrationBin,
    ChurnRateAt,
    Estimate,
    LeakageFinding,
    DroppedMember,
    Measures,
    MemberReport,
    OutOfTime,
    PurgeProof,
    TrainReport,
)

if TYPE_CHECKING:
    from . import aio as aio
    from . import store as store
    from ._churn import Store, TenantStore
    from ._classifier import ChurnClassifier, Leak, LeakageWarning

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
    "TreeEnsemble",
    "Estimate",
    "Explanation",
    "FeatureMatrix",
    "FeatureMismatchError",
    "FeaturePlan",
    "FileError",
    "FileMissingError",
    "ImportFailedError",
    "Inactivity",
    "InternalError",
    "InvalidOptionError",
    "InvalidRecordsError",
    "Issue",
    "Labels",
    "Leak",
    "LeakageFinding",
    "DroppedMember",
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
    "CustomerNotFoundError",
    "UnknownFeatureError",
    "UnreadableTableError",
    "ValidationReport",
    "__version__",
    "aio",
    "backtest",
    "ensemble",
    "features",
    "labels",
    "partition",
    "store",
    "synthetic",
]


class Partition(dict[str, TenantRecords]):
    """The records of every tenant, by tenant id.

    Attributes:
        unassigned: Report on the rows that name no tenant, by their position in the mixed tables.
        positions: For each tenant and table, the positions of its rows in the mixed table.
    """

    unassigned: ValidationReport
    positions: dict[str, dict[str, list[int]]]


def partition(
    customers: Any,
    payments: Any = None,
    tickets: Any = None,
    activities: Any = None,
    **options: Any,
) -> Partition:
    """Splits tables with a ``tenant_id`` column into each tenant's records.

    ``options`` are those of `TenantRecords`. Rows are numbered as in the mixed tables.

    >>> mixed = [{"tenant_id": tenant, "customer_id": 1, "signed_up_at": "2024-01-01"} for tenant in ("a", "b")]
    >>> parts = churn.partition(customers=mixed)
    >>> parts["b"].tenant, parts.positions["b"]["customers"]
    ('b', [1])
    """
    records, unassigned, positions = _partition(customers, payments, tickets, activities, **options)
    parted = Partition(records)
    parted.unassigned, parted.positions = unassigned, positions
    return parted


def __getattr__(name: str) -> Any:
    # scikit-learn takes a second to import: only who asks for the estimator waits.
    if name in ("ChurnClassifier", "Leak", "LeakageWarning"):
        from . import _classifier

        return getattr(_classifier, name)
    # A build without the store is without these.
    if name in ("Store", "TenantStore"):
        from . import _churn

        return getattr(_churn, name)
    if name in ("aio", "store"):
        return importlib.import_module(f".{name}", __name__)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted(set(globals()) | set(__all__))
