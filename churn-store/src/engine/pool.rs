//! The connection pool of the store. It limits the number of connections that read, and the number of connections that
//! write. A call first waits in a queue of its tenant, and then takes a connection. Opening a store fails at once if
//! the database is unreachable. A connection whose last transaction did not end cleanly is closed.

use std::collections::HashMap;
use std::path::PathBuf;
use std::str::FromStr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};

use churn_core::TenantId;
use sqlx::postgres::{PgConnectOptions, PgSslMode};
use sqlx::sqlite::{SqliteConnectOptions, SqliteJournalMode, SqliteSynchronous};
use sqlx::{AssertSqlSafe, ConnectOptions, Connection as _, Executor, PgConnection, SqliteConnection};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use crate::engine::{Access, Backend, ConnectionStatistics, StoreOptions, Tx};
use crate::error::{Error, ErrorKind, Result};

/// A connection to SQLite or Postgres.
pub(crate) enum Connection {
    Sqlite(SqliteConnection),
    Postgres(PgConnection),
}

impl Connection {
    pub(super) async fn script(&mut self, sql: impl Into<String>) -> std::result::Result<(), sqlx::Error> {
        let sql = sqlx::raw_sql(AssertSqlSafe(sql.into()));
        match self {
            Self::Sqlite(connection) => connection.execute(sql).await.map(drop),
            Self::Postgres(connection) => connection.execute(sql).await.map(drop),
        }
    }

    async fn close(self) {
        // Errors are ignored, because dropping the connection closes it anyway.
        let _ = match self {
            Self::Sqlite(connection) => connection.close().await,
            Self::Postgres(connection) => connection.close().await,
        };
    }
}

#[derive(Clone)]
enum Target {
    Sqlite(Box<SqliteConnectOptions>),
    Postgres(Box<PgConnectOptions>),
}

/// The queues in which calls of one tenant wait: one for reading and one for writing.
#[derive(Debug)]
struct Lane {
    writer: Arc<Semaphore>,
    readers: Arc<Semaphore>,
}

/// The permits that a transaction holds: one for a connection, and one for a queue of its tenant. They are released
/// when the connection can be reused.
struct Turn {
    // Fields are dropped in this order, so the permit of the connection is released first.
    _connection: OwnedSemaphorePermit,
    _lane: Option<OwnedSemaphorePermit>,
    // Keeps the tenant's queues alive as long as any call waits in them.
    _tenant: Option<Arc<Lane>>,
}

pub(crate) struct Shared {
    target: Target,
    /// The address of the database for error messages, such as `127.0.0.1:5432` or the path of a file.
    place: String,
    /// The path of the SQLite file; `None` for Postgres and for a database in memory.
    pub(super) file: Option<PathBuf>,
    memory: bool,
    options: StoreOptions,
    idle: Mutex<Vec<Connection>>,
    readers: Arc<Semaphore>,
    writers: Arc<Semaphore>,
    lanes: Mutex<HashMap<TenantId, Weak<Lane>>>,
}

/// The connections to one database. A clone shares the connections of the original.
#[derive(Clone)]
pub(crate) struct Pool(Arc<Shared>);

impl std::fmt::Debug for Pool {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Pool")
            .field("place", &self.0.place)
            .finish_non_exhaustive()
    }
}

fn locked<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

fn wrong_address(why: &str) -> Error {
    Error::option("url", why)
}

