//! The tenant that records belong to.

use std::borrow::Borrow;
use std::fmt;
use std::str::FromStr;
use std::sync::Arc;

use serde::{Deserialize, Serialize, Serializer};

use crate::error::{Error, ErrorKind, Result};

/// The id of a tenant. A tenant is one client company. Records, matrices and models carry their tenant, and mixing two
/// tenants is an error.
///
/// An id is any text that is not blank. Leading and trailing blanks are part of the id.
///
/// ```
/// use churn_core::TenantId;
///
/// assert_eq!(TenantId::new("acme")?.as_str(), "acme");
/// assert_eq!(TenantId::new(" ").unwrap_err().code(), "invalid_option");
/// # Ok::<(), churn_core::Error>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Deserialize)]
#[serde(try_from = "String")]
pub struct TenantId(Arc<str>);

impl TenantId {
    /// Creates a tenant id.
    ///
    /// # Errors
    /// `invalid_option` with column `tenant` if the id is empty or consists of white space.
    pub fn new(id: impl AsRef<str>) -> Result<Self> {
        let id = id.as_ref();
        match id.trim().is_empty() {
            true => {
                Err(Error::new(ErrorKind::InvalidOption, "the tenant's id is blank").at(None, None, Some("tenant")))
            }
            false => Ok(Self(id.into())),
        }
    }

    /// Creates an empty id. Rows without a tenant have this id, and only a model trained with the option `shared` can
    /// score them.
    pub(crate) fn unnamed() -> Self {
        Self("".into())
    }

    /// Creates an id without validating it. The caller must validate it later.
    pub(crate) fn unchecked(id: impl AsRef<str>) -> Self {
        Self(id.as_ref().into())
    }

    /// The id as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for TenantId {
    type Err = Error;

    /// # Errors
    /// The errors of [`TenantId::new`].
    fn from_str(id: &str) -> Result<Self> {
        Self::new(id)
    }
}

impl TryFrom<&str> for TenantId {
    type Error = Error;

    fn try_from(id: &str) -> Result<Self> {
        Self::new(id)
    }
}

impl TryFrom<String> for TenantId {
    type Error = Error;

    fn try_from(id: String) -> Result<Self> {
        Self::new(id)
    }
}

impl AsRef<str> for TenantId {
    fn as_ref(&self) -> &str {
        &self.0
    }
}

impl Borrow<str> for TenantId {
    fn borrow(&self) -> &str {
        &self.0
    }
}

impl Serialize for TenantId {
    fn serialize<S: Serializer>(&self, serializer: S) -> std::result::Result<S::Ok, S::Error> {
        serializer.serialize_str(&self.0)
    }
}

impl fmt::Display for TenantId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}
