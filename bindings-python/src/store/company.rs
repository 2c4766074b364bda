//! The company of a tenant: settings, users, API keys, sync cursors and the audit log.

use churn_store::{AuditEntry, AuditQuery, NewApiKey, Role, User};
use pyo3::prelude::*;

use super::call::Caller;
use super::{nothing, parsed, plain, reported};
use crate::arguments;
use crate::features::json;
use crate::tables::timestamp;

macro_rules! repository {
    ($(#[$doc:meta])* $name:ident) => {
        $(#[$doc])*
        #[pyclass(frozen, module = "churn_core.store")]
        pub(crate) struct $name {
            own: churn_store::$name,
            caller: Caller,
        }

        impl $name {
            pub(crate) fn new(own: churn_store::$name, caller: &Caller) -> Self {
                Self {
                    own,
                    caller: caller.clone(),
                }
            }
        }
    };
}

repository!(
    /// The name and the settings of a tenant's company.
    CompanyStore
);
repository!(
    /// The users of a tenant. The application decides what each role may do.
    UserStore
);
repository!(
    /// The API keys of a tenant. The store keeps only a hash of each secret.
    ApiKeyStore
);
repository!(
    /// The sync cursors of a tenant: for each data source, the position up to which it has been read.
    CursorStore
);
repository!(
    /// The audit log of a tenant. Entries can be added, but not changed.
    AuditStore
);

#[pymethods]
impl CompanyStore {
    /// Returns the name and the settings of the company. The name is None if no name was set.
    fn get(&self, py: Python<'_>) -> PyResult<Py<PyAny>> {
        let own = self.own.clone();
        let work = async move { Ok(own.get().await?) };
        self.caller
            .call(py, work, |py, company| reported(py, "Company", &company))
    }

    /// Sets the name of the company.
    fn rename(&self, py: Python<'_>, #[pyo3(from_py_with = arguments::name)] name: String) -> PyResult<Py<PyAny>> {
        let own = self.own.clone();
        let work = async move { Ok(own.rename(&name).await?) };
        self.caller.call(py, work, nothing)
    }

    /// Stores a setting. The value may be any value that JSON can represent.
    fn set(
        &self,
        py: Python<'_>,
        #[pyo3(from_py_with = arguments::setting)] setting: String,
        value: &Bound<'_, PyAny>,
    ) -> PyResult<Py<PyAny>> {
        let (own, value) = (self.own.clone(), json(value, "value")?);
        let work = async move { Ok(own.set(&setting, &value).await?) };
        self.caller.call(py, work, nothing)
    }

    /// Removes a setting. Returns whether the setting existed.
    fn unset(&self, py: Python<'_>, #[pyo3(from_py_with = arguments::setting)] setting: String) -> PyResult<Py<PyAny>> {
        let own = self.own.clone();
        let work = async move { Ok(own.unset(&setting).await?) };
        self.caller.call(py, work, plain)
    }
}

#[pymethods]
impl UserStore {
    /// Adds a user, or replaces the user who has this id. ``role`` is ``"viewer"``, ``"analyst"``, ``"admin"`` or
    /// ``"owner"``.
    ///
    /// Raises:
    ///     StoreError: Another user has this email address (``store_refused``).
    #[pyo3(signature = (user_id, email, *, role, name=None))]
    fn upsert(
        &self,
        py: Python<'_>,
        #[pyo3(from_py_with = arguments::user_id)] user_id: String,
        #[pyo3(from_py_with = arguments::email)] email: String,
        role: &str,
        name: Option<String>,
    ) -> PyResult<Py<PyAny>> {
        let user = User {
            user_id,
            email,
            name,
            role: parsed::<Role>(py, role)?,
        };
        let own = self.own.clone();
        let work = async move { Ok(own.upsert(&user).await?) };
        self.caller.call(py, work, nothing)
    }

    /// Returns the user with this id; None if there is no such user.
    fn get(&self, py: Python<'_>, #[pyo3(from_py_with = arguments::user_id)] user_id: String) -> PyResult<Py<PyAny>> {
        let own = self.own.clone();
        let work = async move { Ok(own.get(&user_id).await?) };
        self.caller.call(py, work, |py, user| reported(py, "User", &user))
    }

    /// Returns the user with this email address; None if there is no such user.
    fn by_email(&self, py: Python<'_>, #[pyo3(from_py_with = arguments::email)] email: String) -> PyResult<Py<PyAny>> {
        let own = self.own.clone();
        let work = async move { Ok(own.by_email(&email).await?) };
        self.caller.call(py, work, |py, user| reported(py, "User", &user))
    }

    /// Returns all users, sorted by id.
    fn list(&self, py: Python<'_>) -> PyResult<Py<PyAny>> {
        let own = self.own.clone();
        let work = async move { Ok(own.list().await?) };
        self.caller.call(py, work, |py, users| reported(py, "User", &users))
    }

    /// Removes a user. Returns whether the user existed.
    fn remove(
        &self,
        py: Python<'_>,
        #[pyo3(from_py_with = arguments::user_id)] user_id: String,
    ) -> PyResult<Py<PyAny>> {
        let own = self.own.clone();
        let work = async move { Ok(own.remove(&user_id).await?) };
        self.caller.call(py, work, plain)
    }
}

#[pymethods]
impl ApiKeyStore {
    /// Adds an API key. ``secret`` must contain at least 24 random bytes, such as ``secrets.token_urlsafe()``. Only a
    /// hash of the secret is stored. The hash does not protect a secret that can be guessed, so do not use a password
    /// as the secret.
    #[pyo3(signature = (key_id, secret, *, role, at))]
    fn create(
        &self,
        py: Python<'_>,
        #[pyo3(from_py_with = arguments::key_id)] key_id: String,
        #[pyo3(from_py_with = arguments::secret)] secret: String,
        role: &str,
        at: &Bound<'_, PyAny>,
    ) -> PyResult<Py<PyAny>> {
        let (own, role, at) = (self.own.clone(), parsed::<Role>(py, role)?, timestamp(at, "at")?);
        let work = async move { Ok(own.create(&key_id, &secret, role, at).await?) };
        self.caller.call(py, work, nothing)
    }

    /// Adds a key and returns the text with which a program authenticates: ``churn_<tenant>_<key id>_<secret>``, with
    /// the tenant's id in base32. `churn_core.Store.authenticate` finds the tenant by this text. You provide the
    /// secret: at least 24 random letters and digits (``secrets.token_hex()``). Show the text to the user only once,
    /// because only a hash of the secret is stored.
    ///
    /// ``scopes`` limits the key to certain actions. It is a list of names that the application defines (default:
    /// everything that the role may do). ``expires_at`` is the time at which the key expires (default: never).
    #[pyo3(signature = (key_id, secret, *, role, at, label=None, scopes=None, expires_at=None))]
    #[allow(clippy::too_many_arguments)]
    fn issue(
        &self,
        py: Python<'_>,
        #[pyo3(from_py_with = arguments::key_id)] key_id: String,
        #[pyo3(from_py_with = arguments::secret)] secret: String,
        role: &str,
        at: &Bound<'_, PyAny>,
        #[pyo3(from_py_with = arguments::label)] label: Option<String>,
        #[pyo3(from_py_with = arguments::scopes)] scopes: Option<Vec<String>>,
        expires_at: Option<&Bound<'_, PyAny>>,
    ) -> PyResult<Py<PyAny>> {
        let (own, at) = (self.own.clone(), timestamp(at, "at")?);
        let mut key = NewApiKey::new(key_id, secret, parsed::<Role>(py, role)?);
        key.label = label;
        key.scopes = scopes;
        key.expires_at = expires_at.map(|end| timestamp(end, "expires_at")).transpose()?;
        let work = async move { Ok(own.issue(&key, at).await?) };
        self.caller.call(py, work, plain)
    }

    /// Returns the key with this secret. Returns None if there is no such key, or if the key was revoked. This method
    /// does not check whether the key has expired.
    fn verify(&self, py: Python<'_>, #[pyo3(from_py_with = arguments::secret)] secret: String) -> PyResult<Py<PyAny>> {
        let own = self.own.clone();
        let work = async move { Ok(own.verify(&secret).await?) };
        self.caller.call(py, work, |py, key| reported(py, "ApiKey", &key))
    }

    /// Returns all keys, sorted by id, including revoked keys.
    fn list(&self, py: Python<'_>) -> PyResult<Py<PyAny>> {
        let own = self.own.clone();
        let work = async move { Ok(own.list().await?) };
        self.caller.call(py, work, |py, keys| reported(py, "ApiKey", &keys))
    }

    /// Revokes a key. Revoking it again has no effect.
    ///
    /// Raises:
    ///     NotFoundError: The key does not exist.
    #[pyo3(signature = (key_id, *, at))]
    fn revoke(
        &self,
        py: Python<'_>,
        #[pyo3(from_py_with = arguments::key_id)] key_id: String,
        at: &Bound<'_, PyAny>,
    ) -> PyResult<Py<PyAny>> {
        let (own, at) = (self.own.clone(), timestamp(at, "at")?);
        let work = async move { Ok(own.revoke(&key_id, at).await?) };
        self.caller.call(py, work, nothing)
    }
}

#[pymethods]
impl CursorStore {
    /// Returns the sync cursor of a data source; None if no cursor was set.
    fn get(
        &self,
        py: Python<'_>,
        #[pyo3(from_py_with = arguments::source_name)] source: String,
    ) -> PyResult<Py<PyAny>> {
        let own = self.own.clone();
        let work = async move { Ok(own.get(&source).await?) };
        self.caller
            .call(py, work, |py, cursor| reported(py, "SyncCursor", &cursor))
    }

    /// Sets the sync cursor of a data source. ``position`` is a text that says how far the source has been read. The
    /// application chooses the format of this text.
    #[pyo3(signature = (source, position, *, at))]
    fn set(
        &self,
        py: Python<'_>,
        #[pyo3(from_py_with = arguments::source_name)] source: String,
        #[pyo3(from_py_with = arguments::position)] position: String,
        at: &Bound<'_, PyAny>,
    ) -> PyResult<Py<PyAny>> {
        let (own, at) = (self.own.clone(), timestamp(at, "at")?);
        let work = async move { Ok(own.set(&source, &position, at).await?) };
        self.caller.call(py, work, nothing)
    }
}

#[pymethods]
impl AuditStore {
    /// Adds an entry to the audit log. ``details`` may be any value that JSON can represent.
    #[pyo3(signature = (actor, action, *, at, subject=None, details=None))]
    fn append(
        &self,
        py: Python<'_>,
        #[pyo3(from_py_with = arguments::actor)] actor: String,
        #[pyo3(from_py_with = arguments::action)] action: String,
        at: &Bound<'_, PyAny>,
        #[pyo3(from_py_with = arguments::subject)] subject: Option<String>,
        details: Option<&Bound<'_, PyAny>>,
    ) -> PyResult<Py<PyAny>> {
        let entry = AuditEntry {
            at: timestamp(at, "at")?,
            actor,
            action,
            subject,
            details: details
                .map(|details| json(details, "details"))
                .transpose()?
                .unwrap_or_default(),
        };
        let own = self.own.clone();
        let work = async move { Ok(own.append(&entry).await?) };
        self.caller.call(py, work, nothing)
    }

    /// Returns a page with at most ``limit`` (1 to 10 000) entries, oldest first. To get the next page, pass the
    /// ``next`` of this page as ``after``.
    #[pyo3(signature = (after=None, limit=1000))]
    fn page(
        &self,
        py: Python<'_>,
        #[pyo3(from_py_with = arguments::after)] after: Option<i64>,
        #[pyo3(from_py_with = arguments::limit)] limit: usize,
    ) -> PyResult<Py<PyAny>> {
        let own = self.own.clone();
        let work = async move { Ok(own.page(after, limit).await?) };
        self.caller.call(py, work, |py, page| reported(py, "AuditPage", &page))
    }

    /// Returns a page with at most ``limit`` (1 to 10 000) entries, newest first unless ``newest_first=False``.
    /// ``actor``, ``action`` and ``subject`` select entries with these values. ``since`` selects entries from this time
    /// on. ``until`` selects entries before this time. To get the next page, pass the ``next`` of this page as
    /// ``after``.
    #[pyo3(signature = (*, actor=None, action=None, subject=None, since=None, until=None, newest_first=true, after=None, limit=100))]
    #[allow(clippy::too_many_arguments)]
    fn query(
        &self,
        py: Python<'_>,
        #[pyo3(from_py_with = arguments::of_actor)] actor: Option<String>,
        #[pyo3(from_py_with = arguments::of_action)] action: Option<String>,
        #[pyo3(from_py_with = arguments::subject)] subject: Option<String>,
        since: Option<&Bound<'_, PyAny>>,
        until: Option<&Bound<'_, PyAny>>,
        #[pyo3(from_py_with = arguments::newest_first)] newest_first: bool,
        #[pyo3(from_py_with = arguments::after)] after: Option<i64>,
        #[pyo3(from_py_with = arguments::limit)] limit: usize,
    ) -> PyResult<Py<PyAny>> {
        let query = AuditQuery {
            actor,
            action,
            subject,
            since: since.map(|at| timestamp(at, "since")).transpose()?,
            until: until.map(|at| timestamp(at, "until")).transpose()?,
            newest_first,
            after,
            limit,
        };
        let own = self.own.clone();
        let work = async move { Ok(own.query(&query).await?) };
        self.caller.call(py, work, |py, page| reported(py, "AuditPage", &page))
    }
}
