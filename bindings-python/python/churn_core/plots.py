"""Plots of models and score runs. This module requires matplotlib.

Each function draws on the axes ``ax``, or on new axes if ``ax`` is None, and returns these axes.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from ._churn_core import ChurnModel, ScoreRun
from ._errors import make
from ._report import OutOfTime

__all__ = ["calibration", "gains", "lift", "over_time", "reasons", "risk"]


def _axes(ax: Any, title: str, x: str, y: str) -> Any:
    if ax is None:
        import matplotlib.pyplot as plt

        ax = plt.subplots()[1]
    ax.set(title=title, xlabel=x, ylabel=y)
    return ax


def calibration(model: ChurnModel, ax: Any = None) -> Any:
    """Plots the predicted churn rates against the observed churn rates, in bins with equal numbers of rows.

    The data come from the out-of-time test. If the model has no out-of-time test, they come from cross-validation.
    """
    report = model.report
    test = report.out_of_time
    bins = (test.measures if test else report.cross_validated).calibration
    ax = _axes(ax, "Calibration", "predicted probability", "observed churn rate")
    ax.plot([bin.mean_probability for bin in bins], [bin.churn_rate for bin in bins], marker="o")
    ax.axline((0, 0), slope=1, linestyle=":", color="grey")
    return ax


def _ranked(probability: npt.ArrayLike | OutOfTime, churned: npt.ArrayLike | None) -> tuple[Any, Any]:
    if isinstance(probability, OutOfTime):
        if not probability.predictions:
            raise make("invalid_option", "the test has no predictions: plot a fold of churn.backtest", column="probability")
        churned = [row.churned for row in probability.predictions]
        probability = [row.probability for row in probability.predictions]
    elif churned is None:
        raise make("invalid_option", "churned is missing: one value per customer", column="churned")
    order = np.argsort(-np.asarray(probability, dtype=float), kind="stable")
    found = np.cumsum(np.asarray(churned, dtype=float)[order])
    return np.arange(1, len(order) + 1) / len(order), found / found[-1]


def gains(
    probability: npt.ArrayLike | OutOfTime, churned: npt.ArrayLike | None = None, ax: Any = None
) -> Any:
    """Plots the gains curve. The x-axis is the share of customers who are selected, riskiest first. The y-axis is
    the share of all churners who are among the selected customers.

    Pass one result of `backtest`, or one probability and one outcome per customer. Do not pass outcomes at the training
    dates of the model, because the curve would be too optimistic.
    """
    contacted, found = _ranked(probability, churned)
    ax = _axes(ax, "Gains", "share of customers, riskiest first", "share of churners found")
    ax.plot(np.r_[0, contacted], np.r_[0, found])
    ax.axline((0, 0), slope=1, linestyle=":", color="grey")
    return ax


def lift(
    probability: npt.ArrayLike | OutOfTime, churned: npt.ArrayLike | None = None, ax: Any = None
) -> Any:
    """Plots the lift curve. The x-axis is the share of customers who are selected, riskiest first. The y-axis is
    the churn rate of the selected customers divided by the churn rate of all customers.

    Pass one result of `backtest`, or one probability and one outcome per customer. Do not pass outcomes at the training
    dates of the model, because the curve would be too optimistic.
    """
    contacted, found = _ranked(probability, churned)
    ax = _axes(ax, "Lift", "share of customers, riskiest first", "lift")
    ax.plot(contacted, found / contacted)
    ax.axhline(1, linestyle=":", color="grey")
    return ax


def risk(run: ScoreRun, ax: Any = None, bins: int = 40) -> Any:
    """Plots the distribution of the probabilities of a run."""
    probability = run.probabilities
    ax = _axes(ax, f"Risk as of {run.as_of:%Y-%m-%d}", "probability of churn", "customers")
    ax.hist(probability[~np.isnan(probability)], bins=bins, range=(0, 1))
    return ax


def reasons(run: ScoreRun, customer_id: str, top: int = 8, ax: Any = None) -> Any:
    """Plots the features with the largest contributions to a customer's score, in log-odds."""
    shown = run.reasons(customer_id, top=top)[::-1]
    ax = _axes(ax, f"Customer {customer_id}", "contribution to the log-odds", "")
    colours = ["tab:red" if reason.direction == "raises" else "tab:blue" for reason in shown]
    ax.barh([reason.feature for reason in shown], [reason.contribution for reason in shown], color=colours)
    return ax


def over_time(runs: list[ScoreRun], customer_id: str, ax: Any = None) -> Any:
    """Plots the probability of one customer over several runs. Runs in which the customer is not eligible are
    skipped."""
    from ._errors import CustomerNotFoundError

    points = []
    for run in sorted(runs, key=lambda run: run.as_of):
        try:
            probability = run.score_of(customer_id).probability
            points.append((run.as_of, np.nan if probability is None else probability))
        except CustomerNotFoundError:
            continue
    ax = _axes(ax, f"Customer {customer_id}", "as of", "probability of churn")
    ax.plot([at for at, _ in points], [probability for _, probability in points], marker="o")
    ax.set_ylim(0, 1)
    return ax


def __dir__() -> list[str]:
    return sorted(__all__)
