//! RabbitMQ, on ports and in a folder of its own. `deploy/bootstrap.sh` installs it.

use std::{
    fs,
    io::{self, Read, Write},
    net::{Ipv4Addr, SocketAddr, TcpStream},
    os::unix::{fs::PermissionsExt, process::CommandExt},
    path::Path,
    process::{Child, Command, Stdio},
    time::{Duration, Instant},
};

use rustix::process::{Pid, Signal, kill_process};

use crate::{Authority, ports::free_ports};

/// A running broker; killed when dropped.
#[derive(Debug)]
pub struct RabbitMq {
    folder: tempfile::TempDir,
    port: u16,
    distribution: u16,
    mapper: u16,
    speaks_tls: bool,
    child: Option<Child>,
}

/// What a client says first (AMQP 0-9-1, 4.2.2).
const PROTOCOL: &[u8] = b"AMQP\x00\x00\x09\x01";

/// Debian's wrapper would change to another user; this is what it calls.
const SERVER: &str = "/usr/lib/rabbitmq/bin/rabbitmq-server";

impl RabbitMq {
    /// Starts one that holds nothing; takes some seconds.
    pub fn start() -> Self {
        Self::start_with("tcp", "", None)
    }

    /// Starts three that are one broker; takes some more.
    pub fn start_three() -> [Self; 3] {
        let first = Self::start_with("tcp", "", None);
        let join = format!(
            "cluster_formation.peer_discovery_backend = classic_config\n\
             cluster_formation.classic_config.nodes.1 = {}\n",
            first.node()
        );
        let [second, third] = [(); 2].map(|()| Self::start_with("tcp", &join, Some(first.mapper)));
        [first, second, third]
    }

    /// Starts one that speaks TLS alone, and lets in whom the authority vouches for.
    pub fn start_with_tls(authority: &Authority) -> Self {
        let (certificate, key) = authority.pair("server");
        let options = format!(
            "listeners.tcp = none\nssl_options.cacertfile = {}\nssl_options.certfile = {}\n\
             ssl_options.keyfile = {}\nssl_options.verify = verify_peer\n\
             ssl_options.fail_if_no_peer_cert = true\n",
            authority.certificate().display(),
            certificate.display(),
            key.display()
        );
        Self::start_with("ssl", &options, None)
    }

    /// `mapper` is the port of another node's daemon that knows nodes by name.
    fn start_with(listener: &str, options: &str, mapper: Option<u16>) -> Self {
        assert!(
            Path::new(SERVER).exists(),
            "RabbitMQ is missing: deploy/bootstrap.sh test installs it"
        );
        let folder = tempfile::tempdir().expect("a temporary folder");
        let write = |name: &str, text: &str| {
            fs::write(folder.path().join(name), text).expect("a temporary folder can be written");
        };
        write(".erlang.cookie", "tests");
        let private = fs::Permissions::from_mode(0o400);
        fs::set_permissions(folder.path().join(".erlang.cookie"), private).expect("our own file");
        let [port, distribution, own_mapper] = free_ports();
        let mapper = mapper.unwrap_or(own_mapper);
        write("plugins", "[].");
        write("environment", "");
        write(
            "rabbitmq.conf",
            &format!(
                "listeners.{listener}.1 = 127.0.0.1:{port}\nlog.file.level = warning\n{options}"
            ),
        );
        let speaks_tls = listener == "ssl";
        let mut broker = Self { folder, port, distribution, mapper, speaks_tls, child: None };
        broker.start_again();
        broker
    }

    /// What others of a cluster call it.
    fn node(&self) -> String {
        format!("kinora-{}@localhost", self.port)
    }

    /// Where it listens.
    pub fn address(&self) -> SocketAddr {
        (Ipv4Addr::LOCALHOST, self.port).into()
    }

    /// Its URL, with the rights to do everything.
    pub fn url(&self) -> String {
        Self::url_at(self.address())
    }

    /// The same, where something stands before it.
    pub fn url_at(address: SocketAddr) -> String {
        format!("amqp://guest:guest@{address}/%2f")
    }

    /// `kill -9`.
    pub fn kill(&mut self) {
        let pid = fs::read_to_string(self.folder.path().join("pid")).unwrap_or_default();
        if let Some(pid) = pid.trim().parse().ok().and_then(Pid::from_raw) {
            let _ = kill_process(pid, Signal::KILL);
        }
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
        let at = |name: &str| self.folder.path().join(name);
        let child = Command::new(SERVER)
            .current_dir(self.folder.path())
            // Ctrl-C is for whoever uses it.
            .process_group(0)
            .env("HOME", self.folder.path())
            .env("RABBITMQ_NODENAME", self.node())
            .env("RABBITMQ_DIST_PORT", self.distribution.to_string())
            .env("ERL_EPMD_PORT", self.mapper.to_string())
            .env("ERL_EPMD_ADDRESS", "127.0.0.1")
            .env("RABBITMQ_MNESIA_BASE", at("data"))
            .env("RABBITMQ_LOG_BASE", at("log"))
            .env("RABBITMQ_CONFIG_FILE", at("rabbitmq.conf"))
            .env("RABBITMQ_ENABLED_PLUGINS_FILE", at("plugins"))
            .env("RABBITMQ_CONF_ENV_FILE", at("environment"))
            .env("RABBITMQ_PID_FILE", at("pid"))
            .env(
                "RABBITMQ_SERVER_ADDITIONAL_ERL_ARGS",
                "-kernel inet_dist_use_interface {127,0,0,1}",
            )
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .expect("RabbitMQ can be run");
        self.child = Some(child);
        let started = Instant::now();
        while self.greets().is_err() {
            assert!(started.elapsed() < Duration::from_secs(120), "RabbitMQ did not start");
            std::thread::sleep(Duration::from_millis(100));
        }
    }

    /// Whether it answers: on a busy machine it listens before it does, and closes what came too early.
    fn greets(&self) -> io::Result<()> {
        let mut socket = TcpStream::connect(("127.0.0.1", self.port))?;
        if self.speaks_tls {
            return Ok(());
        }
        socket.set_read_timeout(Some(Duration::from_secs(5)))?;
        socket.write_all(PROTOCOL)?;
        socket.read_exact(&mut [0])
    }
}

impl Drop for RabbitMq {
    fn drop(&mut self) {
        self.kill();
        // The port mapper makes itself a daemon; it lets itself be ended when no broker is left.
        for _ in 0..20 {
            let mut end = Command::new("epmd");
            end.args(["-port", &self.mapper.to_string(), "-kill"]).stdout(Stdio::null());
            if end.stderr(Stdio::null()).status().is_ok_and(|ended| ended.success()) {
                return;
            }
            std::thread::sleep(Duration::from_millis(100));
        }
    }
}
