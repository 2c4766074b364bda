"""Hand-written methods of the report classes. All other code of these classes is generated."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, cast

from ._churn_core import _report_text

if TYPE_CHECKING:
    from ._report import Estimate, Interval, Measures, OutOfTime, TrainReport


class _PrintedMixin:
    """Methods that every report class has. They format the report as a dict, as text or as HTML."""

    def to_dict(self) -> dict[str, Any]:
        raise NotImplementedError

    def _text(self, html: bool = False) -> str:
        return _report_text(type(self).__name__, json.dumps(self.to_dict()), html)

    def __str__(self) -> str:
        return self._text()


class EstimateMixin(_PrintedMixin):
    """Hand-written methods of the report class `Estimate`."""

    @property
    def interval(self) -> Interval:
        """The 90 % confidence interval of the estimate."""
        from ._report import Interval

        own = cast("Estimate", self)
        return Interval(own.low, own.high)


class MeasuresMixin(_PrintedMixin):
    """Hand-written methods of the report class `Measures`."""


def _auc(measures: Measures) -> str:
    return f"AUC {'not defined' if measures.roc_auc is None else measures.roc_auc}"


def _counted(measures: Measures) -> str:
    return f"{measures.rows} rows, {measures.churned} churned"


class OutOfTimeMixin(_PrintedMixin):
    """Hand-written methods of the report class `OutOfTime`."""

    def __repr__(self) -> str:
        own = cast("OutOfTime", self)
        return f"<OutOfTime {own.test_date:%Y-%m-%d}: {_counted(own.measures)}; {_auc(own.measures)}>"


class TrainReportMixin(_PrintedMixin):
    """Hand-written methods of the report class `TrainReport`."""

    def __repr__(self) -> str:
        own = cast("TrainReport", self)
        test = own.out_of_time
        tested = f"out of time at {test.test_date:%Y-%m-%d}" if test else "cross-validated"
        measures = test.measures if test else own.cross_validated
        return f"<TrainReport: {own.rows} rows, {own.churned} churned; {_auc(measures)}, {tested} on {_counted(measures)}>"

    def _repr_html_(self) -> str:
        return self._text(html=True)
