//! An empty database for one test: a file, or one on the server that `with-servers` runs.

use sqlx::{Connection, PgConnection};

/// Names the server, without a database: `postgres://postgres@127.0.0.1:5432`.
pub const POSTGRES_VARIABLE: &str = "KINORA_TEST_POSTGRES";

/// A database that holds nothing; gone when dropped.
#[derive(Debug)]
pub struct TestDatabase {
    url: String,
    /// The server it is on, and its name there.
    server: Option<(String, String)>,
    _folder: Option<tempfile::TempDir>,
}

impl TestDatabase {
    /// Makes one: on Postgres where [`POSTGRES_VARIABLE`] names a server, else for SQLite.
    pub async fn new() -> Self {
        match std::env::var(POSTGRES_VARIABLE) {
            Ok(server) => Self::on(&server).await,
            Err(_) => Self::in_file(),
        }
    }

    /// Makes one on the server at this address.
    pub async fn on(server: &str) -> Self {
        let name = format!("test_{}", uuid::Uuid::new_v4().simple());
        command(server, &format!("CREATE DATABASE {name}")).await;
        let url = format!("{server}/{name}");
        Self { url, server: Some((server.to_owned(), name)), _folder: None }
    }

    fn in_file() -> Self {
        // Memory where there is some: thousands of commits wait for no disk.
        let memory = std::path::Path::new("/dev/shm");
        let folder = match memory.is_dir() {
            true => tempfile::tempdir_in(memory),
            false => tempfile::tempdir(),
        };
        let folder = folder.expect("a temporary folder");
        let url = format!("sqlite://{}/test.db", folder.path().display());
        Self { url, server: None, _folder: Some(folder) }
    }

    /// Its address.
    pub fn url(&self) -> &str {
        &self.url
    }
}

impl Drop for TestDatabase {
    fn drop(&mut self) {
        let Some((server, name)) = self.server.take() else { return };
        // The test's runtime may be at its end.
        let dropping = std::thread::spawn(move || {
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
            let drop = format!("DROP DATABASE {name} WITH (FORCE)");
            runtime.expect("a runtime").block_on(async {
                // A server that the test killed took it along.
                if let Ok(mut connection) = PgConnection::connect(&admin(&server)).await {
                    let _ = sqlx::query(sqlx::AssertSqlSafe(drop)).execute(&mut connection).await;
                }
            });
        });
        let _ = dropping.join();
    }
}

async fn command(server: &str, sql: &str) {
    let mut connection = PgConnection::connect(&admin(server)).await.expect("the server answers");
    let done = sqlx::query(sqlx::AssertSqlSafe(sql.to_owned())).execute(&mut connection).await;
    done.expect("a new database");
}

fn admin(server: &str) -> String {
    format!("{server}/postgres")
}