fn sqlite_target(url: &str, options: &StoreOptions) -> Result<(Target, String, Option<PathBuf>)> {
    let memory = url.contains(":memory:") || url.contains("mode=memory");
    let path = url.trim_start_matches("sqlite:").trim_start_matches("//");
    let path = path.split('?').next().unwrap_or_default();
    if path.is_empty() && !memory {
        return Err(wrong_address(
            "the address of a SQLite store needs a path, as in 'sqlite:///var/churn.db', or 'sqlite::memory:'",
        ));
    }
    let target = SqliteConnectOptions::from_str(url)
        .map_err(|e| wrong_address("the address of the SQLite store cannot be read").caused_by(e))?
        .create_if_missing(true)
        .foreign_keys(true)
        .busy_timeout(options.wait_timeout)
        // With this pragma, SQLite overwrites deleted content, so that erased data are removed from the file.
        .pragma("secure_delete", "on");
    // In WAL mode, connections can read while another connection writes. With `Full`, the data are on disk when a
    // commit returns.
    let target = match memory {
        true => target,
        false => target
            .journal_mode(SqliteJournalMode::Wal)
            .synchronous(SqliteSynchronous::Full)
            .pragma("cache_size", "-65536"),
    };
    let target = match options.max_pages {
        None => target,
        Some(pages) => target.pragma("max_page_count", pages.to_string()),
    };
    let file = (!memory).then(|| target.get_filename().to_path_buf());
    let place = file
        .as_ref()
        .map_or("memory".to_owned(), |file| file.display().to_string());
    Ok((Target::Sqlite(Box::new(target)), place, file))
}

fn postgres_target(url: &str) -> Result<(Target, String)> {
    let target = PgConnectOptions::from_str(url)
        .map_err(|e| wrong_address("the address of the Postgres store cannot be read").caused_by(e))?
        // The parameter `extra_float_digits` is not sent, because some connection poolers refuse it. It only affects
        // numbers in text form, and this crate sends numbers in binary form.
        .extra_float_digits(None);
    let host = target.get_host().to_owned();
    let place = match target.get_socket() {
        Some(socket) => socket.display().to_string(),
        None => format!("{host}:{}", target.get_port()),
    };
    let local = target.get_socket().is_some()
        || host.starts_with('/')
        || host == "localhost"
        || host
            .trim_matches(['[', ']'])
            .parse::<std::net::IpAddr>()
            .is_ok_and(|ip| ip.is_loopback());
    let said = url.contains("sslmode=") || url.contains("ssl-mode=") || std::env::var_os("PGSSLMODE").is_some();
    // For a database on another host, TLS is required by default, because a password must not cross a network
    // unencrypted.
    let target = match local || said {
        true => target,
        false => target.ssl_mode(PgSslMode::Require),
    };
    Ok((Target::Postgres(Box::new(target)), place))
}

impl Pool {
    /// Opens one connection, so that an unreachable database is reported at once. A database in memory has only this
    /// connection.
    pub(crate) async fn open(url: &str, options: &StoreOptions) -> Result<Self> {
        options.check()?;
        let (target, place, file) = if url.starts_with("postgres://") || url.starts_with("postgresql://") {
            let (target, place) = postgres_target(url)?;
            (target, place, None)
        } else if url.starts_with("sqlite:") {
            sqlite_target(url, options)?
        } else {
            return Err(wrong_address(
                "the address of a store begins with 'sqlite:' or 'postgres:'",
            ));
        };
        let memory = file.is_none() && matches!(target, Target::Sqlite(_));
        if let Some(file) = &file {
            private(file);
        }
        let readers = Arc::new(Semaphore::new(if memory { 1 } else { options.readers as usize }));
        let writers = match &target {
            Target::Sqlite(_) if memory => Arc::clone(&readers),
            Target::Sqlite(_) => Arc::new(Semaphore::new(1)),
            Target::Postgres(_) => Arc::new(Semaphore::new(options.writers as usize)),
        };
        let pool = Self(Arc::new(Shared {
            target,
            place,
            file,
            memory,
            options: options.clone(),
            idle: Mutex::default(),
            readers,
            writers,
            lanes: Mutex::default(),
        }));
        let first = pool.0.connect().await?;
        locked(&pool.0.idle).push(first);
        Ok(pool)
    }

    pub(crate) fn backend(&self) -> Backend {
        match self.0.target {
            Target::Sqlite(_) => Backend::Sqlite,
            Target::Postgres(_) => Backend::Postgres,
        }
    }

    /// The path of the SQLite file; `None` for Postgres and for a database in memory.
    pub(crate) fn file(&self) -> Option<&std::path::Path> {
        self.0.file.as_deref()
    }

    pub(crate) fn options(&self) -> &StoreOptions {
        &self.0.options
    }

