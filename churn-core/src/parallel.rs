//! Thread pools, progress and cancellation. No other module starts threads.
//!
//! A long call creates its own thread pool and drops the pool before it returns, so the host process may fork between
//! calls. Work is divided into chunks whose size does not depend on the number of threads, and the results of the
//! chunks are returned in order. The result of the call is therefore the same for any number of threads. Between
//! chunks, the call checks its [`CancelToken`].

use std::fmt;
use std::ops::Range;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use rayon::prelude::*;

use crate::error::{Error, ErrorKind, Result};

/// A token that cancels a long call from another thread. Clones of a token share one flag.
#[derive(Clone, Debug, Default)]
pub struct CancelToken(Arc<AtomicBool>);

impl CancelToken {
    /// Creates a token that is not cancelled.
    pub fn new() -> Self {
        Self::default()
    }

    /// Cancels every call that uses this token. Such a call returns [`ErrorKind::Cancelled`] within about 50 ms.
    pub fn cancel(&self) {
        self.0.store(true, Ordering::Relaxed);
    }

    /// Whether [`cancel`](Self::cancel) was called.
    pub fn is_cancelled(&self) -> bool {
        self.0.load(Ordering::Relaxed)
    }
}

/// The progress of a long call.
#[derive(Clone, Copy, Debug, PartialEq)]
#[non_exhaustive]
pub struct Progress {
    /// The name of the current stage, for display. Examples are `"features"` and `"boosting"`.
    pub stage: &'static str,
    /// The completed fraction of the whole call, from 0 to 1. The fraction never decreases.
    pub done: f64,
}

type ProgressCallback = Arc<dyn Fn(Progress) + Send + Sync>;

/// How a long call runs: the number of threads, a progress callback, and a token for cancellation. The result does not
/// depend on these settings.
///
/// ```
/// use churn_core::{CancelToken, ErrorKind, Execution, Table, TenantRecords};
///
/// let token = CancelToken::new(); // give a clone to the code that may cancel
/// let execution = Execution::new()
///     .threads(2)
///     .on_progress(|progress| println!("{} {:.0} %", progress.stage, 100.0 * progress.done))
///     .cancelled_by(token.clone());
/// token.cancel();
/// let customers = Table::from_csv(&b"customer_id,signed_up_at\nC-1,2024-01-01\n"[..])?;
/// let built = TenantRecords::builder("acme").customers(customers).execution(execution).build();
/// assert_eq!(built.unwrap_err().kind(), ErrorKind::Cancelled);
/// # Ok::<(), churn_core::Error>(())
/// ```
#[derive(Clone, Default)]
#[non_exhaustive]
pub struct Execution {
    /// Number of threads; `None` means all threads that the machine offers.
    pub threads: Option<usize>,
    /// A function that is called from time to time, on any thread, with the progress of the call.
    pub progress: Option<ProgressCallback>,
    /// The token that cancels the call.
    pub cancel: CancelToken,
}

impl Execution {
    /// Creates an execution that uses all available threads, without a progress callback, and with a new token that is
    /// not cancelled.
    pub fn new() -> Self {
        Self::default()
    }

    /// Sets the number of threads. The number must be 1 to 512; otherwise, the call fails with `invalid_option`.
    #[must_use]
    pub fn threads(mut self, threads: usize) -> Self {
        self.threads = Some(threads);
        self
    }

    /// Sets a progress callback.
    #[must_use]
    pub fn on_progress(mut self, callback: impl Fn(Progress) + Send + Sync + 'static) -> Self {
        self.progress = Some(Arc::new(callback));
        self
    }

    /// Sets the token that cancels the call.
    #[must_use]
    pub fn cancelled_by(mut self, token: CancelToken) -> Self {
        self.cancel = token;
        self
    }

    /// Creates the thread pool of one call.
    pub(crate) fn workers(&self) -> Result<Workers> {
        let threads = match self.threads {
            Some(n) if !(1..=MOST_THREADS).contains(&n) => {
                return Err(Error::new(ErrorKind::InvalidOption, "threads must be 1 to 512").at(
                    None,
                    None,
                    Some("threads"),
                ));
            }
            Some(n) => n,
            None => std::thread::available_parallelism().map_or(1, |n| n.get().min(MOST_THREADS)),
        };
        let pool = match threads {
            1 => None,
            n => {
                let built = rayon::ThreadPoolBuilder::new()
                    .num_threads(n)
                    .thread_name(|i| format!("churn-{i}"))
                    .build();
                Some(built.map_err(|e| Error::new(ErrorKind::Internal, "threads could not be started").caused_by(e))?)
            }
        };
        Ok(Workers {
            pool,
            progress: self.progress.clone(),
            told: Mutex::new(0.0),
            cancel: self.cancel.clone(),
            from: 0.0,
            to: 1.0,
        })
    }
}

impl fmt::Debug for Execution {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Execution")
            .field("threads", &self.threads)
            .finish_non_exhaustive()
    }
}

