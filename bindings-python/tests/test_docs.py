"""Tests that all public names have docstrings, and that the examples in the docstrings run."""

import doctest
import inspect

import churn_core as churn
import pytest
from churn_core import plots

NAMES = [name for name in churn.__all__ if not name.startswith("_")]


def documented():
    """Yields the name and the object of each public function, class, method and property."""
    for module in (churn, plots, churn.ensemble, churn.store, churn.aio):
        for name in module.__all__:
            found = getattr(module, name)
            if name.startswith("_") or inspect.ismodule(found):
                continue
            yield f"{module.__name__}.{name}", found
            if inspect.isclass(found):
                for part, member in vars(found).items():
                    if not part.startswith("_") and (callable(member) or inspect.isdatadescriptor(member)):
                        yield f"{module.__name__}.{name}.{part}", member


DOCUMENTED = dict(documented())
EXAMPLES = {name: found.__doc__ for name, found in DOCUMENTED.items() if ">>>" in (found.__doc__ or "")}


def test_everything_is_documented():
    # The fields of a dataclass have no docstrings of their own, because the docstring of the class documents them.
    fields = {f"{kind}.{field}" for kind, found in DOCUMENTED.items() for field in getattr(found, "__dataclass_fields__", ())}
    assert [name for name, found in DOCUMENTED.items() if not found.__doc__ and name not in fields] == []
    assert len(EXAMPLES) >= 15


@pytest.mark.parametrize("name", EXAMPLES)
def test_example(name, records, model, tables):
    scope = {"churn": churn, "records": records, "model": model, "run": model.score(records, "2024-03-01"), **tables}
    found = []
    runner = doctest.DocTestRunner(optionflags=doctest.ELLIPSIS | doctest.IGNORE_EXCEPTION_DETAIL)
    example = doctest.DocTestParser().get_doctest(inspect.cleandoc(EXAMPLES[name]), scope, name, None, None)
    runner.run(example, out=found.append)
    assert not runner.failures, "".join(found)