    /// Returns how many connections are idle, reading or writing at the moment.
    pub(crate) fn statistics(&self) -> ConnectionStatistics {
        let total = |of: &Semaphore, all: usize| all.saturating_sub(of.available_permits());
        let shared = &self.0;
        let writers = match &shared.target {
            Target::Sqlite(_) => 1,
            Target::Postgres(_) => shared.options.writers as usize,
        };
        ConnectionStatistics {
            idle: locked(&shared.idle).len(),
            reading: if shared.memory {
                0
            } else {
                total(&shared.readers, shared.options.readers as usize)
            },
            writing: total(&shared.writers, writers),
        }
    }

    /// Waits for running transactions, then closes all connections.
    pub(crate) async fn close(&self) {
        let shared = &self.0;
        let (readers, writers) = match shared.memory {
            true => (1, 0),
            false => (
                shared.options.readers,
                match &shared.target {
                    Target::Sqlite(_) => 1,
                    Target::Postgres(_) => shared.options.writers,
                },
            ),
        };
        let all = async {
            // First all permits for reading are acquired, and then all permits for writing. They are held together, so
            // that no new transaction can start.
            let readers = shared.readers.acquire_many(readers).await;
            let writers = shared.writers.acquire_many(writers).await;
            drop((readers, writers));
        };
        // If a transaction does not end within the timeout, its connection is closed anyway.
        let _ = tokio::time::timeout(shared.options.wait_timeout, all).await;
        shared.readers.close();
        shared.writers.close();
        let idle = std::mem::take(&mut *locked(&shared.idle));
        for connection in idle {
            connection.close().await;
        }
    }

    fn lane(&self, tenant: &TenantId) -> Arc<Lane> {
        let mut lanes = locked(&self.0.lanes);
        if let Some(lane) = lanes.get(tenant).and_then(Weak::upgrade) {
            return lane;
        }
        lanes.retain(|_, lane| lane.strong_count() > 0);
        let lane = Arc::new(Lane {
            writer: Arc::new(Semaphore::new(1)),
            // If there are at least two connections for reading, one of them stays free for other tenants.
            readers: Arc::new(Semaphore::new(
                (self.0.options.readers as usize).saturating_sub(1).max(1),
            )),
        });
        lanes.insert(tenant.clone(), Arc::downgrade(&lane));
        lane
    }

    async fn turn(&self, tenant: Option<&TenantId>, access: Access) -> Result<Turn> {
        let shared = &self.0;
        let queues = !shared.memory && access != Access::Note;
        let lane = tenant.filter(|_| queues).map(|tenant| self.lane(tenant));
        let all = match access {
            Access::Read => &shared.readers,
            Access::Write | Access::Note => &shared.writers,
        };
        let wait = async {
            let own = match &lane {
                None => None,
                Some(lane) => {
                    let queue = if access == Access::Write {
                        &lane.writer
                    } else {
                        &lane.readers
                    };
                    Some(Arc::clone(queue).acquire_owned().await?)
                }
            };
            Ok::<_, tokio::sync::AcquireError>((Arc::clone(all).acquire_owned().await?, own))
        };
        let (connection, own) = match tokio::time::timeout(shared.options.wait_timeout, wait).await {
            Ok(Ok(found)) => found,
            Ok(Err(_)) => return Err(Error::new(ErrorKind::StoreUnavailable, "the store was closed")),
            Err(_) => {
                let what = if access == Access::Read { "readers" } else { "writers" };
                let message = format!(
                    "waited {} s behind other {what}: end transactions and imports that are open, or try again",
                    shared.options.wait_timeout.as_secs_f64()
                );
                return Err(Error::transient(ErrorKind::StoreBusy, message));
            }
        };
        Ok(Turn {
            _connection: connection,
            _lane: own,
            _tenant: lane,
        })
    }

