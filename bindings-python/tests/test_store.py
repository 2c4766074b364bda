"""Tests of the store in Python: records, models and scores are loaded unchanged, tenants are isolated, and calls can be
cancelled."""

import asyncio
import inspect
import multiprocessing
import os
import signal
import sys
import threading
import time
import uuid
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta

import churn_core as churn
import pandas as pd
import pytest
from conftest import AS_OF, DEFINITION

AT = "2024-06-01"
NOON = datetime(2024, 6, 1, 12, tzinfo=UTC)
POSTGRES = os.environ.get("DATABASE_URL")


@pytest.fixture(params=["file", "memory", "postgres"])
def url(request, tmp_path):
    if request.param == "postgres" and not POSTGRES:
        pytest.skip("DATABASE_URL names no Postgres")
    return {"file": f"sqlite://{tmp_path}/churn.db", "memory": "sqlite::memory:", "postgres": POSTGRES}[request.param]


@pytest.fixture
def store(url):
    with churn.Store.open(url) as store:
        yield store


@pytest.fixture
def acme(store):
    # Every test has a new tenant, because the data of earlier tests stay in a Postgres database.
    return store.tenant(f"acme-{uuid.uuid4()}")


def bits(records):
    return churn.features(records, AS_OF).to_numpy().tobytes()


def fill(tenant, tables):
    return [getattr(tenant, name).upsert(rows) for name, rows in tables.items()]



@pytest.fixture(scope="module")
def shared(records):
    from conftest import small

    return churn.ChurnModel.train(records, definition=DEFINITION, shared=True, **small())


def test_loaded_records_are_bit_identical(acme, tables, records):
    done = fill(acme, tables)
    assert [upserted.rows_changed for upserted in done] == [len(rows) for rows in tables.values()]
    again = fill(acme, tables)
    assert [(upserted.rows_in, upserted.rows_changed) for upserted in again] == [(len(rows), 0) for rows in tables.values()]
    loaded = acme.records(static_attributes="all")
    assert loaded.report.is_clean and loaded.customer_ids == records.customer_ids
    assert bits(loaded) == bits(records)
    assert acme.payments.count() == len(tables["payments"]) and acme.activities.count() == 0
    # The table `activities` was not given, so the records do not have it. After an upsert without rows, the records
    # have the table, and the table is empty.
    assert "activities" not in loaded.report.tables
    acme.activities.upsert([])
    assert acme.records().report.tables["activities"].rows_in == 0


def test_frames_of_all_kinds(store, tables, records):
    polars, pyarrow = pytest.importorskip("polars"), pytest.importorskip("pyarrow")
    frame = pd.DataFrame(tables["payments"])
    kinds = {
        "dicts": tables["payments"],
        "columns": frame.to_dict("list"),
        "pandas": frame,
        "polars": polars.from_pandas(frame),
        "pyarrow": pyarrow.Table.from_pandas(frame),
    }
    for kind, payments in kinds.items():
        tenant = store.tenant(f"{kind}-{uuid.uuid4()}")
        fill(tenant, {**tables, "payments": payments})
        assert bits(tenant.records(static_attributes="all")) == bits(records), kind
    one = store.tenant(str(uuid.uuid4()))
    one.customers.upsert([tables["customers"][0]])
    assert one.customers.count() == 1


def test_batches_of_one_upsert_are_stored_all_or_none(acme, tables, records):
    pyarrow = pytest.importorskip("pyarrow")
    payments = pyarrow.Table.from_pylist(tables["payments"])
    acme.customers.upsert(tables["customers"])
    acme.tickets.upsert(tables["tickets"])

    def broken():
        yield from payments.to_batches(max_chunksize=500)
        raise RuntimeError("the source went away")

    with pytest.raises(RuntimeError, match="went away"):
        acme.payments.upsert_batches(broken())
    assert acme.payments.count() == 0
    with pytest.raises(churn.InvalidRecordsError) as refused:
        acme.payments.upsert_batches([tables["payments"][:7], [{**tables["payments"][7], "due_at": "soon"}]])
    assert (refused.value.code, refused.value.table, refused.value.row) == ("bad_timestamp", "payments", 7)
    assert acme.payments.count() == 0
    done = acme.payments.upsert_batches(payments.to_reader(max_chunksize=500))
    assert done.rows_in == done.rows_changed == len(payments)
    assert bits(acme.records(static_attributes="all")) == bits(records)


