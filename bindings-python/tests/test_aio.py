"""Tests of `churn_core.aio`: long calls as coroutines."""

import asyncio
import inspect
import time

import churn_core as churn
import pytest
from conftest import AS_OF, DEFINITION, small


def test_the_same_results(records, model, tables):
    async def main():
        made = await churn.aio.TenantRecords("acme", static_attributes="all", **tables)
        trained = await churn.aio.train(made, definition=DEFINITION, **small())
        run = await churn.aio.score(trained, made, as_of=AS_OF)
        matrix = await churn.aio.features(made, as_of=AS_OF)
        explained = await churn.aio.explain(trained, run.matrix)
        labels = await churn.aio.labels(made, as_of="2024-01-01", definition=DEFINITION)
        return trained, run, matrix, explained, labels

    trained, run, matrix, explained, labels = asyncio.run(main())
    assert trained.to_bytes() == model.to_bytes()
    assert run.probabilities.tobytes() == model.score(records, AS_OF).probabilities.tobytes()
    assert matrix.shape == churn.features(records, AS_OF).shape and len(labels) > 0
    assert (explained.values == model.explain(run.matrix).values).all()


def test_the_loop_is_free_and_progress_arrives_on_it(records):
    heard, ticks = [], 0

    async def main():
        nonlocal ticks
        loop = asyncio.get_running_loop()

        def progress(stage, share):
            assert asyncio.get_running_loop() is loop
            heard.append(share)

        training = asyncio.create_task(churn.aio.train(records, definition=DEFINITION, progress=progress, **small()))
        while not training.done():
            ticks += 1
            await asyncio.sleep(0.005)
        await training

    asyncio.run(main())
    assert ticks > 5 and heard and heard == sorted(heard)


def test_a_cancelled_call_stops(records):
    async def main():
        training = asyncio.create_task(churn.aio.train(records, definition=DEFINITION))
        await asyncio.sleep(0.2)
        training.cancel()
        begun = time.monotonic()
        with pytest.raises(asyncio.CancelledError):
            await training
        return time.monotonic() - begun

    assert asyncio.run(main()) < 1.0


def test_errors_arrive_where_they_are_awaited(records):
    async def main():
        with pytest.raises(churn.InvalidOptionError) as caught:
            await churn.aio.features(records, "yesterday")
        return caught.value.column

    assert asyncio.run(main()) == "as_of"


def test_signatures_are_those_of_the_calls():
    assert inspect.signature(churn.aio.train) == inspect.signature(churn.ChurnModel.train)
    assert list(inspect.signature(churn.aio.score).parameters)[:3] == ["model", "records", "as_of"]
    for name in churn.aio.__all__:
        found = getattr(churn.aio, name)
        assert inspect.isclass(found) or inspect.iscoroutinefunction(found), name
        assert found.__doc__, name