/// The maximum number of threads. A larger number is probably a mistake, for example a time in milliseconds.
const MOST_THREADS: usize = 512;

/// Number of values that are sorted between two checks of the cancellation token.
const SORTED_AT_ONCE: usize = 1 << 14;

/// The thread pool of one long call, together with the progress callback and the cancellation token of the call.
pub(crate) struct Workers {
    pool: Option<rayon::ThreadPool>,
    progress: Option<ProgressCallback>,
    /// The progress that was last reported, as a fraction of the whole call. The lock is held while the callback runs,
    /// so callbacks from several threads cannot overtake each other and the reported fraction never decreases.
    told: Mutex<f64>,
    cancel: CancelToken,
    /// The fraction of the whole call that is complete when the current stage begins. `to` is the fraction that is
    /// complete when the stage ends.
    from: f64,
    to: f64,
}

impl Workers {
    /// Creates workers without a thread pool, for short work on the calling thread. Such workers do not report progress
    /// and cannot be cancelled.
    pub(crate) fn inline() -> Self {
        Self {
            pool: None,
            progress: None,
            told: Mutex::new(0.0),
            cancel: CancelToken::new(),
            from: 0.0,
            to: 1.0,
        }
    }

    /// Creates workers that use only the calling thread. The token of the execution cancels their work.
    pub(crate) fn on_this_thread(execution: &Execution) -> Self {
        Self {
            cancel: execution.cancel.clone(),
            ..Self::inline()
        }
    }

    /// Creates workers that use only the calling thread. Cancelling this call cancels their work too.
    pub(crate) fn single(&self) -> Self {
        Self {
            cancel: self.cancel.clone(),
            ..Self::inline()
        }
    }

    /// Number of threads.
    pub(crate) fn threads(&self) -> usize {
        self.pool.as_ref().map_or(1, rayon::ThreadPool::current_num_threads)
    }

    /// Runs a closure on a thread of the pool. If the closure starts many short parallel tasks, `inside` avoids the
    /// cost of entering the pool for each task.
    pub(crate) fn inside<R: Send>(&self, f: impl FnOnce() -> R + Send) -> R {
        match &self.pool {
            None => f(),
            Some(pool) => pool.install(f),
        }
    }

    /// Returns the error [`ErrorKind::Cancelled`] if the caller has cancelled the call. Long computations call this
    /// method at least every 50 ms.
    pub(crate) fn check(&self) -> Result<()> {
        match self.cancel.is_cancelled() {
            true => Err(Error::new(ErrorKind::Cancelled, "the call was cancelled")),
            false => Ok(()),
        }
    }

    /// Begins a stage of the call. `from` is the fraction of the whole call that is complete when the stage begins, and
    /// `to` is the fraction that is complete when the stage ends.
    pub(crate) fn part(&mut self, from: f64, to: f64) {
        (self.from, self.to) = (from, to);
    }

    /// Reports that `done` of `total` units of work of the current stage are complete.
    pub(crate) fn report(&self, stage: &'static str, done: usize, total: usize) {
        if let Some(callback) = &self.progress {
            let share = if total == 0 { 1.0 } else { done as f64 / total as f64 };
            let mut told = self.told.lock().unwrap_or_else(PoisonError::into_inner);
            *told = told.max(self.from + (self.to - self.from) * share.min(1.0));
            callback(Progress { stage, done: *told });
        }
    }

    /// Applies `f` to every number in `items`, in parallel, and returns the results in order.
    pub(crate) fn map<R: Send>(
        &self,
        items: Range<usize>,
        f: impl Fn(usize) -> Result<R> + Sync + Send,
    ) -> Result<Vec<R>> {
        let one = |i| {
            self.check()?;
            f(i)
        };
        match &self.pool {
            None => items.map(one).collect(),
            Some(pool) => pool.install(|| items.into_par_iter().with_max_len(1).map(one).collect()),
        }
    }

    /// Splits the range `0..len` into chunks of length `size` (the last chunk may be shorter). Applies `f` to every
    /// chunk, in parallel, and returns the results in order.
    pub(crate) fn map_chunks<R: Send>(
        &self,
        len: usize,
        size: usize,
        f: impl Fn(Range<usize>) -> Result<R> + Sync + Send,
    ) -> Result<Vec<R>> {
        let size = size.max(1);
        self.map(0..len.div_ceil(size), |piece| {
            f(piece * size..((piece + 1) * size).min(len))
        })
    }

    /// Applies `f` to the index and a mutable reference of every item, in parallel, and returns the results in order.
    pub(crate) fn map_mut<T: Send, R: Send>(
        &self,
        items: &mut [T],
        f: impl Fn(usize, &mut T) -> Result<R> + Sync + Send,
    ) -> Result<Vec<R>> {
        let one = |(i, item): (usize, &mut T)| {
            self.check()?;
            f(i, item)
        };
        match &self.pool {
            None => items.iter_mut().enumerate().map(one).collect(),
            Some(pool) => pool.install(|| items.par_iter_mut().with_max_len(1).enumerate().map(one).collect()),
        }
    }