def test_invalid_rows_are_quarantined_or_refused(acme, tables):
    rows = [tables["customers"][0], {"customer_id": "C-x", "signed_up_at": "never"}]
    with pytest.raises(churn.InvalidRecordsError) as refused:
        acme.customers.upsert(rows)
    assert refused.value.code == "bad_timestamp" and refused.value.report.issues[0].row == 1
    assert acme.customers.count() == 0
    done = acme.customers.upsert(rows, on_invalid="quarantine")
    assert (done.rows_in, done.rows_accepted, done.rows_changed) == (2, 1, 1)
    assert done.report.tables["customers"].quarantined == [1]


def test_rows_for_people(acme, tables):
    fill(acme, tables)
    found, after = [], None
    while True:
        page = acme.payments.page(after, limit=999)
        found += page.rows
        after = page.next
        if after is None:
            break
    assert [(row["customer_id"], row["due_at"], row["amount"]) for row in found] == [
        (row["customer_id"], row["due_at"], row["amount"]) for row in tables["payments"]
    ]
    own = [row for row in tables["payments"] if row["customer_id"] == "C-007"]
    assert [row["due_at"] for row in acme.payments.of_customer("C-007")] == [row["due_at"] for row in own]
    assert acme.customers.of_customer("C-007")[0]["seats"] == 0.0
    erased = acme.erase_customer("C-007")
    assert erased == len(own) + 1 and acme.payments.of_customer("C-007") == []


def test_a_deleted_record_is_gone(acme):
    acme.customers.upsert([{"customer_id": "C-1", "signed_up_at": "2024-01-01"}])
    payment = {"customer_id": "C-1", "due_at": "2024-02-01", "amount": 10.0}
    acme.payments.upsert([payment | {"payment_id": name} for name in ("1", "P-2", "P-3")] + [payment])
    assert acme.payments.delete([1, "P-2", "unknown"]) == 2
    assert acme.payments.delete("P-3") == 1
    with pytest.raises(churn.ChurnError) as raised:
        acme.payments.delete([""])
    assert raised.value.code == "invalid_option"
    assert acme.payments.count() == 1


def test_a_late_correction_replaces(acme):
    acme.customers.upsert([{"customer_id": "C-1", "signed_up_at": "2024-01-01"}])
    payment = {"customer_id": "C-1", "payment_id": "P-1", "due_at": "2024-02-01", "amount": 10.0}
    assert acme.payments.upsert([payment]).rows_changed == 1
    assert acme.payments.upsert([{**payment, "amount": 12.5}]).rows_changed == 1
    assert [row["amount"] for row in acme.payments.of_customer("C-1")] == [12.5]


