"""The members of the ensemble (the models whose predictions `ChurnModel` combines) as separate scikit-learn
estimators.

>>> import numpy as np
>>> X = np.arange(40.0).reshape(-1, 1)
>>> churn.ensemble.Logistic(l2=1.0).fit(X, X[:, 0] > 20).predict([[3.0]]).tolist()
[False]
"""

from ._members import GradientBoosting, Logistic, RandomForest

__all__ = ["GradientBoosting", "Logistic", "RandomForest"]

for _kind in (GradientBoosting, Logistic, RandomForest):
    _kind.__module__ = __name__


def __dir__() -> list[str]:
    return sorted(__all__)
