//! The tenant that records belong to.

use std::fmt;
use std::sync::Arc;

use serde::{Deserialize, Serialize};

/// A tenant: one client company. Records, matrices and models carry their tenant, and mixing two tenants is an error.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct TenantId(Arc<str>);

impl TenantId {
    /// The id as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl<T: AsRef<str>> From<T> for TenantId {
    fn from(id: T) -> Self {
        Self(id.as_ref().into())
    }
}

impl fmt::Display for TenantId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}