def test_models_scores_and_outcomes_are_stored(acme, tables, shared):
    fill(acme, tables)
    records = acme.records(static_attributes="all")
    assert acme.models.champion() is None
    acme.models.save(shared, at=AT)
    assert acme.models.champion().to_bytes() == shared.to_bytes() == acme.models.load(shared.id).to_bytes()
    [kept] = acme.models.list()
    assert (kept.id, kept.stage, kept.saved_at) == (shared.id, "champion", datetime(2024, 6, 1, tzinfo=UTC))
    assert kept.card["features"] == shared.feature_names
    acme.models.promote(shared.id, "retired")
    assert acme.models.champion() is None
    acme.models.promote(shared.id)

    as_of = "2024-01-01"
    run = shared.score(records, as_of)
    run_id = acme.scores.save(shared, run, at=NOON, reasons=5)
    assert run_id == churn.store.RunId(datetime(2024, 1, 1, tzinfo=UTC), shared.id)
    assert acme.scores.save(shared, run, at=NOON, reasons=5) == run_id  # replaces the first run
    page = acme.scores.high_risk(7)
    expected = run.riskiest(20)
    assert [(score.customer_id, score.probability) for score in page.scores] == [
        (score.customer_id, score.probability) for score in expected[:7]
    ]
    more = acme.scores.high_risk(13, run=run, after=page.next)
    assert [score.customer_id for score in more.scores] == [score.customer_id for score in expected[7:]]
    first = page.scores[0]
    reasons = run.reasons(first.customer_id, top=5)
    assert [(reason.feature, reason.contribution, reason.text) for reason in first.reasons] == [
        (reason.feature, reason.contribution, reason.text) for reason in reasons
    ]
    assert page.scores[5].reasons == [] and first.run == run_id and first.risk_band == expected[0].risk_band
    [history] = acme.scores.history(first.customer_id)
    assert history.probability == first.probability

    changed = acme.outcomes.save(records, as_of=as_of, definition=DEFINITION)
    assert changed > 0 and acme.outcomes.save(records, as_of=as_of, definition=DEFINITION) == 0
    labels = churn.labels(records, as_of, DEFINITION)
    truth = dict(zip(labels.customer_ids, labels.churned.tolist(), strict=True))
    joined = acme.outcomes.of_run(run)
    assert joined and all(found.churned is truth[found.customer_id] for found in joined)
    assert acme.outcomes.of_customer(joined[0].customer_id)[0].churned is joined[0].churned
    [summary] = acme.scores.runs()
    assert summary.id == run_id and summary.saved_at == NOON and summary.customers == len(run)
    assert sum(summary.bands.values()) == summary.scored
    assert (summary.outcomes, summary.churned) == (len(joined), sum(found.churned for found in joined))
    acme.scores.delete(run_id)
    assert acme.scores.runs() == []
    acme.models.delete(shared.id)
    assert acme.models.list() == []


def test_everything_is_there_after_a_restart(tmp_path, tables, records, model):
    url = f"sqlite://{tmp_path}/churn.db"
    run = model.score(records, AS_OF)
    with churn.Store.open(url) as store:
        acme = store.tenant("acme")
        fill(acme, tables)
        acme.models.save(model, at=AT)
        acme.scores.save(model, run, at=AT)
    with churn.Store.open(url, migrate=False) as store:
        acme = store.tenant("acme")
        again = acme.models.champion().score(acme.records(static_attributes="all"), AS_OF)
        assert again.probabilities.tobytes() == run.probabilities.tobytes()
        assert acme.scores.high_risk(1).scores[0].customer_id == run.riskiest(1)[0].customer_id


def test_tenants_are_isolated(store, acme, tables, records, model):
    fill(acme, tables)
    other = store.tenant(f"other-{uuid.uuid4()}")
    assert other.customers.count() == 0 and other.payments.page().rows == [] and other.company.get().name is None
    for offered in (
        lambda: other.models.save(model, at=AT),
        lambda: other.scores.save(model, model.score(records, AS_OF), at=AT),
        lambda: other.outcomes.save(records, as_of="2024-01-01", definition=DEFINITION),
    ):
        with pytest.raises(churn.TenantMismatchError):
            offered()
    report = store.attest()
    failed = {check.name for check in report.checks if not check.passed}
    if store.backend == "sqlite":
        assert report.passed and not failed and "signed off" in str(report)
        report.sign_off()
    else:
        # In Postgres the attestation fails, because the tests connect as a superuser. Row-level security does not
        # restrict superusers.
        assert not report.passed and failed and "NOT signed off" in report.text
        with pytest.raises(churn.StoreError) as apart:
            report.sign_off()
        assert apart.value.code == "not_isolated"


