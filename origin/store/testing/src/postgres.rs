//! Postgres, on a port and in a folder of its own. `deploy/bootstrap.sh` installs it.

use std::{
    fs,
    net::{Ipv4Addr, SocketAddr, TcpStream},
    os::unix::{fs::PermissionsExt, process::CommandExt},
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    time::{Duration, Instant},
};

use crate::{Authority, ports::free_ports};

/// A running server; killed when dropped.
#[derive(Debug)]
pub struct Postgres {
    folder: tempfile::TempDir,
    port: u16,
    settings: Vec<String>,
    child: Option<Child>,
}

impl Postgres {
    /// Starts one that keeps what it acknowledged, whatever kills it.
    pub fn start() -> Self {
        Self::start_with(std::env::temp_dir(), &["fsync=on"])
    }

    /// Starts one in memory: for tests of which none outlives it.
    pub fn start_in_memory() -> Self {
        let memory = PathBuf::from("/dev/shm");
        let folder = if memory.is_dir() { memory } else { std::env::temp_dir() };
        Self::start_with(folder, &["fsync=off", "full_page_writes=off"])
    }

    /// Starts one that speaks TLS to whoever asks for it, with the certificate of that name.
    pub fn start_with_tls(authority: &Authority, name: &str) -> Self {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let (certificate, key) = authority.pair(name);
        let mut settings = vec!["ssl=on".to_owned()];
        // Copies of its own: it takes no key that others than its user may read.
        for (setting, file, mode) in
            [("ssl_cert_file", certificate, 0o644), ("ssl_key_file", key, 0o600)]
        {
            let copy = folder.path().join(setting);
            fs::copy(file, &copy).expect("a temporary folder can be written");
            fs::set_permissions(&copy, fs::Permissions::from_mode(mode)).expect("our own file");
            settings.push(format!("{setting}={}", copy.display()));
        }
        Self::start_in(folder, settings)
    }

    fn start_with(parent: PathBuf, settings: &[&str]) -> Self {
        let folder = tempfile::tempdir_in(parent).expect("a temporary folder");
        Self::start_in(folder, settings.iter().map(ToString::to_string).collect())
    }

    fn start_in(folder: tempfile::TempDir, settings: Vec<String>) -> Self {
        let mut server = Self { folder, port: free_ports::<1>()[0], settings, child: None };
        if rustix::process::getuid().is_root() {
            // The server does not run as root: its folder is its user's.
            run(Command::new("chown").args(["-R", "postgres"]).arg(server.folder.path()));
        }
        let mut init = server.command("initdb");
        run(init
            .args(["--auth=trust", "--username=postgres", "--encoding=UTF8", "--no-locale"])
            .args(["--no-instructions", "--no-sync", "--pgdata"])
            .arg(server.data()));
        server.start_again();
        server
    }

    /// Where it listens.
    pub fn address(&self) -> SocketAddr {
        (Ipv4Addr::LOCALHOST, self.port).into()
    }

    /// Its URL, with the rights to do everything, without a database's name.
    pub fn url(&self) -> String {
        Self::url_at(self.address())
    }

    /// The same, where something stands before it.
    pub fn url_at(address: SocketAddr) -> String {
        format!("postgres://postgres@{address}")
    }

    /// `kill -9`.
    pub fn kill(&mut self) {
        if let Some(mut child) = self.child.take() {
            let _ = child.kill();
            let _ = child.wait();
        }
    }

    /// Starts it on what a killed one left.
    ///
    /// # Panics
    /// When it is not up within two minutes.
    pub fn start_again(&mut self) {
        let started = Instant::now();
        while !self.try_start(started) {
            // Processes of the one before may still hold its memory.
            assert!(started.elapsed() < PATIENCE, "Postgres did not start:\n{}", self.log());
            std::thread::sleep(Duration::from_millis(200));
        }
    }

    fn try_start(&mut self, started: Instant) -> bool {
        let log = fs::File::create(self.folder.path().join("log")).expect("our own folder");
        let mut server = self.command("postgres");
        server.arg("-D").arg(self.data()).args(["-p", &self.port.to_string()]);
        server.args(["-c", "listen_addresses=127.0.0.1", "-c", "unix_socket_directories="]);
        server.args(["-c", "max_connections=400"]);
        for setting in &self.settings {
            server.args(["-c", setting]);
        }
        // Ctrl-C is for whoever uses it.
        server.process_group(0);
        let mut child =
            server.stdout(Stdio::null()).stderr(log).spawn().expect("Postgres can be run");
        while started.elapsed() < PATIENCE {
            if child.try_wait().expect("a child can be asked").is_some() {
                return false;
            }
            // It listens before it answers.
            let ready = self.log().contains("ready to accept connections");
            if ready && TcpStream::connect(("127.0.0.1", self.port)).is_ok() {
                self.child = Some(child);
                return true;
            }
            std::thread::sleep(Duration::from_millis(20));
        }
        let _ = child.kill();
        let _ = child.wait();
        false
    }

    fn log(&self) -> String {
        fs::read_to_string(self.folder.path().join("log")).unwrap_or_default()
    }

    fn data(&self) -> PathBuf {
        self.folder.path().join("data")
    }

    /// A program of Postgres's, as a user that it accepts.
    fn command(&self, program: &str) -> Command {
        let path = programs().join(program);
        let mut command = if rustix::process::getuid().is_root() {
            let mut command = Command::new("setpriv");
            command.args(["--reuid=postgres", "--regid=postgres", "--clear-groups", "--"]);
            command.arg(path);
            command
        } else {
            Command::new(path)
        };
        command.current_dir(self.folder.path()).stdin(Stdio::null());
        command
    }
}

impl Drop for Postgres {
    fn drop(&mut self) {
        self.kill();
    }
}

const PATIENCE: Duration = Duration::from_secs(120);

/// Where Debian puts the newest version's programs.
fn programs() -> PathBuf {
    let versions = fs::read_dir("/usr/lib/postgresql").into_iter().flatten().flatten();
    let newest = versions.map(|entry| entry.path().join("bin")).max();
    newest
        .filter(|bin| Path::new(bin).join("initdb").exists())
        .expect("Postgres is missing: deploy/bootstrap.sh test installs it")
}

fn run(command: &mut Command) {
    let output = command.output().expect("it can be run");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
}
