//! Who may do what: the one table of roles and operations.

use churn_store::Role;

/// Something that a member of a company may do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Operation {
    /// Read customers, scores, models, jobs and counts.
    Read,
    /// Start a score run, or cancel a job.
    Score,
    /// Train a model, or choose the model in use.
    Train,
}

/// Whether a role allows an operation.
pub fn allows(role: Role, operation: Operation) -> bool {
    match operation {
        Operation::Read => role >= Role::Viewer,
        Operation::Score => role >= Role::Analyst,
        Operation::Train => role >= Role::Admin,
    }
}