def test_company_users_keys_cursors_and_audit(acme):
    acme.company.rename("Acme")
    acme.company.set("horizon", {"days": 90, "run": None})
    assert acme.company.get() == churn.store.Company("Acme", {"horizon": {"days": 90, "run": None}})
    assert acme.company.unset("horizon") and not acme.company.unset("horizon")
    acme.users.upsert("u1", "u1@example.com", role="owner")
    acme.users.upsert("u1", "u1@example.com", role="admin", name="Una")
    una = churn.store.User("u1", "u1@example.com", "Una", "admin")
    assert acme.users.list() == [una] and acme.users.get("u1") == una and acme.users.get("u2") is None
    with pytest.raises(churn.StoreError) as refused:
        acme.users.upsert("u2", "u1@example.com", role="viewer")
    assert refused.value.code == "store_refused"
    assert acme.users.remove("u1") and not acme.users.remove("u1")
    secret = str(uuid.uuid4())
    acme.api_keys.create("k", secret, role="viewer", at=NOON)
    assert acme.api_keys.verify(secret) == churn.store.ApiKey("k", "viewer", None, None, NOON, None, None, None)
    acme.api_keys.revoke("k", at=NOON + timedelta(days=1))
    assert acme.api_keys.verify(secret) is None
    assert acme.api_keys.list()[0].revoked_at == NOON + timedelta(days=1)
    assert acme.cursors.get("stripe") is None
    acme.cursors.set("stripe", "evt_1", at=NOON)
    assert acme.cursors.get("stripe") == churn.store.SyncCursor("stripe", "evt_1", NOON)
    for number in range(3):
        acme.audit.append("una", "model.promoted", at=NOON, subject="m", details={"number": number, "at": "noon"})
    page = acme.audit.page(limit=2)
    assert [entry.details["number"] for entry in page.entries] == [0, 1] and page.entries[0].at == NOON
    assert [entry.details["number"] for entry in acme.audit.page(page.next).entries] == [2]


def test_errors_have_codes(store, acme, tmp_path, shared):
    for call in (lambda: acme.models.load("x"), lambda: acme.scores.high_risk(), lambda: acme.api_keys.revoke("k", at=AT)):
        with pytest.raises(churn.NotFoundError) as missing:
            call()
        assert missing.value.code == "not_found" and isinstance(missing.value, LookupError)
    for call, option in (
        (lambda: churn.Store.open("mysql://x"), "url"),
        (lambda: acme.customers.page(limit=0), "limit"),
        (lambda: acme.customers.upsert([], on_invalid="ignore"), "on_invalid"),
        (lambda: acme.models.save(shared, at="later"), "at"),
        (lambda: acme.models.save(shared, at=AT, stage="king"), "stage"),
        (lambda: acme.scores.high_risk(run="latest"), "run"),
        (lambda: store.tenant("").customers.count(), "tenant"),
    ):
        with pytest.raises(churn.InvalidOptionError) as wrong:
            call()
        assert wrong.value.column == option
    with pytest.raises(churn.StoreError) as raw:
        churn.Store.open(f"sqlite://{tmp_path}/raw.db", migrate=False).tenant("a").customers.count()
    assert raw.value.code == "store_not_migrated" and isinstance(raw.value, OSError)
    with pytest.raises(churn.StoreError) as nowhere:
        churn.Store.open(f"sqlite://{tmp_path}/no/such/folder/x.db")
    assert nowhere.value.code == "store_unavailable"
    with pytest.raises(churn.UnreadableTableError):
        acme.customers.upsert("customers.csv")
    store.close()
    with pytest.raises(churn.StoreError) as closed:
        acme.customers.count()
    assert closed.value.code == "store_unavailable"


def test_threads_share_a_store(store, tables):
    tenants = [store.tenant(f"t{number}-{uuid.uuid4()}") for number in range(4)]

    def work(number):
        tenant = tenants[number % 4]
        fill(tenant, {"customers": tables["customers"][: 50 + number % 4], "payments": tables["payments"][:200]})
        return len(tenant.records())

    with ThreadPoolExecutor(8) as pool:
        assert list(pool.map(work, range(16))) == [50 + number % 4 for number in range(16)]
    # Other Python threads run while one thread waits for the database.
    release, ticks = threading.Event(), 0

    def slow():
        yield tables["customers"]
        release.wait(10)

    with ThreadPoolExecutor(1) as pool:
        waiting = pool.submit(tenants[0].customers.upsert_batches, slow())
        while ticks < 1000:
            ticks += 1
        release.set()
        assert waiting.result().rows_in == len(tables["customers"])


