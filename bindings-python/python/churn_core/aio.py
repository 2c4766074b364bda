"""The long calls of the package as coroutines for asyncio. Names and arguments are the same as in the package.

Each call runs on its own thread, so it does not block the event loop. Cancelling the task that awaits a call stops the
call. Calls of store methods run on the threads of the store. A cancelled call of a store method is rolled back.

>>> import asyncio
>>> async def churners():
...     made = await churn.aio.TenantRecords("acme", customers, payments)
...     run = await churn.aio.score(model, made, as_of="2024-03-01")
...     return len(run)
>>> asyncio.run(churners()) > 0
True
"""

from __future__ import annotations

import asyncio
import functools
import inspect
import threading
from collections.abc import Awaitable, Callable
from typing import Any

from . import _churn_core as _core

__all__ = [
    "TenantRecords",
    "backtest",
    "explain",
    "features",
    "fit",
    "labels",
    "load",
    "partition",
    "predict_proba",
    "save",
    "score",
    "score_customer",
    "train",
    "world",
]
_STORES = [
    "ApiKeyStore",
    "AuditStore",
    "CompanyStore",
    "CursorStore",
    "ModelStore",
    "OutcomeStore",
    "RecordStore",
    "ScoreStore",
    "Store",
    "TenantStore",
    "TenantTransaction",
    "UserStore",
]


def _settle(future: asyncio.Future[Any], error: BaseException | None, value: Any) -> None:
    """Passes the result of a call to its future. This function runs on the event loop, because futures are not
    thread-safe."""
    if future.done():
        return
    if error is None:
        future.set_result(value)
    else:
        future.set_exception(error)


