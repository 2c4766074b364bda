"""The members of the ensemble alone."""

from ._churn import GradientBoosting, Logistic, RandomForest

__all__ = ["GradientBoosting", "Logistic", "RandomForest"]