    /// Splits a slice into chunks of length `size` (the last chunk may be shorter). Applies `f` to the start position
    /// and the content of every chunk, in parallel.
    pub(crate) fn chunks_mut<T: Send>(
        &self,
        data: &mut [T],
        size: usize,
        f: impl Fn(usize, &mut [T]) -> Result<()> + Sync + Send,
    ) -> Result<()> {
        let size = size.max(1);
        let one = |(i, piece): (usize, &mut [T])| {
            self.check()?;
            f(i * size, piece)
        };
        match &self.pool {
            None => data.chunks_mut(size).enumerate().try_for_each(one),
            Some(pool) => pool.install(|| data.par_chunks_mut(size).enumerate().try_for_each(one)),
        }
    }

    /// Sorts items by a key. The sort is stable and works like [`sort_by`](Self::sort_by).
    pub(crate) fn sort_by_key<T: Copy + Send + Sync, K: Ord>(
        &self,
        data: &mut Vec<T>,
        key: impl Fn(&T) -> K + Sync + Send,
    ) -> Result<()> {
        self.sort_by(data, |a, b| key(a).cmp(&key(b)))
    }

    /// Sorts with a comparison function. The sort is stable.
    ///
    /// Chunks are sorted independently and then merged in pairs. The cancellation token is checked between these steps.
    pub(crate) fn sort_by<T: Copy + Send + Sync>(
        &self,
        data: &mut Vec<T>,
        compare: impl Fn(&T, &T) -> std::cmp::Ordering + Sync + Send,
    ) -> Result<()> {
        let mut width = SORTED_AT_ONCE;
        if data.len() <= width {
            self.check()?;
            data.sort_by(compare);
            return Ok(());
        }
        self.chunks_mut(data, width, |_, piece| {
            piece.sort_by(&compare);
            Ok(())
        })?;
        let mut merged = data.clone();
        while width < data.len() {
            self.chunks_mut(&mut merged, 2 * width, |start, out| {
                let middle = out.len().min(width);
                let (left, right) = data[start..start + out.len()].split_at(middle);
                self.merge(left, right, out, &compare)
            })?;
            std::mem::swap(data, &mut merged);
            width *= 2;
        }
        Ok(())
    }

    /// Merges two sorted chunks. Among equal items, those of the left chunk come first.
    fn merge<'d, T: Copy>(
        &self,
        mut left: &'d [T],
        mut right: &'d [T],
        out: &mut [T],
        compare: &impl Fn(&T, &T) -> std::cmp::Ordering,
    ) -> Result<()> {
        for out in out.chunks_mut(SORTED_AT_ONCE) {
            self.check()?;
            for place in out {
                let from = match (left.first(), right.first()) {
                    (Some(a), Some(b)) if compare(b, a).is_lt() => &mut right,
                    (Some(_), _) => &mut left,
                    (None, _) => &mut right,
                };
                if let Some((first, rest)) = from.split_first() {
                    *place = *first;
                    *from = rest;
                }
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn order_does_not_depend_on_threads() {
        let squares = |threads| {
            Execution::new()
                .threads(threads)
                .workers()
                .unwrap()
                .map(0..1000, |i| Ok(i * i))
                .unwrap()
        };
        assert_eq!(squares(1), squares(3));
    }

    #[test]
    fn cancellation_stops_the_work() {
        let token = CancelToken::new();
        let workers = Execution::new()
            .threads(2)
            .cancelled_by(token.clone())
            .workers()
            .unwrap();
        let outcome = workers.map(0..1_000_000, |i| {
            if i == 10 {
                token.cancel();
            }
            Ok(())
        });
        assert_eq!(outcome.unwrap_err().kind(), ErrorKind::Cancelled);
    }

    #[test]
    fn zero_and_very_many_threads_are_refused() {
        for threads in [0, 513, usize::MAX] {
            let refused = Execution::new().threads(threads).workers().err();
            assert_eq!(refused.unwrap().code(), "invalid_option", "{threads}");
        }
    }

    #[test]
    fn sorts_like_the_standard_library_and_can_be_cancelled() {
        let token = CancelToken::new();
        for (threads, length) in [(1, 0), (1, 1), (2, SORTED_AT_ONCE), (1, 100_001), (3, 262_145)] {
            let workers = Execution::new().threads(threads).cancelled_by(token.clone());
            let workers = workers.workers().unwrap();
            let data: Vec<(u64, usize)> = (0..length).map(|i| ((i as u64 * 7919) % 1009, i)).collect();
            let (mut ours, mut plain) = (data.clone(), data);
            workers.sort_by_key(&mut ours, |pair| pair.0).unwrap();
            plain.sort_by_key(|pair| pair.0);
            assert!(ours == plain, "{length}");
        }
        token.cancel();
        let workers = Execution::new().threads(2).cancelled_by(token).workers().unwrap();
        let outcome = workers.sort_by_key(&mut vec![2, 1], |&value| value);
        assert_eq!(outcome.unwrap_err().kind(), ErrorKind::Cancelled);
    }
}
