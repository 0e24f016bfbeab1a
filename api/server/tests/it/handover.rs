//! A new process takes over while clients ask: none of their requests is lost.

use std::{
    io::{BufRead, BufReader, Read, Write},
    net::TcpStream,
    os::unix::net::{UnixDatagram, UnixStream},
    path::{Path, PathBuf},
    process::{Command, Stdio},
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicU64, Ordering},
    },
    thread::{self, JoinHandle},
    time::{Duration, Instant},
};

use kinora_testing::{ACCESS_KEY_ID, BUCKET, S3s, SECRET_ACCESS_KEY};
use rustix::process::{Pid, Signal};

use crate::support::{Server, sample, segments, text, variants};

/// Longer than any restart.
const PATIENCE: Duration = Duration::from_secs(60);
const RESTARTS: usize = 3;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_whole_kinorad_is_followed_by_another_and_drops_no_request() {
    let mut server = Server::start().await;
    let (path, body) = film(&server).await;
    let origin = Place::of(&server.origin);
    let mut load = Load::default();
    for pause in [0, 2, 100] {
        load.keep_asking(&origin, &path, &body, pause);
    }
    load.keep_coming(&origin, &path, &body);
    load.keep_coming(&Place::of(&server.gateway), "/api/v1/openapi.json", &openapi(&server).await);
    for _ in 0..RESTARTS {
        load.until_answered(50);
        server.hand_over().await;
        load.until_answered(50);
    }
    load.end();
    // The encoder works for the new process too.
    film(&server).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_origin_that_is_apart_goes_on_beside_its_successor() {
    let embedded = Server::start().await;
    let (path, body) = film(&embedded).await;
    let bucket = S3s::start().await;
    copy(&embedded.data().join("store/media"), &bucket.root().join(BUCKET).join("media"));
    let key = embedded.data().join("playback.key");
    let mut server = Server::start_roles(
        "origin",
        &[
            ("KINORA_STORE_URL", &format!("s3://{BUCKET}")),
            ("KINORA_STORE_ENDPOINT", &format!("http://{}", bucket.address())),
            ("KINORA_STORE_ACCESS_KEY_ID", ACCESS_KEY_ID),
            ("KINORA_STORE_SECRET_ACCESS_KEY", SECRET_ACCESS_KEY),
            ("KINORA_PLAYBACK_KEY_FILE", key.to_str().unwrap()),
            ("KINORA_ORIGIN_THREADS", "2"),
        ],
    )
    .await;
    let origin = Place::of(&server.origin);
    let mut load = Load::default();
    // The last comes back only after others have long been told.
    for pause in [0, 2, 700] {
        load.keep_asking(&origin, &path, &body, pause);
    }
    load.keep_coming(&origin, &path, &body);
    for _ in 0..RESTARTS {
        load.until_answered(50);
        server.hand_over().await;
        load.until_answered(50);
    }
    load.end();
    // The data folder has gone from hand to hand.
    let second = Command::new(env!("CARGO_BIN_EXE_kinorad"))
        .args(["serve", "--listen", "127.0.0.1:0", "--origin-listen", "127.0.0.1:0"])
        .arg("--data-dir")
        .arg(server.data())
        .output()
        .unwrap();
    let said = String::from_utf8_lossy(&second.stderr).into_owned();
    assert!(!second.status.success() && said.contains("another kinorad"), "{said}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_successor_that_cannot_start_changes_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let socket = folder.path().join("origin.sock");
    let mut server = Server::start_with(&[
        ("KINORA_ORIGIN_LISTEN", &format!("unix:{}", socket.display())),
        ("KINORA_ORIGIN_PUBLIC_URL", "http://media.example"),
    ])
    .await;
    let (origin, body) = (Place::Unix(socket), br#"{"status":"ok"}"#.to_vec());
    let mut load = Load::default();
    load.keep_asking(&origin, "/healthz", &body, 1);
    load.keep_coming(&origin, "/healthz", &body);
    load.until_answered(20);
    let file = server.data().join("kinora.toml");
    std::fs::write(&file, "[worker]\nslots = 0\n").unwrap();
    server.ask_to_hand_over();
    let asked = Instant::now();
    while !server.log().contains("not handed over") {
        assert!(asked.elapsed() < PATIENCE, "{}", server.log());
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    assert!(server.log().contains("worker.slots is 0"), "{}", server.log());
    load.until_answered(20);
    std::fs::write(&file, "").unwrap();
    server.hand_over().await;
    load.until_answered(20);
    load.end();
}

#[test]
fn a_service_manager_hands_its_socket_over_and_hears_of_the_start() {
    let folder = tempfile::tempdir().unwrap();
    let told = UnixDatagram::bind(folder.path().join("notify")).unwrap();
    told.set_read_timeout(Some(PATIENCE)).unwrap();
    // As systemd does it: the socket is descriptor 3, and the process keeps its number.
    let launch = "import os, socket, sys; s = socket.create_server(('127.0.0.1', 0)); \
        print(s.getsockname()[1], flush=True); os.dup2(s.fileno(), 3); os.set_inheritable(3, True); \
        os.environ.update(LISTEN_FDS='1', LISTEN_FDNAMES='origin', LISTEN_PID=str(os.getpid())); \
        os.execv(sys.argv[1], sys.argv[1:])";
    let mut child = Command::new("python3")
        .args(["-c", launch, env!("CARGO_BIN_EXE_kinorad"), "serve", "--listen", "127.0.0.1:0"])
        .arg("--data-dir")
        .arg(folder.path().join("data"))
        .env("NOTIFY_SOCKET", folder.path().join("notify"))
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    let mut port = String::new();
    BufReader::new(child.stdout.take().unwrap()).read_line(&mut port).unwrap();
    let mut stream = Place::Tcp(format!("127.0.0.1:{}", port.trim())).connect().unwrap();
    assert!(ask(&mut *stream, "/healthz", br#"{"status":"ok"}"#).unwrap());
    let mut word = [0; 64];
    let length = told.recv(&mut word).unwrap();
    assert_eq!(std::str::from_utf8(&word[..length]).unwrap().trim(), "READY=1");
    let pid = Pid::from_child(&child);
    rustix::process::kill_process(pid, Signal::TERM).unwrap();
    assert!(child.wait().unwrap().success());
}

/// Where clients come to.
#[derive(Clone)]
enum Place {
    Tcp(String),
    Unix(PathBuf),
}

trait Stream: Read + Write + Send {}
impl<S: Read + Write + Send> Stream for S {}

/// Clients that ask until they are told to end.
#[derive(Default)]
struct Load {
    over: Arc<AtomicBool>,
    clients: Vec<Client>,
}

/// How many answers it had, and how it ended.
type Client = (Arc<AtomicU64>, JoinHandle<Result<(), String>>);

impl Place {
    fn of(url: &str) -> Self {
        Self::Tcp(url.strip_prefix("http://").unwrap().to_owned())
    }

    fn connect(&self) -> std::io::Result<Box<dyn Stream>> {
        Ok(match self {
            Self::Tcp(address) => {
                let stream = TcpStream::connect(address)?;
                stream.set_read_timeout(Some(PATIENCE))?;
                Box::new(stream)
            }
            Self::Unix(path) => {
                let stream = UnixStream::connect(path)?;
                stream.set_read_timeout(Some(PATIENCE))?;
                Box::new(stream)
            }
        })
    }
}

impl Load {
    /// On one connection as long as the server keeps it, with a pause after each answer.
    fn keep_asking(&mut self, place: &Place, path: &str, body: &[u8], pause_ms: u64) {
        let (place, path, body) = (place.clone(), path.to_owned(), body.to_owned());
        let mut kept = None;
        self.client(move || {
            let mut stream = match kept.take() {
                Some(stream) => stream,
                None => place.connect()?,
            };
            if ask(&mut stream, &path, &body)? {
                kept = Some(stream);
            }
            thread::sleep(Duration::from_millis(pause_ms));
            Ok(())
        });
    }

    /// On a connection of its own each time.
    fn keep_coming(&mut self, place: &Place, path: &str, body: &[u8]) {
        let (place, path, body) = (place.clone(), path.to_owned(), body.to_owned());
        self.client(move || {
            ask(&mut place.connect()?, &path, &body)?;
            thread::sleep(Duration::from_millis(1));
            Ok(())
        });
    }

    fn client(&mut self, mut request: impl FnMut() -> std::io::Result<()> + Send + 'static) {
        let (over, count) = (Arc::clone(&self.over), Arc::new(AtomicU64::new(0)));
        let answered = Arc::clone(&count);
        let client = thread::spawn(move || {
            while !over.load(Ordering::Relaxed) {
                let nth = answered.fetch_add(1, Ordering::Relaxed);
                request().map_err(|error| format!("request {nth} was lost: {error}"))?;
            }
            Ok(())
        });
        self.clients.push((count, client));
    }

    /// Waits until all clients together have had `count` more answers, and the slowest one.
    fn until_answered(&self, count: u64) {
        let counts = || self.clients.iter().map(|(count, _)| count.load(Ordering::Relaxed));
        let before: Vec<_> = counts().collect();
        let began = Instant::now();
        loop {
            let more: Vec<_> = counts().zip(&before).map(|(now, before)| now - before).collect();
            if more.iter().sum::<u64>() > count && more.iter().all(|more| *more > 1) {
                return;
            }
            if self.clients.iter().any(|(_, client)| client.is_finished()) {
                return; // `end` says what it met.
            }
            assert!(began.elapsed() < PATIENCE, "clients stand still: {more:?}");
            thread::sleep(Duration::from_millis(10));
        }
    }

    fn end(self) {
        self.over.store(true, Ordering::Relaxed);
        let mut asked = Vec::new();
        for (count, client) in self.clients {
            client.join().unwrap().unwrap();
            asked.push(count.load(Ordering::Relaxed));
        }
        println!("answers by client: {asked:?}");
    }
}

/// One request; whether the connection may be used for another.
fn ask(stream: &mut dyn Stream, path: &str, body: &[u8]) -> std::io::Result<bool> {
    // At once: a small write waits for the word that the one before it has arrived.
    stream.write_all(format!("GET {path} HTTP/1.1\r\nHost: localhost\r\n\r\n").as_bytes())?;
    let (mut answer, mut buffer) = (Vec::new(), vec![0; 64 << 10]);
    let end = loop {
        let length = stream.read(&mut buffer)?;
        answer.extend_from_slice(&buffer[..length]);
        if let Some(at) = answer.windows(4).position(|end| end == b"\r\n\r\n") {
            break at + 4;
        }
        if length == 0 {
            let read = answer.len();
            return Err(std::io::Error::other(format!("closed after {read} bytes")));
        }
    };
    let head = String::from_utf8_lossy(&answer[..end]).to_lowercase();
    assert!(head.starts_with("http/1.1 200"), "{head}");
    assert!(head.contains(&format!("content-length: {}\r\n", body.len())), "{head}");
    while answer.len() < end + body.len() {
        match stream.read(&mut buffer)? {
            0 => return Err(std::io::Error::other("the body ends early")),
            length => answer.extend_from_slice(&buffer[..length]),
        }
    }
    assert!(answer[end..] == *body, "another body");
    Ok(!head.contains("connection: close"))
}

/// Makes a film; the path of a segment of it, and what is there.
async fn film(server: &Server) -> (String, Vec<u8>) {
    let folder = tempfile::tempdir().unwrap();
    let clip = sample(folder.path(), &["--seconds", "2", "--size", "320x180"]);
    let video = server.upload_file(&clip).await;
    let ready = server.wait_until_over(&video).await;
    assert_eq!(ready["state"], "ready", "{ready:#}");
    let url = ready["playback"]["hls_url"].as_str().unwrap();
    let playlist = variants(&text(url).await, url).remove(0);
    let segment = segments(&text(&playlist).await, &playlist).remove(1);
    let body = reqwest::get(&segment).await.unwrap().bytes().await.unwrap();
    (segment.strip_prefix(&server.origin).unwrap().to_owned(), body.to_vec())
}

async fn openapi(server: &Server) -> Vec<u8> {
    text(&format!("{}/api/v1/openapi.json", server.gateway)).await.into()
}

fn copy(from: &Path, to: &Path) {
    std::fs::create_dir_all(to).unwrap();
    for entry in std::fs::read_dir(from).unwrap().flatten() {
        let (from, to) = (entry.path(), to.join(entry.file_name()));
        match from.is_dir() {
            true => copy(&from, &to),
            false => drop(std::fs::copy(from, to).unwrap()),
        }
    }
}
