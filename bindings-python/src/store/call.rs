//! Runs calls of the store on the store's own threads, without the GIL. In a blocking call, the caller's thread waits
//! for the result and checks for Ctrl-C. In an awaited call, asyncio waits for the result.

use std::future::Future;
use std::mem;
use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use pyo3::prelude::*;
use tokio::runtime::{Handle, Runtime};
use tokio::task::AbortHandle;

use crate::errors::{raise, refuse};

/// The interval at which the waiting thread checks for Ctrl-C.
const TICK: Duration = Duration::from_millis(25);

/// An error in a call of the store: an error of the store itself, or a Python exception.
pub(crate) enum Failure {
    Store(churn_store::Error),
    Python(PyErr),
}

impl From<churn_store::Error> for Failure {
    fn from(error: churn_store::Error) -> Self {
        Self::Store(error)
    }
}

impl From<PyErr> for Failure {
    fn from(error: PyErr) -> Self {
        Self::Python(error)
    }
}

impl Failure {
    fn raise(self, py: Python<'_>) -> PyErr {
        match self {
            Self::Store(error) => raise(py, &error),
            Self::Python(error) => error,
        }
    }
}

pub(crate) type Outcome<T> = Result<T, Failure>;

/// The threads on which the calls of a store run.
struct Threads {
    runtime: Option<Runtime>,
    handle: Handle,
    /// The id of the process that started the threads. A child process that was forked later does not have the threads.
    process: u32,
}

impl Drop for Threads {
    fn drop(&mut self) {
        match self.runtime.take() {
            // `drop` may run on one of the store's threads. A thread cannot wait for its own end, so `drop` does not
            // wait for the end of the threads.
            Some(runtime) if self.process == std::process::id() => runtime.shutdown_background(),
            Some(of_the_parent) => mem::forget(of_the_parent),
            None => {}
        }
    }
}

/// Runs the calls of one store.
#[derive(Clone)]
pub(crate) struct Caller {
    threads: Arc<Threads>,
    /// Whether a call returns a future for asyncio (true) or blocks (false).
    awaited: bool,
}

impl Caller {
    pub(crate) fn new(py: Python<'_>, awaited: bool) -> PyResult<Self> {
        let runtime = tokio::runtime::Builder::new_multi_thread()
            .worker_threads(2)
            .thread_name("churn-store")
            .enable_all()
            .build()
            .map_err(|error| refuse(py, "internal", &error.to_string(), None))?;
        let threads = Threads {
            handle: runtime.handle().clone(),
            runtime: Some(runtime),
            process: std::process::id(),
        };
        Ok(Self {
            threads: Arc::new(threads),
            awaited,
        })
    }

    /// Enters the Tokio runtime of the store. The caller can then spawn work on the threads of this runtime.
    pub(crate) fn enter(&self) -> tokio::runtime::EnterGuard<'_> {
        self.threads.handle.enter()
    }

    /// Runs `work` and converts its result to Python. A blocking call returns the result. An awaited call returns a
    /// future.
    pub(crate) fn call<T, W, C>(&self, py: Python<'_>, work: W, convert: C) -> PyResult<Py<PyAny>>
    where
        T: Send + 'static,
        W: Future<Output = Outcome<T>> + Send + 'static,
        C: FnOnce(Python<'_>, T) -> PyResult<Py<PyAny>> + Send + 'static,
    {
        if self.threads.process != std::process::id() {
            let why = "the store was opened before this process was forked: open it again in this process";
            return Err(refuse(py, "store_unavailable", why, None));
        }
        if self.awaited {
            return self.promise(py, work, convert);
        }
        let done = py.detach(|| {
            self.threads.handle.block_on(async {
                let mut work = pin!(work);
                loop {
                    if let Ok(done) = tokio::time::timeout(TICK, &mut work).await {
                        return done;
                    }
                    // On Ctrl-C, `?` returns from here. The work is then dropped, so its transaction is rolled back.
                    Python::attach(|py| py.check_signals())?;
                }
            })
        });
        convert(py, done.map_err(|failure| failure.raise(py))?)
    }

    /// Starts `work` and returns an asyncio future for its result. Cancelling the future stops the work.
    fn promise<T, W, C>(&self, py: Python<'_>, work: W, convert: C) -> PyResult<Py<PyAny>>
    where
        T: Send + 'static,
        W: Future<Output = Outcome<T>> + Send + 'static,
        C: FnOnce(Python<'_>, T) -> PyResult<Py<PyAny>> + Send + 'static,
    {
        let event_loop = py.import("asyncio")?.call_method0("get_running_loop")?;
        let future = event_loop.call_method0("create_future")?;
        let work = self.threads.handle.spawn(work);
        future.call_method1("add_done_callback", (GiveUp(work.abort_handle()),))?;
        let settle = py.import("churn_core.aio")?.getattr("_settle")?.unbind();
        let (event_loop, promised) = (event_loop.unbind(), future.clone().unbind());
        self.threads.handle.spawn(async move {
            let done = work.await;
            // If the interpreter is shutting down or the event loop is closed, nobody waits for the result.
            Python::try_attach(|py| {
                let found = match done {
                    Ok(done) => done
                        .map_err(|failure| failure.raise(py))
                        .and_then(|found| convert(py, found)),
                    Err(lost) if lost.is_cancelled() => return,
                    Err(_) => Err(refuse(
                        py,
                        "internal",
                        "the work ended in a panic; please report it",
                        None,
                    )),
                };
                let (error, value) = match found {
                    Ok(value) => (py.None(), value),
                    Err(error) => (error.into_value(py).into_any(), py.None()),
                };
                let settled = event_loop.call_method1(py, "call_soon_threadsafe", (settle, promised, error, value));
                drop(settled);
            });
        });
        Ok(future.unbind())
    }
}

/// The callback that asyncio calls when a future is done. If the future was cancelled, the callback stops the work.
#[pyclass(frozen)]
struct GiveUp(AbortHandle);

#[pymethods]
impl GiveUp {
    fn __call__(&self, future: &Bound<'_, PyAny>) -> PyResult<()> {
        if future.call_method0("cancelled")?.extract()? {
            self.0.abort();
        }
        Ok(())
    }
}

/// When this value is dropped, nobody waits for the result any more, so the work on the other thread is stopped.
pub(crate) struct Stop(pub(crate) churn_core::CancelToken);

impl Drop for Stop {
    fn drop(&mut self) {
        self.0.cancel();
    }
}