def endless(tables, begun):
    for number in range(10_000):
        yield [{**tables["customers"][0], "customer_id": f"E-{number}"}]
        begun.set()
        time.sleep(0.01)


@pytest.mark.skipif(sys.platform == "win32", reason="no such signal")
def test_ctrl_c_gives_up(acme, tables):
    begun = threading.Event()
    interrupt = threading.Thread(target=lambda: (begun.wait(10), os.kill(os.getpid(), signal.SIGINT)))
    interrupt.start()
    with pytest.raises(KeyboardInterrupt):
        acme.customers.upsert_batches(endless(tables, begun))
    interrupt.join()
    assert acme.customers.count() == 0
    assert acme.customers.upsert(tables["customers"]).rows_changed == len(tables["customers"])


def test_awaited(url, tables, records, model):
    async def main():
        async with await churn.aio.Store.open(url) as store:
            names = [f"{name}-{uuid.uuid4()}" for name in "abc"]
            tenants = [store.tenant(name) for name in names]
            await asyncio.gather(*(tenant.customers.upsert(tables["customers"]) for tenant in tenants))
            await asyncio.gather(*(tenant.payments.upsert(tables["payments"]) for tenant in tenants))
            await asyncio.gather(*(tenant.tickets.upsert(tables["tickets"]) for tenant in tenants))
            loaded = await asyncio.gather(*(tenant.records(static_attributes="all") for tenant in tenants))
            assert {bits(found) for found in loaded} == {bits(records)}
            with pytest.raises(churn.NotFoundError):
                await tenants[0].models.load("x")
            with pytest.raises(churn.InvalidOptionError):
                await tenants[0].customers.page(limit=0)
            assert await tenants[0].models.champion() is None

            # When this call is cancelled, its rows are not stored, and its lock is released. The next writer need not
            # wait.
            begun = threading.Event()
            writing = asyncio.create_task(tenants[0].activities.upsert_batches(endless_activities(begun)))
            await asyncio.to_thread(begun.wait, 10)
            writing.cancel()
            with pytest.raises(asyncio.CancelledError):
                await writing
            assert await tenants[0].activities.count() == 0
            await tenants[0].activities.upsert([])
            with pytest.raises(TimeoutError):
                await asyncio.wait_for(tenants[1].activities.upsert_batches(endless_activities(begun)), 0.1)
            assert await tenants[1].activities.count() == 0

    def endless_activities(begun):
        for number in range(10_000):
            yield [{"customer_id": "C-001", "at": "2024-01-01", "kind": f"k{number}"}]
            begun.set()
            time.sleep(0.01)

    asyncio.run(main())


def test_the_event_loop_stays_free(tmp_path, tables):
    async def main():
        async with await churn.aio.Store.open(f"sqlite://{tmp_path}/churn.db") as store:
            ticks, loading = 0, asyncio.create_task(store.tenant("a").payments.upsert(tables["payments"] * 3))
            while not loading.done():
                await asyncio.sleep(0)
                ticks += 1
            await loading
            return ticks

    assert asyncio.run(main()) > 10


def test_awaited_calls_are_the_same_calls():
    kinds = [name for name in churn.aio.__all__ if name.endswith("Store")]
    assert set(kinds) == {name for name in churn.store.__all__ if name.endswith("Store")}
    for kind in kinds:
        waits, awaited = getattr(churn.store, kind), getattr(churn.aio, kind)
        names = {name for name in vars(waits) if not name.startswith("_")}
        assert names == {name for name in dir(awaited) if not name.startswith("_")}, kind
        for name in names - {"open"}:
            if callable(getattr(awaited, name)):
                first, second = (
                    [(part.name, part.kind, part.default) for part in inspect.signature(getattr(one, name)).parameters.values()][1:]
                    for one in (waits, awaited)
                )
                assert first == second, f"{kind}.{name}"


def _count(connection, tenant):
    try:
        tenant.customers.count()
        connection.send("counted")
    except churn.StoreError as error:
        connection.send(error.code)