    /// Begins a transaction. If a tenant is given, the call first waits in a queue of this tenant. The `Lease` owns the
    /// connection from the start, so that the connection is not lost if the call is cancelled.
    pub(crate) async fn begin_for(&self, tenant: Option<&TenantId>, access: Access) -> Result<Tx> {
        let shared = &self.0;
        let turn = self.turn(tenant, access).await?;
        let begin = match (&shared.target, access) {
            (Target::Sqlite(_), Access::Read) => "BEGIN",
            // `IMMEDIATE` takes the lock for writing at once. A second writer then waits here instead of failing later.
            (Target::Sqlite(_), Access::Write | Access::Note) => "BEGIN IMMEDIATE",
            // All statements of this transaction read the same snapshot.
            (Target::Postgres(_), Access::Read) => "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY",
            (Target::Postgres(_), Access::Write | Access::Note) => "BEGIN",
        };
        let begin = match (&shared.target, shared.options.statement_timeout) {
            (Target::Postgres(_), Some(timeout)) => {
                format!("{begin}; SET LOCAL statement_timeout = {}", timeout.as_millis())
            }
            _ => begin.to_owned(),
        };
        let idle = locked(&shared.idle).pop();
        let mut turn = Some(turn);
        if let Some(connection) = idle {
            let mut lease = Lease::new(connection, shared, turn.take());
            let mut begun = lease.connection()?.script(begin.as_str()).await;
            // A transaction that is dropped outside an async runtime cannot be rolled back at that time. If the last
            // transaction of an in-memory database was dropped in this way, it is rolled back here.
            if shared.memory
                && begun
                    .as_ref()
                    .is_err_and(|error| error.to_string().contains("within a transaction"))
            {
                lease
                    .connection()?
                    .script("ROLLBACK")
                    .await
                    .map_err(|error| shared.error(error))?;
                begun = lease.connection()?.script(begin.as_str()).await;
            }
            match begun {
                Ok(()) => return Ok(Tx { lease }),
                // If the server closed this idle connection, another connection is tried. Other errors are returned.
                Err(error) if shared.memory || !is_lost(&error) => return Err(shared.error(error)),
                Err(_) => turn = lease.discard(),
            }
            // The server may have closed the other idle connections too, so these connections are dropped.
            if matches!(shared.target, Target::Postgres(_)) {
                locked(&shared.idle).clear();
            }
        }
        let mut lease = Lease::new(shared.connect().await?, shared, turn);
        match lease.connection()?.script(begin).await {
            Ok(()) => Ok(Tx { lease }),
            Err(error) => Err(shared.error(error)),
        }
    }

    /// Runs a script outside of any transaction. The script first waits for other writers, as a writing transaction
    /// does.
    pub(crate) async fn outside(&self, sql: &str) -> Result<()> {
        let shared = &self.0;
        let turn = self.turn(None, Access::Write).await?;
        let idle = locked(&shared.idle).pop();
        let connection = match idle {
            Some(connection) => connection,
            None => shared.connect().await?,
        };
        let mut lease = Lease::new(connection, shared, Some(turn));
        let done = lease.connection()?.script(sql).await;
        done.map_err(|error| shared.error(error))?;
        lease.give_back();
        Ok(())
    }
}

/// Returns whether the error means that the connection was lost. After other errors, such as an error about an invalid
/// statement, the connection can still be used.
fn is_lost(error: &sqlx::Error) -> bool {
    match error {
        sqlx::Error::Io(_) | sqlx::Error::Protocol(_) | sqlx::Error::WorkerCrashed | sqlx::Error::Tls(_) => true,
        sqlx::Error::Database(error) => {
            let code = error.code().unwrap_or_default();
            code.starts_with("57P") || code.starts_with("08") || code == "25P03"
        }
        _ => false,
    }
}

/// Creates the database file if it does not exist, with permissions for its owner only. SQLite gives the same
/// permissions to the other files that it creates, such as the write-ahead log.
fn private(file: &std::path::Path) {
    let mut options = std::fs::OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    {
        use std::os::unix::fs::OpenOptionsExt as _;
        options.mode(0o600);
    }
    // An error is ignored here, because SQLite reports a clearer error when it opens the file.
    let _ = options.open(file);
}

