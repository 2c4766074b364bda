"""Hand-written methods of the generated report classes."""

from __future__ import annotations

from typing import TYPE_CHECKING, cast

if TYPE_CHECKING:
    from ._report import Estimate, Interval, Measures, TrainReport


class EstimateMixin:
    """Methods of `Estimate`."""

    @property
    def interval(self) -> Interval:
        """The 90 % confidence interval."""
        from ._report import Interval

        own = cast("Estimate", self)
        return Interval(own.low, own.high)


class MeasuresMixin:
    """Methods of `Measures`."""

    def _rows(self) -> str:
        """The metrics as rows of an HTML table, with their intervals."""
        names = ("roc_auc", "pr_auc", "log_loss", "brier", "calibration_error", "top_decile_lift")
        estimates: list[tuple[str, Estimate | None]] = [(name.replace("_", " "), getattr(self, name)) for name in names]
        return "".join(
            f"<tr><th>{name}</th><td>{estimate.value:.3f}</td><td>{estimate.low:.3f} to {estimate.high:.3f}</td></tr>"
            for name, estimate in estimates
            if estimate is not None
        )


class TrainReportMixin:
    """Methods of `TrainReport`."""

    def __repr__(self) -> str:
        own = cast("TrainReport", self)
        test = own.out_of_time
        tested = f"out of time at {test.test_date:%Y-%m-%d}" if test else "cross-validated"
        auc = (test.measures if test else own.cross_validated).roc_auc
        shown = "not defined" if auc is None else f"{auc.value:.3f} ({auc.low:.3f} to {auc.high:.3f})"
        return f"<TrainReport: {own.rows} rows, {own.churned} churned; AUC {shown}, {tested}>"

    def _repr_html_(self) -> str:
        own = cast("TrainReport", self)
        test = own.out_of_time
        title = f"out of time, {test.test_date:%Y-%m-%d}" if test else "cross-validated"
        measures: Measures = test.measures if test else own.cross_validated
        return (
            f"<b>{own.rows} rows, {own.churned} churned</b>"
            f"<table><tr><th colspan=3>{title}</th></tr>{measures._rows()}</table>"
        )
