//! Access control: the operations that each role may perform.

use churn_store::Role;

/// An operation that a member of a company may perform if their role allows it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Operation {
    /// Read customers, scores, models, jobs and counts.
    Read,
    /// Start a score run, or cancel a job.
    Score,
    /// Train a model, or choose the model in use.
    Train,
}

/// Returns whether a role allows an operation.
pub fn allows(role: Role, operation: Operation) -> bool {
    match operation {
        Operation::Read => role >= Role::Viewer,
        Operation::Score => role >= Role::Analyst,
        Operation::Train => role >= Role::Admin,
    }
}