@pytest.mark.skipif(sys.platform == "win32", reason="no fork")
@pytest.mark.filterwarnings("ignore::DeprecationWarning")
def test_a_forked_process_must_open_its_own_store(store, acme, tables):
    acme.customers.upsert(tables["customers"])
    context = multiprocessing.get_context("fork")
    ours, theirs = context.Pipe()
    child = context.Process(target=_count, args=(theirs, acme))
    child.start()
    assert ours.poll(20) and ours.recv() == "store_unavailable"
    child.join(20)
    assert child.exitcode == 0 and acme.customers.count() == len(tables["customers"])


def test_a_transaction_stores_all_or_nothing(acme, tables):
    with acme.begin() as tx:
        tx.customers.upsert(tables["customers"])
        tx.audit.append("ada", "customers.imported", at=AT)
        with pytest.raises(churn.InvalidOptionError):
            tx.execute("DELETE FROM tasks")
        assert tx.customers.count() == len(tables["customers"])
    assert acme.customers.count() == len(tables["customers"])
    revision = acme.revision()
    with pytest.raises(ZeroDivisionError), acme.begin() as tx:
        tx.payments.upsert(tables["payments"])
        raise ZeroDivisionError
    assert (acme.payments.count(), acme.revision()) == (0, revision)
    tx = acme.begin()
    tx.company.rename("Acme")
    tx.rollback()
    with pytest.raises(churn.InvalidOptionError, match="ended"):
        tx.commit()
    with pytest.raises(churn.InvalidOptionError, match="ended"):
        tx.company.get()
    assert acme.company.get().name is None
    acme.company.rename("after the transactions")


def test_an_abandoned_transaction_is_rolled_back(acme):
    tx = acme.begin()
    tx.company.rename("Acme")
    del tx
    acme.cursors.set("crm", "1", at=AT)
    assert acme.company.get().name is None


def test_a_transaction_in_asyncio(url):
    async def work():
        async with await churn.aio.Store.open(url) as store:
            acme = store.tenant(f"acme-{uuid.uuid4()}")
            async with await acme.begin() as tx:
                await tx.company.rename("Acme")
            with pytest.raises(ZeroDivisionError):
                async with await acme.begin() as tx:
                    await tx.company.rename("other")
                    raise ZeroDivisionError
            assert (await acme.company.get()).name == "Acme"
            text = await acme.api_keys.issue("k1", "f2a9c1d47e0b4d5c8a6b3e1f90d27c54", role="analyst", at=AT)
            tenant, key = await store.authenticate(text, at=AT)
            assert (tenant.tenant, key.key_id) == (acme.tenant, "k1")
            assert (await tenant.company.get()).name == "Acme"

    asyncio.run(work())


def test_tables_of_the_application(tmp_path):
    import sqlite3

    path = tmp_path / "app.db"
    with sqlite3.connect(path) as connection:
        connection.execute("CREATE TABLE tasks (tenant_id TEXT NOT NULL, task_id TEXT NOT NULL, points INTEGER)")
    connection.close()
    with churn.Store.open(f"sqlite://{path}") as store:
        for tenant, points in [("acme", 3), ("other", 5)]:
            with store.tenant(tenant).begin() as tx:
                assert tx.execute("INSERT INTO tasks (tenant_id, task_id, points) VALUES ($1, $2, $3)", ["t", points]) == 1
        rows = store.tenant("acme").query("SELECT task_id, points FROM tasks WHERE tenant_id = $1")
        assert rows == [{"task_id": "t", "points": 3}]
        assert not store.attest().passed and store.attest(["tasks"]).passed
        store.ping()
        store.backup(tmp_path / "copy.db")
        with pytest.raises(churn.InvalidOptionError) as refused:
            store.backup(tmp_path / "copy.db")
        assert refused.value.column == "path"
    with churn.Store.open(f"sqlite://{tmp_path}/copy.db") as copy:
        assert copy.tenant("other").query("SELECT points FROM tasks WHERE tenant_id = $1") == [{"points": 5}]