impl Shared {
    async fn connect(&self) -> Result<Connection> {
        let connect = async {
            Ok::<_, sqlx::Error>(match &self.target {
                Target::Sqlite(options) => Connection::Sqlite(options.connect().await?),
                Target::Postgres(options) => Connection::Postgres(options.connect().await?),
            })
        };
        match tokio::time::timeout(self.options.connect_timeout, connect).await {
            Ok(Ok(connection)) => Ok(connection),
            Ok(Err(error)) => {
                let known = Error::from(error);
                let message = format!("cannot open {}: {known}", self.place);
                Err(match known.kind() {
                    ErrorKind::StoreUnavailable => known.with_message(message),
                    _ => Error::new(ErrorKind::StoreUnavailable, message).caused_by(known),
                })
            }
            Err(_) => {
                let waited = self.options.connect_timeout.as_secs_f64();
                let message = format!("cannot open {}: no answer within {waited} s", self.place);
                Err(Error::transient(ErrorKind::StoreUnavailable, message))
            }
        }
    }

    /// Converts an error of the database. If the connection was lost, the message also names the address of the
    /// database.
    pub(super) fn error(&self, error: sqlx::Error) -> Error {
        let error = Error::from(error);
        match error.kind() {
            ErrorKind::StoreUnavailable => {
                let message = format!("{}: {error}", self.place);
                error.with_message(message)
            }
            _ => error,
        }
    }
}

/// A connection with a running transaction. If a `Lease` is dropped before its transaction has ended, the transaction
/// is rolled back. If the rollback fails, the connection is closed.
pub(crate) struct Lease {
    connection: Option<Connection>,
    shared: Arc<Shared>,
    turn: Option<Turn>,
}

impl Lease {
    fn new(connection: Connection, shared: &Arc<Shared>, turn: Option<Turn>) -> Self {
        Self {
            connection: Some(connection),
            shared: Arc::clone(shared),
            turn,
        }
    }

    pub(super) fn connection(&mut self) -> Result<&mut Connection> {
        self.connection
            .as_mut()
            .ok_or_else(|| Error::new(ErrorKind::Internal, "the transaction has ended"))
    }

    pub(super) fn connection_ref(&self) -> Option<&Connection> {
        self.connection.as_ref()
    }

    pub(super) fn error(&self, error: sqlx::Error) -> Error {
        self.shared.error(error)
    }

    /// Ends the transaction with the statement `how` (a commit or a rollback). If the statement fails, the `Lease` is
    /// dropped, and the transaction is rolled back.
    pub(super) async fn end(mut self, how: &str) -> Result<()> {
        let done = self.connection()?.script(how).await;
        done.map_err(|error| self.shared.error(error))?;
        self.give_back();
        Ok(())
    }

    fn give_back(&mut self) {
        if let Some(connection) = self.connection.take()
            && !self.shared.readers.is_closed()
        {
            locked(&self.shared.idle).push(connection);
        }
        self.turn = None;
    }

    /// Closes the connection. Returns the permits, so that the caller can take another connection without waiting.
    fn discard(mut self) -> Option<Turn> {
        self.connection = None;
        self.turn.take()
    }
}

/// Timeout for rolling back a dropped transaction. If the rollback takes longer, the connection is closed.
const ROLLBACK_TIMEOUT: std::time::Duration = std::time::Duration::from_secs(10);

impl Drop for Lease {
    fn drop(&mut self) {
        let Some(mut connection) = self.connection.take() else {
            return;
        };
        let (shared, turn) = (Arc::clone(&self.shared), self.turn.take());
        let Ok(runtime) = tokio::runtime::Handle::try_current() else {
            // If the database is a file or a server, dropping the connection rolls the transaction back. For an
            // in-memory database, dropping the connection would delete the database, so the connection is kept. The
            // next `BEGIN` reports whether the transaction is still open.
            if shared.memory {
                locked(&shared.idle).push(connection);
            }
            return;
        };
        runtime.spawn(async move {
            let rolled_back = tokio::time::timeout(ROLLBACK_TIMEOUT, connection.script("ROLLBACK")).await;
            let clean = match &rolled_back {
                Ok(Ok(())) => true,
                // If the disk is full, SQLite has already rolled the transaction back, and `ROLLBACK` reports that no
                // transaction is active.
                Ok(Err(error)) => shared.memory && error.to_string().contains("no transaction is active"),
                Err(_) => false,
            };
            if clean && !shared.readers.is_closed() {
                locked(&shared.idle).push(connection);
            }
            // The next transaction may begin only after the rollback.
            drop(turn);
        });
    }
}
