//! Runs long work on other threads, with progress and cancellation. The work does not block the event loop.
//!
//! This module has its own threads and does not use libuv's thread pool, because `fs`, `dns` and `crypto` need that
//! pool. Training and scoring have separate queues, so scoring never waits for training.

use std::collections::VecDeque;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::thread;

use churn_core::{CancelToken, Execution};
use napi::bindgen_prelude::{JsValue, PromiseRaw, ToNapiValue, Unknown};
use napi::threadsafe_function::{ThreadsafeFunction, ThreadsafeFunctionCallMode};
use napi::{Env, Result, Status};
use napi_derive::napi;

use crate::error::{cancelled, internal, invalid_option, raise};

type Job = Box<dyn FnOnce() + Send>;

/// Work that is waiting for a thread.
struct Waiting {
    cancel: CancelToken,
    job: Job,
}

struct State {
    running: usize,
    waiting: VecDeque<Waiting>,
}

/// A queue of work. Each queue has its own threads.
#[derive(Clone, Copy)]
pub(crate) enum Lane {
    /// The queue for training runs and backtests. One job may take minutes.
    Training,
    /// The queue for all other work. One job takes milliseconds to seconds.
    Scoring,
}

/// The state of each queue.
static QUEUES: [Mutex<State>; 2] = [const {
    Mutex::new(State {
        running: 0,
        waiting: VecDeque::new(),
    })
}; 2];

/// The cancel tokens of all unfinished work. Each entry also identifies the Node environment that started the work.
static UNFINISHED: Mutex<Vec<(usize, u64, CancelToken)>> = Mutex::new(vec![]);

/// The Node environments in which a clean-up hook is registered.
static HOOKED: Mutex<Vec<usize>> = Mutex::new(vec![]);

static NEXT_ID: AtomicU64 = AtomicU64::new(0);

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Lane {
    fn state(self) -> MutexGuard<'static, State> {
        lock(&QUEUES[self as usize])
    }

    /// Returns the maximum number of jobs of this queue that may run at the same time.
    fn limit(self) -> usize {
        let cores = thread::available_parallelism().map_or(1, std::num::NonZero::get);
        match self {
            Self::Training => cores.max(2),
            Self::Scoring => cores.max(4),
        }
    }

    fn submit(self, waiting: Waiting) -> Result<()> {
        let mut state = self.state();
        state.waiting.push_back(waiting);
        if state.running < self.limit() {
            let started = thread::Builder::new()
                .name("churn-node".to_owned())
                .spawn(move || self.work());
            if started.is_ok() {
                state.running += 1;
            } else if state.running == 0 {
                state.waiting.pop_back();
                return Err(internal("no thread could be started"));
            }
        }
        Ok(())
    }

    /// Runs on a thread of this queue. Executes the waiting jobs of the queue until none is left.
    fn work(self) {
        loop {
            let next = {
                let mut state = self.state();
                let next = state.waiting.pop_front();
                if next.is_none() {
                    state.running -= 1;
                }
                next
            };
            let Some(next) = next else { return };
            (next.job)();
        }
    }

    /// Removes cancelled jobs from the queue, and rejects their promises.
    fn sweep(self) {
        let cancelled = {
            let mut state = self.state();
            let (cancelled, waiting): (VecDeque<_>, VecDeque<_>) =
                (state.waiting.drain(..)).partition(|waiting| waiting.cancel.is_cancelled());
            state.waiting = waiting;
            cancelled
        };
        for waiting in cancelled {
            (waiting.job)();
        }
    }
}

fn sweep() {
    Lane::Training.sweep();
    Lane::Scoring.sweep();
}

/// Registers a hook that cancels all work of a Node environment when the environment ends. A process or worker that
/// ends therefore does not wait for training.
fn cancel_at_end(env: &Env) -> Result<()> {
    let key = env.raw() as usize;
    {
        let mut hooked = lock(&HOOKED);
        if hooked.contains(&key) {
            return Ok(());
        }
        hooked.push(key);
    }
    let cancel_all = |key: usize| {
        for (_, _, cancel) in lock(&UNFINISHED).iter().filter(|(env, ..)| *env == key) {
            cancel.cancel();
        }
        lock(&HOOKED).retain(|env| *env != key);
        sweep();
    };
    env.add_env_cleanup_hook(key, cancel_all).map(|_| ())
}

/// Runs work, and converts a panic to an error.
pub(crate) fn caught<T>(work: impl FnOnce() -> Result<T>) -> Result<T> {
    catch_unwind(AssertUnwindSafe(work)).unwrap_or_else(|panic| {
        let text = panic.downcast_ref::<&str>().map(|text| (*text).to_owned());
        let text = text.or_else(|| panic.downcast_ref::<String>().cloned());
        Err(internal(&text.unwrap_or_else(|| "the library panicked".to_owned())))
    })
}