def test_options_of_a_store(tmp_path):
    with churn.Store.open(f"sqlite://{tmp_path}/churn.db", readers=2, wait_timeout=0.2) as store:
        with store.tenant("a").begin() as tx:
            tx.company.rename("A")
            assert store.connections.writing == 1
            with pytest.raises(churn.StoreError) as busy:
                store.tenant("b").company.rename("B")
            assert (busy.value.code, busy.value.retryable) == ("store_busy", True)
    for option in [{"readers": 0}, {"wait_timeout": 0}, {"connect_timeout": "5"}, {"max_pages": -1}]:
        with pytest.raises(churn.InvalidOptionError) as refused:
            churn.Store.open("sqlite::memory:", **option)
        assert refused.value.column == next(iter(option))


def test_queries_of_customers_scores_keys_and_audit(acme, shared, tables):
    fill(acme, tables)
    dry = acme.payments.check([{"customer_id": "C-1", "due_at": "soon", "amount": 1.0}])
    assert (dry.rows_in, dry.rows_accepted, dry.rows_changed) == (1, 0, 0) and dry.report.issues[0].code == "bad_timestamp"
    first = tables["customers"][0]["customer_id"]
    page = acme.customers.find(first, limit=1)
    assert [row["customer_id"] for row in page.customers] == [first]
    assert acme.customers.count_customers() == len({row["customer_id"] for row in tables["customers"]})

    records = acme.records(static_attributes="all")
    run, later = shared.score(records, AS_OF), shared.score(records, "2024-05-15")
    values = {score.customer_id: 100.0 + at for at, score in enumerate(run)}
    saved = acme.scores.save(shared, run, at=AT, values=values)
    acme.scores.save(shared, later, at=AT, purpose="trial")
    acme.models.save(shared, at=AT)
    assert acme.models.get(shared.id).id == shared.id and acme.models.get("none") is None
    page = acme.scores.query(order="value_at_risk", scored=True, limit=3, total=True)
    assert page.run == saved and page.total == sum(score.probability is not None for score in run)
    expected = sorted(
        (-score.probability * values[score.customer_id], score.customer_id) for score in run if score.probability is not None
    )
    assert [score.customer_id for score in page.scores] == [customer for _, customer in expected[:3]]
    again = acme.scores.query(order="value_at_risk", scored=True, limit=3, after=page.next)
    assert [score.customer_id for score in again.scores] == [customer for _, customer in expected[3:6]]
    ids = [score.customer_id for score in page.scores]
    assert {score.customer_id for score in acme.scores.query(customer_ids=ids).scores} == set(ids)
    changes = acme.scores.changes(saved, later)
    assert sum(move.customers for move in changes.moves) + changes.left == len(run)
    assert [run.purpose for run in acme.scores.runs()] == ["trial", "served"] or acme.scores.runs()[0].purpose == "served"

    acme.users.upsert("u1", "ada@example.org", role="admin")
    assert acme.users.by_email("ada@example.org").user_id == "u1" and acme.users.by_email("x@example.org") is None
    for number in range(3):
        acme.audit.append("ada", "model.promoted" if number else "login", at=AT, subject=f"m{number}")
    found = acme.audit.query(action="model.promoted", limit=1)
    assert [entry.subject for entry in found.entries] == ["m2"]
    assert [entry.subject for entry in acme.audit.query(action="model.promoted", after=found.next).entries] == ["m1"]


def test_keys_expire_and_have_scopes(store, acme):
    secret = "f2a9c1d47e0b4d5c8a6b3e1f90d27c54"
    text = acme.api_keys.issue("k1", secret, role="viewer", at=AT, label="sync", scopes=["scores:read"], expires_at="2024-07-01")
    tenant, key = store.authenticate(text, at="2024-06-30")
    assert (tenant.tenant, key.label, key.scopes) == (acme.tenant, "sync", ["scores:read"])
    assert store.authenticate(text, at="2024-07-01") is None
    assert store.authenticate(text[:-1] + "5", at="2024-06-30") is None
    assert acme.api_keys.list()[0].used_at == datetime(2024, 6, 30, tzinfo=UTC)
