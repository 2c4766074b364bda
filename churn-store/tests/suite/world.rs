//! The databases in which the tests run. Each test gets a new store.

use std::sync::atomic::{AtomicU32, Ordering};

use churn_store::Store;
use sqlx::postgres::PgConnectOptions;
use sqlx::{AssertSqlSafe, Connection, Executor, PgConnection};

/// A database for one test, opened as an application opens it.
pub(crate) struct World {
    pub(crate) name: &'static str,
    pub(crate) store: Store,
    pub(crate) url: String,
    pub(crate) postgres: Option<Postgres>,
    folder: Option<std::path::PathBuf>,
}

/// The roles in a Postgres database: the superuser of the tests, the owner of the tables, and the role of the
/// application.
pub(crate) struct Postgres {
    pub(crate) admin_url: String,
    pub(crate) owner_url: String,
    pub(crate) app: String,
    pub(crate) owner: String,
    pub(crate) database: String,
    server_url: String,
}

static NUMBER: AtomicU32 = AtomicU32::new(0);

/// Returns a text that no other test uses, even if several runs of the tests use the same server.
pub(crate) fn unique() -> String {
    format!("{}_{}", std::process::id(), NUMBER.fetch_add(1, Ordering::Relaxed))
}

/// Returns the URL of the Postgres server for tests; `None` if the variable `DATABASE_URL` is not set. In CI, the
/// variable is required.
pub(crate) fn server() -> Option<String> {
    match std::env::var("DATABASE_URL") {
        Ok(url) => Some(url),
        Err(_) if std::env::var("CI").is_ok_and(|ci| ci == "true") => {
            panic!("DATABASE_URL must be set under CI: run tests/postgres.sh cargo test")
        }
        Err(_) => {
            eprintln!("SKIPPED on Postgres: no DATABASE_URL; tests/postgres.sh sets one");
            None
        }
    }
}

fn at(server: &str, user: Option<&str>, database: &str) -> String {
    // postgres://user:password@host:port/database
    let rest = server.split_once("://").unwrap().1;
    let (login, place) = rest.rsplit_once('@').unwrap_or(("", rest));
    let host = place.split('/').next().unwrap();
    let login = user.map_or(login.to_owned(), |user| format!("{user}:pw"));
    format!("postgres://{login}@{host}/{database}")
}

pub(crate) async fn admin(url: &str) -> PgConnection {
    PgConnection::connect_with(&url.parse::<PgConnectOptions>().unwrap())
        .await
        .unwrap()
}

pub(crate) async fn run(connection: &mut PgConnection, sql: &str) {
    connection
        .execute(AssertSqlSafe(sql.to_owned()))
        .await
        .unwrap_or_else(|e| panic!("{sql}: {e}"));
}

impl World {
    pub(crate) async fn sqlite_file() -> Self {
        let folder = std::env::temp_dir().join(format!("churn-store-{}", unique()));
        std::fs::create_dir_all(&folder).unwrap();
        let url = format!("sqlite://{}/store.db", folder.display());
        Self::sqlite("sqlite file", url, Some(folder)).await
    }

    /// Creates an empty SQLite file without the store's tables.
    pub(crate) async fn empty_sqlite() -> Self {
        let folder = std::env::temp_dir().join(format!("churn-store-{}", unique()));
        std::fs::create_dir_all(&folder).unwrap();
        let url = format!("sqlite://{}/store.db", folder.display());
        let store = Store::open(&url).await.unwrap();
        Self {
            name: "sqlite file",
            store,
            url,
            postgres: None,
            folder: Some(folder),
        }
    }

    pub(crate) async fn sqlite_memory() -> Self {
        Self::sqlite("sqlite memory", "sqlite::memory:".to_owned(), None).await
    }

    async fn sqlite(name: &'static str, url: String, folder: Option<std::path::PathBuf>) -> Self {
        let store = Store::open(&url).await.unwrap();
        store.migrate().await.unwrap();
        Self {
            name,
            store,
            url,
            postgres: None,
            folder,
        }
    }

    /// Creates a new Postgres database. One role owns its tables, and the application connects with another role.
    /// Neither role is a superuser.
    pub(crate) async fn postgres() -> Option<Self> {
        let world = Self::empty_postgres().await?;
        let postgres = world.postgres.as_ref().unwrap();
        let owner = Store::open(&postgres.owner_url).await.unwrap();
        owner.migrate().await.unwrap();
        owner.grant_to(&postgres.app).await.unwrap();
        owner.close().await;
        Some(world)
    }

    pub(crate) async fn empty_postgres() -> Option<Self> {
        let server_url = server()?;
        let number = unique();
        let (owner, app, database) = (
            format!("churn_owner_{number}"),
            format!("churn_app_{number}"),
            format!("churn_test_{number}"),
        );
        let mut connection = admin(&server_url).await;
        for role in [&owner, &app] {
            run(
                &mut connection,
                &format!("CREATE ROLE {role} LOGIN PASSWORD 'pw' NOSUPERUSER NOBYPASSRLS"),
            )
            .await;
        }
        run(&mut connection, &format!("CREATE DATABASE {database} OWNER {owner}")).await;
        connection.close().await.unwrap();
        let app_url = at(&server_url, Some(&app), &database);
        Some(Self {
            name: "postgres",
            store: Store::open(&app_url).await.unwrap(),
            url: app_url,
            postgres: Some(Postgres {
                admin_url: at(&server_url, None, &database),
                owner_url: at(&server_url, Some(&owner), &database),
                app,
                owner,
                database,
                server_url,
            }),
            folder: None,
        })
    }

    /// Creates a new database of each available kind.
    pub(crate) async fn all() -> Vec<Self> {
        let mut worlds = vec![Self::sqlite_file().await, Self::sqlite_memory().await];
        worlds.extend(Self::postgres().await);
        worlds
    }

    /// Deletes the database.
    pub(crate) async fn end(self) {
        self.store.close().await;
        if let Some(folder) = &self.folder {
            std::fs::remove_dir_all(folder).unwrap();
        }
        if let Some(postgres) = &self.postgres {
            let mut connection = admin(&postgres.server_url).await;
            run(
                &mut connection,
                &format!("DROP DATABASE {} WITH (FORCE)", postgres.database),
            )
            .await;
            run(&mut connection, &format!("DROP ROLE {}", postgres.app)).await;
            run(&mut connection, &format!("DROP ROLE {}", postgres.owner)).await;
            connection.close().await.unwrap();
        }
    }
}

/// Runs a test in databases of all kinds.
#[macro_export]
macro_rules! everywhere {
    ($(#[$doc:meta])* $name:ident, $world:ident => $body:block) => {
        $(#[$doc])*
        #[tokio::test]
        async fn $name() {
            for $world in $crate::world::World::all().await {
                println!("{}", $world.name);
                $body
                $world.end().await;
            }
        }
    };
}