async def _on_a_thread(function: Callable[..., Any], args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
    loop, canceller = asyncio.get_running_loop(), _core.Canceller()
    future: asyncio.Future[Any] = loop.create_future()
    progress = kwargs.get("progress")
    if callable(progress):
        kwargs["progress"] = lambda stage, share: loop.call_soon_threadsafe(progress, stage, share)

    def work() -> None:
        value, error = None, None
        try:
            value = canceller.call(function, args, kwargs)
        except BaseException as raised:  # noqa: BLE001 - re-raised where the call is awaited.
            error = raised
        try:
            loop.call_soon_threadsafe(_settle, future, error, value)
        except RuntimeError:
            # The loop is closed, so nobody awaits the result.
            pass

    threading.Thread(target=work, name="churn-core-aio", daemon=True).start()
    try:
        return await future
    except asyncio.CancelledError:
        canceller.cancel()
        raise


def _awaited(function: Callable[..., Any], name: str, see: str) -> Callable[..., Awaitable[Any]]:
    """Makes a coroutine function that runs ``function`` on another thread. The coroutine function has the
    signature of ``function``."""

    async def call(*args: Any, **kwargs: Any) -> Any:
        return await _on_a_thread(function, args, kwargs)

    signature = inspect.signature(function)
    if "self" in signature.parameters:
        # The first parameter of a method (`self`) gets the same name as in the type stub, such as `model`.
        parameters = list(signature.parameters.values())
        parameters[0] = parameters[0].replace(name=see.split(".")[0].lower().removeprefix("churn"))
        signature = signature.replace(parameters=parameters)
    call.__name__ = call.__qualname__ = name
    call.__doc__ = f"`{see}` as a coroutine, with the same arguments."
    call.__signature__ = signature  # type: ignore[attr-defined]
    return call


def _partition(*args: Any, **kwargs: Any) -> Any:
    from . import partition

    return partition(*args, **kwargs)


def _fit(estimator: Any, X: Any, y: Any, sample_weight: Any = None, groups: Any = None) -> Any:
    given = {"sample_weight": sample_weight, "groups": groups}
    return estimator.fit(X, y, **{name: value for name, value in given.items() if value is not None})


def _define() -> None:
    from . import partition

    functools.update_wrapper(_partition, partition)
    calls: dict[str, tuple[Callable[..., Any], str]] = {
        "TenantRecords": (_core.TenantRecords, "TenantRecords"),
        "partition": (_partition, "partition"),
        "features": (_core.features, "features"),
        "labels": (_core.labels, "labels"),
        "train": (_core.ChurnModel.train, "ChurnModel.train"),
        "backtest": (_core.backtest, "backtest"),
        "score": (_core.ChurnModel.score, "ChurnModel.score"),
        "score_customer": (_core.ChurnModel.score_customer, "ChurnModel.score_customer"),
        "explain": (_core.ChurnModel.explain, "ChurnModel.explain"),
        "predict_proba": (_core.ChurnModel.predict_proba, "ChurnModel.predict_proba"),
        "save": (_core.ChurnModel.save, "ChurnModel.save"),
        "load": (_core.ChurnModel.load, "ChurnModel.load"),
        "fit": (_fit, "ChurnClassifier.fit"),
        "world": (_core.world, "synthetic.world"),
    }
    for name, (function, see) in calls.items():
        globals()[name] = _awaited(function, name, see)


class _Part:
    """Base class of the store classes that have coroutine methods. It wraps an object whose methods return futures."""

    def __init__(self, inner: Any) -> None:
        self._inner = inner

    def __repr__(self) -> str:
        return repr(self._inner)


def _method(name: str, member: Any, see: str) -> Any:
    async def call(self: _Part, *args: Any, **kwargs: Any) -> Any:
        return await getattr(self._inner, name)(*args, **kwargs)

    call.__name__, call.__qualname__ = name, see
    call.__doc__ = f"`{see}` as a coroutine: {inspect.getdoc(member)}"
    call.__signature__ = inspect.signature(member)  # type: ignore[attr-defined]
    return call


def _open() -> Any:
    async def open(*args: Any, **kwargs: Any) -> Any:  # noqa: A001
        return Store(await _core.open_awaited(*args, **kwargs))  # type: ignore[name-defined] # noqa: F821

    open.__signature__ = inspect.signature(_core.Store.open)  # type: ignore[attr-defined]
    open.__doc__ = f"`Store.open` as a coroutine: {inspect.getdoc(_core.Store.open)}"
    open.__qualname__ = "Store.open"
    return staticmethod(open)


def _property(name: str, kind: str | None, member: Any) -> Any:
    def get(self: _Part) -> Any:
        found = getattr(self._inner, name)
        return found if kind is None else globals()[kind](found)

    return property(get, doc=inspect.getdoc(member))


_PARTS = {
    "customers": "RecordStore", "payments": "RecordStore", "tickets": "RecordStore", "activities": "RecordStore",
    "models": "ModelStore", "scores": "ScoreStore", "outcomes": "OutcomeStore", "company": "CompanyStore",
    "users": "UserStore", "api_keys": "ApiKeyStore", "cursors": "CursorStore", "audit": "AuditStore",
}  # fmt: skip


def _store_class(kind: str) -> type[_Part]:
    inner = getattr(_core, kind)
    own: dict[str, Any] = {"__doc__": f"`churn_core.store.{kind}` with coroutine methods.", "__module__": __name__}
    for name, member in vars(inner).items():
        if name.startswith("_"):
            continue
        if inspect.isdatadescriptor(member):
            own[name] = _property(name, _PARTS.get(name), member)
        elif (kind, name) == ("Store", "open"):
            own[name] = _open()
        elif (kind, name) == ("Store", "tenant"):
            own[name] = _tenant
        elif (kind, name) == ("Store", "authenticate"):
            own[name] = _authenticate(member)
        elif (kind, name) == ("TenantStore", "begin"):
            own[name] = _begin(member)
        else:
            own[name] = _method(name, member, f"{kind}.{name}")
    if kind == "Store":
        own["__aenter__"], own["__aexit__"] = _enter, _exit
    if kind == "TenantTransaction":
        own["__aenter__"], own["__aexit__"] = _enter, _finish
    return type(kind, (_Part,), own)


def _tenant(self: _Part, tenant: str) -> Any:
    """Gives access to the data of one tenant."""
    return TenantStore(self._inner.tenant(tenant))  # type: ignore[name-defined] # noqa: F821


def _authenticate(member: Any) -> Any:
    async def authenticate(self: _Part, *args: Any, **kwargs: Any) -> Any:
        found = await self._inner.authenticate(*args, **kwargs)
        return found and (TenantStore(found[0]), found[1])  # type: ignore[name-defined] # noqa: F821

    return _described(authenticate, "Store.authenticate", member)


def _begin(member: Any) -> Any:
    async def begin(self: _Part) -> Any:
        return TenantTransaction(await self._inner.begin())  # type: ignore[name-defined] # noqa: F821

    own = _described(begin, "TenantStore.begin", member)
    own.__doc__ = (
        "Begins a transaction of several calls, as `TenantStore.begin` does: ``async with await tenant.begin() as tx``. It is "
        "committed at the end of the block, and rolled back if the block raises an exception."
    )
    return own


def _described(call: Any, see: str, member: Any) -> Any:
    call.__qualname__ = see
    call.__doc__ = f"`{see}` as a coroutine: {inspect.getdoc(member)}"
    call.__signature__ = inspect.signature(member)
    return call


async def _enter(self: _Part) -> _Part:
    return self


async def _exit(self: _Part, *trace: object) -> None:
    await self._inner.close()


async def _finish(self: _Part, *trace: object) -> None:
    await self._inner._finish(trace[0] is None)


_define()
if hasattr(_core, "Store"):
    for _kind in _STORES:
        globals()[_kind] = _store_class(_kind)
    __all__ += _STORES


def __dir__() -> list[str]:
    return sorted(__all__)
