//! The company itself: settings, people, keys, sources, and who did what.

use churn_store::{AuditEntry, Role, User};
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
    /// The company itself: its name and settings.
    CompanyStore
);
repository!(
    /// A tenant's users. What a role may do is your business.
    UserStore
);
repository!(
    /// Keys of programs, without their secrets: those are kept as hashes.
    ApiKeyStore
);
repository!(
    /// How far each source was read.
    CursorStore
);
repository!(
    /// Who did what. Entries are added, never changed.
    AuditStore
);

#[pymethods]
impl CompanyStore {
    /// The company; without name and settings if none were given.
    fn get(&self, py: Python<'_>) -> PyResult<Py<PyAny>> {
        let own = self.own.clone();
        let work = async move { Ok(own.get().await?) };
        self.caller
            .call(py, work, |py, company| reported(py, "Company", &company))
    }

    /// Names the company.
    fn rename(&self, py: Python<'_>, #[pyo3(from_py_with = arguments::name)] name: String) -> PyResult<Py<PyAny>> {
        let own = self.own.clone();
        let work = async move { Ok(own.rename(&name).await?) };
        self.caller.call(py, work, nothing)
    }

    /// Sets a setting to anything that JSON can hold.
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

    /// Forgets a setting; whether it was there.
    fn unset(&self, py: Python<'_>, #[pyo3(from_py_with = arguments::setting)] setting: String) -> PyResult<Py<PyAny>> {
        let own = self.own.clone();
        let work = async move { Ok(own.unset(&setting).await?) };
        self.caller.call(py, work, plain)
    }
}

#[pymethods]
impl UserStore {
    /// Adds a user, or replaces the one with this id. ``role`` is ``"viewer"``, ``"analyst"``, ``"admin"`` or ``"owner"``.
    ///
    /// Raises:
    ///     StoreError: ``store_refused``: another user has the address.
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

    /// A user; None if there is none.
    fn get(&self, py: Python<'_>, #[pyo3(from_py_with = arguments::user_id)] user_id: String) -> PyResult<Py<PyAny>> {
        let own = self.own.clone();
        let work = async move { Ok(own.get(&user_id).await?) };
        self.caller.call(py, work, |py, user| reported(py, "User", &user))
    }

    /// All users by id.
    fn list(&self, py: Python<'_>) -> PyResult<Py<PyAny>> {
        let own = self.own.clone();
        let work = async move { Ok(own.list().await?) };
        self.caller.call(py, work, |py, users| reported(py, "User", &users))
    }

    /// Removes a user; returns whether there was one.
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
    /// Adds a key. The secret is yours: at least 24 bytes of randomness (``secrets.token_urlsafe()``), of which only a hash
    /// is kept. Passwords of people do not belong here.
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

    /// The key of a secret; None if there is none, or it was revoked.
    fn verify(&self, py: Python<'_>, #[pyo3(from_py_with = arguments::secret)] secret: String) -> PyResult<Py<PyAny>> {
        let own = self.own.clone();
        let work = async move { Ok(own.verify(&secret).await?) };
        self.caller.call(py, work, |py, key| reported(py, "ApiKey", &key))
    }

    /// All keys by id, revoked ones included.
    fn list(&self, py: Python<'_>) -> PyResult<Py<PyAny>> {
        let own = self.own.clone();
        let work = async move { Ok(own.list().await?) };
        self.caller.call(py, work, |py, keys| reported(py, "ApiKey", &keys))
    }

    /// Revokes a key; once is enough.
    ///
    /// Raises:
    ///     NotFoundError: there is no such key.
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
    /// How far a source was read; None if never.
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

    /// Notes how far a source was read, in the source's own words.
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
    /// Adds an entry; ``details`` is anything that JSON can hold.
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

    /// At most ``limit`` entries (1 to 10 000) after the place ``after``, oldest first.
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
}