/// Runs work on another thread. Returns a promise of the result.
pub(crate) fn begin_with<'env, T>(
    env: &'env Env,
    lane: Lane,
    cancel: CancelToken,
    work: impl FnOnce() -> Result<T> + Send + 'static,
) -> Result<PromiseRaw<'env, T>>
where
    T: Send + ToNapiValue + 'static,
{
    cancel_at_end(env)?;
    type Resolver<T> = Box<dyn FnOnce(Env) -> Result<T>>;
    let (deferred, promise) = env.create_deferred::<T, Resolver<T>>()?;
    let id = NEXT_ID.fetch_add(1, Ordering::Relaxed);
    lock(&UNFINISHED).push((env.raw() as usize, id, cancel.clone()));
    let token = cancel.clone();
    let job = move || {
        let ended = if token.is_cancelled() {
            Err(cancelled())
        } else {
            caught(work)
        };
        lock(&UNFINISHED).retain(|(_, other, _)| *other != id);
        // If the environment has ended, napi drops the result, because nobody waits for it.
        let _ = catch_unwind(AssertUnwindSafe(move || match ended {
            Ok(value) => deferred.resolve(Box::new(move |_| Ok(value))),
            Err(error) => deferred.reject(error),
        }));
    };
    lane.submit(Waiting {
        cancel,
        job: Box::new(job),
    })?;
    Ok(PromiseRaw::new(env.raw(), promise.raw()))
}

/// Runs `work`, which calls churn-core, on another thread. Returns a promise of the result.
pub(crate) fn begin<'env, T>(
    env: &'env Env,
    lane: Lane,
    cancel: &Cancel,
    work: impl FnOnce() -> churn_core::Result<T> + Send + 'static,
) -> Result<PromiseRaw<'env, T>>
where
    T: Send + ToNapiValue + 'static,
{
    begin_with(env, lane, cancel.token.clone(), move || work().map_err(raise))
}

/// The cancel token of one call.
#[napi]
#[derive(Clone, Default)]
pub struct Cancel {
    pub(crate) token: CancelToken,
}

#[napi]
impl Cancel {
    /// Creates a token that is not cancelled.
    #[napi(constructor)]
    pub fn new() -> Self {
        Self::default()
    }

    /// Tells the call to stop as soon as possible.
    #[napi(catch_unwind)]
    pub fn cancel(&self) {
        self.token.cancel();
        sweep();
    }
}

/// The progress of a call.
#[napi(object, object_from_js = false)]
pub struct Progress {
    /// The name of the current stage, in words for a user.
    pub stage: String,
    /// The share of the whole call that is completed, 0 to 1. The share never falls. It is 1 only when the call has
    /// ended.
    pub done: f64,
}

/// A JavaScript function that receives progress.
pub(crate) type Listener = ThreadsafeFunction<Progress, Unknown<'static>, Progress, Status, false, true>;

/// Makes execution options with a cancel token and a progress listener. The listener is called after every 0.5 % of the
/// work.
pub(crate) fn execution(cancel: &Cancel, listener: Option<Listener>) -> Execution {
    let execution = Execution::new().cancelled_by(cancel.token.clone());
    let Some(listener) = listener else {
        return execution;
    };
    let next = AtomicU64::new(0);
    execution.on_progress(move |progress| {
        let now = (progress.done * 200.0) as u64;
        if now >= next.fetch_max(now + 1, Ordering::Relaxed) {
            let step = Progress {
                stage: progress.stage.to_owned(),
                done: progress.done,
            };
            listener.call(step, ThreadsafeFunctionCallMode::NonBlocking);
        }
    })
}

/// A value that belongs to a JavaScript object. The object can free the value before the object itself is
/// garbage-collected.
pub(crate) struct Held<T>(Option<T>);

impl<T> Held<T> {
    pub(crate) fn new(value: T) -> Self {
        Self(Some(value))
    }

    /// # Errors
    /// `invalid_option` if the value has been released.
    pub(crate) fn get(&self) -> Result<&T> {
        self.0
            .as_ref()
            .ok_or_else(|| invalid_option("object", "was disposed of"))
    }

    pub(crate) fn release(&mut self) {
        self.0 = None;
    }
}

/// Tells V8 how much memory JavaScript objects use outside the V8 heap. `bytes` is the change of this amount; a
/// negative number means that memory was freed. Returns the new total.
#[napi(catch_unwind)]
pub fn adjust_memory(env: &Env, bytes: i64) -> Result<i64> {
    env.adjust_external_memory(bytes)
}
