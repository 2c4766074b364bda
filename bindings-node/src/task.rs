//! Long work off the event loop, with progress and cancellation.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::{AtomicU64, Ordering};

use churn_core::{CancelToken, Execution};
use napi::bindgen_prelude::{AsyncTask, ToNapiValue, TypeName, Unknown};
use napi::threadsafe_function::{ThreadsafeFunction, ThreadsafeFunctionCallMode};
use napi::{Env, Result, Status, Task};
use napi_derive::napi;

use crate::error::{internal, raise};

type Job<T> = Box<dyn FnOnce() -> churn_core::Result<T> + Send>;

/// Work of the library that ends in one JavaScript value.
pub struct Work<T>(Option<Job<T>>);

/// Begins the work on another thread; what comes back is a promise.
pub(crate) fn begin<T>(job: impl FnOnce() -> churn_core::Result<T> + Send + 'static) -> AsyncTask<Work<T>>
where
    T: Send + ToNapiValue + TypeName + 'static,
{
    AsyncTask::new(Work(Some(Box::new(job))))
}

impl<T: Send + ToNapiValue + TypeName + 'static> Task for Work<T> {
    type Output = T;
    type JsValue = T;

    fn compute(&mut self) -> Result<T> {
        let job = self.0.take().ok_or_else(|| internal("work was begun twice"))?;
        match catch_unwind(AssertUnwindSafe(job)) {
            Ok(done) => done.map_err(raise),
            Err(panic) => {
                let text = panic.downcast_ref::<&str>().map(|text| (*text).to_owned());
                let text = text.or_else(|| panic.downcast_ref::<String>().cloned());
                Err(internal(&text.unwrap_or_else(|| "the library panicked".to_owned())))
            }
        }
    }

    fn resolve(&mut self, _: Env, output: T) -> Result<T> {
        Ok(output)
    }
}

/// Stops work under way.
#[napi]
#[derive(Clone, Default)]
pub struct Cancel {
    pub(crate) token: CancelToken,
}

#[napi]
impl Cancel {
    /// One that has not been used.
    #[napi(constructor)]
    pub fn new() -> Self {
        Self::default()
    }

    /// Asks the work to stop.
    #[napi(catch_unwind)]
    pub fn cancel(&self) {
        self.token.cancel();
    }
}

/// How far work has come.
#[napi(object, object_from_js = false)]
pub struct Step {
    /// What is being done.
    pub stage: String,
    /// Share of the whole that is done.
    pub done: f64,
}

/// A JavaScript function that hears of progress.
pub(crate) type Listener = ThreadsafeFunction<Step, Unknown<'static>, Step, Status, false, true>;

/// Execution with an abort handle and a listener, which hears of every half percent.
pub(crate) fn execution(cancel: &Cancel, listener: Option<Listener>) -> Execution {
    let execution = Execution::new().cancelled_by(cancel.token.clone());
    let Some(listener) = listener else {
        return execution;
    };
    let next = AtomicU64::new(0);
    execution.on_progress(move |progress| {
        let now = (progress.done * 200.0) as u64;
        if progress.done >= 1.0 || now >= next.fetch_max(now + 1, Ordering::Relaxed) {
            let step = Step {
                stage: progress.stage.to_owned(),
                done: progress.done,
            };
            listener.call(step, ThreadsafeFunctionCallMode::NonBlocking);
        }
    })
}
