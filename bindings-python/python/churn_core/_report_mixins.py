"""Hand-written methods of the generated report classes. The core formats the text that they print."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, cast

from ._churn_core import _report_text

if TYPE_CHECKING:
    from ._report import Estimate, Interval, TrainReport


class _PrintedMixin:
    """Prints a report as the core does."""

    def to_dict(self) -> dict[str, Any]:
        raise NotImplementedError

    def _text(self, html: bool = False) -> str:
        return _report_text(type(self).__name__, json.dumps(self.to_dict()), html)

    def __str__(self) -> str:
        return self._text()


class EstimateMixin(_PrintedMixin):
    """Methods of `Estimate`."""

    @property
    def interval(self) -> Interval:
        """The 90 % confidence interval."""
        from ._report import Interval

        own = cast("Estimate", self)
        return Interval(own.low, own.high)


class MeasuresMixin(_PrintedMixin):
    """Methods of `Measures`."""


class OutOfTimeMixin(_PrintedMixin):
    """Methods of `OutOfTime`."""


class TrainReportMixin(_PrintedMixin):
    """Methods of `TrainReport`."""

    def __repr__(self) -> str:
        own = cast("TrainReport", self)
        test = own.out_of_time
        tested = f"out of time at {test.test_date:%Y-%m-%d}" if test else "cross-validated"
        measures = test.measures if test else own.cross_validated
        shown = "not defined" if measures.roc_auc is None else str(measures.roc_auc)
        return (
            f"<TrainReport: {own.rows} rows, {own.churned} churned; AUC {shown}, {tested} "
            f"on {measures.rows} rows, {measures.churned} churned>"
        )

    def _repr_html_(self) -> str:
        return self._text(html=True)
