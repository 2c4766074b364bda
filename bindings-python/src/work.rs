//! Runs long calls. The work runs on its own thread without the GIL. Meanwhile, the caller's thread checks for Ctrl-C
//! and reports progress.

use std::cell::RefCell;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{self, RecvTimeoutError};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use churn_core::{CancelToken, Execution, Progress};
use pyo3::prelude::*;
use pyo3::types::{PyDict, PyTuple};

use crate::errors::{OrRaise, refuse};

/// The interval at which the caller's thread checks for Ctrl-C and for new progress.
const TICK: Duration = Duration::from_millis(25);

thread_local! {
    /// The flag that stops the current call of this thread. The flag is `None` if no [`Canceller`] runs the call.
    static CURRENT: RefCell<Option<Arc<AtomicBool>>> = const { RefCell::new(None) };
}

/// Runs a call and lets other threads stop the call. `churn_core.aio` makes a canceller for each awaited call.
#[pyclass(frozen, module = "churn_core._churn_core")]
pub(crate) struct Canceller(Arc<AtomicBool>);

#[pymethods]
impl Canceller {
    #[new]
    fn new() -> Self {
        Self(Arc::default())
    }

    /// Calls ``function`` on the current thread. Another thread can call `cancel` to stop the work that ``function``
    /// does in this package.
    #[pyo3(signature = (function, args, kwargs))]
    fn call(
        &self,
        function: &Bound<'_, PyAny>,
        args: &Bound<'_, PyTuple>,
        kwargs: &Bound<'_, PyDict>,
    ) -> PyResult<Py<PyAny>> {
        let before = CURRENT.replace(Some(Arc::clone(&self.0)));
        let result = function.call(args, Some(kwargs));
        CURRENT.set(before);
        result.map(Bound::unbind)
    }

    /// Stops the function that `call` runs, within a fraction of a second.
    fn cancel(&self) {
        self.0.store(true, Ordering::Relaxed);
    }
}

/// Runs `work`. The work stops early if it is cancelled, if a signal interrupts it, or if its progress callback raises
/// an exception.
pub(crate) fn run<T: Send>(
    py: Python<'_>,
    threads: Option<usize>,
    progress: Option<&Bound<'_, PyAny>>,
    work: impl FnOnce(Execution) -> churn_core::Result<T> + Send,
) -> PyResult<T> {
    let cancel = CancelToken::new();
    let mut execution = Execution::new().cancelled_by(cancel.clone());
    execution.threads = threads;
    let news: Arc<Mutex<Option<Progress>>> = Arc::default();
    let bar = progress.map(|progress| listener(py, progress)).transpose()?.flatten();
    if bar.is_some() {
        let news = Arc::clone(&news);
        execution = execution.on_progress(move |progress| {
            *news.lock().unwrap_or_else(PoisonError::into_inner) = Some(progress);
        });
    }
    let canceller = CURRENT.with_borrow(Clone::clone);
    let tell = |py: Python<'_>| -> PyResult<()> {
        py.check_signals()?;
        if canceller.as_ref().is_some_and(|given| given.load(Ordering::Relaxed)) {
            return Err(refuse(py, "cancelled", "the call was cancelled", None));
        }
        let latest = news.lock().unwrap_or_else(PoisonError::into_inner).take();
        match (&bar, latest) {
            (Some(bar), Some(progress)) => bar.call1(py, (progress.stage, progress.done)).map(drop),
            _ => Ok(()),
        }
    };
    let (outcome, raised) = py.detach(|| {
        std::thread::scope(|scope| {
            let (done, finished) = mpsc::channel::<()>();
            let worker = std::thread::Builder::new()
                .name("churn".into())
                .stack_size(8 << 20)
                .spawn_scoped(scope, {
                    move || {
                        let _done = done;
                        work(execution)
                    }
                });
            let worker = match worker {
                Ok(worker) => worker,
                Err(error) => return (Some(Err(error.into())), None),
            };
            let mut raised = None;
            // When the work ends or panics, the worker drops its end of the channel. `recv_timeout` then returns an
            // error other than `Timeout`, which ends the loop.
            while let Err(RecvTimeoutError::Timeout) = finished.recv_timeout(TICK) {
                if raised.is_none() {
                    raised = Python::attach(tell).err();
                    if raised.is_some() {
                        cancel.cancel();
                    }
                }
            }
            (worker.join().ok(), raised)
        })
    });
    let raised = raised.map_or_else(|| tell(py), Err);
    if let (Some(bar), Ok(true)) = (&bar, progress.map_or(Ok(false), |progress| progress.extract::<bool>())) {
        bar.call_method0(py, "close")?;
    }
    raised?;
    outcome
        .ok_or_else(|| refuse(py, "internal", "the work ended in a panic; please report it", None))?
        .or_raise(py)
}

/// Converts the argument `progress` to a callable. `True` becomes a progress bar. `False` and `None` become `None`.
fn listener(py: Python<'_>, progress: &Bound<'_, PyAny>) -> PyResult<Option<Py<PyAny>>> {
    if let Ok(wanted) = progress.extract::<bool>() {
        return match wanted {
            true => Ok(Some(
                py.import("churn_core._progress")?.getattr("Bar")?.call0()?.unbind(),
            )),
            false => Ok(None),
        };
    }
    if progress.is_none() {
        return Ok(None);
    }
    if !progress.is_callable() {
        return Err(refuse(
            py,
            "invalid_option",
            "progress must be True or a callable (stage, share)",
            Some("progress"),
        ));
    }
    Ok(Some(progress.clone().unbind()))
}
