//! The binary as a worker runs it: source over a socket, answers in lines.

use std::{
    fs::File,
    io::{BufRead, BufReader, Read, Write},
    os::{
        fd::OwnedFd,
        unix::{fs::FileExt, net::UnixStream},
    },
    process::{Child, Command, Stdio},
    thread,
    time::{Duration, Instant},
};

use kinora_plan::{
    encoder::{ChunkSpec, EncoderSpec, FailureKind, Message, Outcome},
    profile::X264Options,
    source_protocol::{NEXT_TASK, READ_FAILED, REQUEST_LEN, decode_request},
};
use tempfile::TempDir;

use crate::{
    clip::{Clip, Wanted, generate},
    task::{encode, rung, specs},
};

/// Starts the child on a spec; the other end of its source socket is ours.
fn start(spec: &ChunkSpec, folder: &TempDir, extra: &[&str]) -> (Child, UnixStream) {
    let path = folder.path().join("spec.json");
    let spec = EncoderSpec::Chunk(Box::new(spec.clone()));
    std::fs::write(&path, serde_json::to_vec(&spec).unwrap()).unwrap();
    let (ours, theirs) = UnixStream::pair().unwrap();
    let child = Command::new(env!("CARGO_BIN_EXE_kinora-encoder"))
        .args(["chunk", "--spec", path.to_str().unwrap()])
        .args(extra)
        .stdin(OwnedFd::from(theirs))
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    (child, ours)
}

/// Answers requests from a file; after `good` of them every read fails.
fn serve(socket: UnixStream, file: &File, good: usize) {
    serve_series(socket, file, good, || None);
}

/// The same, and gives further tasks to a child that asks for them.
fn serve_series(
    mut socket: UnixStream,
    file: &File,
    good: usize,
    mut next: impl FnMut() -> Option<ChunkSpec>,
) {
    let size = file.metadata().unwrap().len();
    let mut request = [0; REQUEST_LEN];
    for served in 0.. {
        if socket.read_exact(&mut request).is_err() {
            return;
        }
        if request == NEXT_TASK {
            let task = next().map(|spec| EncoderSpec::Chunk(Box::new(spec)));
            let task = task.map(|task| serde_json::to_vec(&task).unwrap()).unwrap_or_default();
            socket.write_all(&(task.len() as i64).to_le_bytes()).unwrap();
            socket.write_all(&task).unwrap();
            continue;
        }
        if served >= good {
            socket.write_all(&READ_FAILED.to_le_bytes()).unwrap();
            continue;
        }
        let (offset, length) = decode_request(request).unwrap();
        let mut bytes = vec![0; length.min(size - offset) as usize];
        file.read_exact_at(&mut bytes, offset).unwrap();
        socket.write_all(&(bytes.len() as i64).to_le_bytes()).unwrap();
        socket.write_all(&bytes).unwrap();
    }
}

fn messages(child: &mut Child) -> Vec<Message> {
    BufReader::new(child.stdout.take().unwrap())
        .lines()
        .map(|line| serde_json::from_str(&line.unwrap()).unwrap())
        .collect()
}

fn only_chunk(clip: &Clip, folder: &TempDir) -> ChunkSpec {
    let rungs = [rung(clip, 180, 1, 500)];
    let mut specs = specs(clip, &rungs, 20, &[0], clip.frames, folder.path());
    std::fs::create_dir_all(&specs[0].output_dir).unwrap();
    specs.remove(0)
}

#[test]
fn a_chunk_over_the_socket_is_byte_for_byte_that_of_a_file() {
    let clip = generate(&Wanted::default());
    let folder = tempfile::tempdir().unwrap();
    let mut spec = only_chunk(&clip, &folder);
    spec.rungs[0].x264 = without_trees();
    let (mut child, socket) = start(&spec, &folder, &["--memory-limit-mib", "4096"]);
    let file = File::open(&clip.path).unwrap();
    let server = thread::spawn(move || serve(socket, &file, usize::MAX));
    let messages = messages(&mut child);
    assert!(child.wait().unwrap().success(), "{messages:?}");
    server.join().unwrap();
    let Some(Message::Done(Outcome::Chunk(outcome))) = messages.last() else {
        panic!("{messages:?}")
    };
    let produced = std::fs::read(spec.output_dir.join("v180/chunk.m4s")).unwrap();
    assert_eq!(outcome, &encode(&clip, &spec).unwrap());
    assert_eq!(produced, std::fs::read(spec.output_dir.join("v180/chunk.m4s")).unwrap());
}

/// With them x264 reads memory that it never wrote: another heap, another result.
fn without_trees() -> X264Options {
    serde_json::from_value(serde_json::json!({ "mbtree": "0" })).unwrap()
}

/// A clip of two chunks for one folder.
fn two_chunks(clip: &Clip, folder: &TempDir) -> Vec<ChunkSpec> {
    let mut rungs = [rung(clip, 180, 1, 500), rung(clip, 90, 1, 200)];
    rungs.iter_mut().for_each(|rung| rung.x264 = without_trees());
    let mut specs = specs(clip, &rungs, 20, &[0, 40], clip.frames, folder.path());
    for spec in &mut specs {
        spec.output_dir = folder.path().join("out");
    }
    std::fs::create_dir_all(&specs[0].output_dir).unwrap();
    specs
}

#[test]
fn two_chunks_of_one_process_are_byte_for_byte_those_of_two() {
    let clip = generate(&Wanted { frames: 80, ..Wanted::default() });
    let folder = tempfile::tempdir().unwrap();
    let specs = two_chunks(&clip, &folder);
    let made = || {
        ["v180", "v90"]
            .map(|track| std::fs::read(specs[0].output_dir.join(track).join("chunk.m4s")).unwrap())
    };
    let apart: Vec<_> = specs.iter().map(|spec| (encode(&clip, spec).unwrap(), made())).collect();

    let (mut child, socket) = start(&specs[0], &folder, &["--series", "--sandbox", "auto"]);
    let file = File::open(&clip.path).unwrap();
    let mut further = vec![specs[1].clone()];
    let mut results = Vec::new();
    // The child asks when its results are there, and does nothing until it is answered.
    serve_series(socket, &file, usize::MAX, || {
        results.push(made());
        std::fs::remove_dir_all(specs[0].output_dir.join("v180")).unwrap();
        further.pop()
    });
    let messages = messages(&mut child);
    assert!(child.wait().unwrap().success(), "{messages:?}");
    let outcomes: Vec<_> = messages
        .iter()
        .filter_map(|message| match message {
            Message::Done(Outcome::Chunk(outcome)) => Some(outcome),
            _ => None,
        })
        .collect();
    assert_eq!(outcomes, apart.iter().map(|(outcome, _)| outcome).collect::<Vec<_>>());
    assert!(results.iter().eq(apart.iter().map(|(_, bytes)| bytes)));
}

#[test]
fn a_series_goes_on_with_no_other_folder_and_says_so() {
    let clip = generate(&Wanted { frames: 80, ..Wanted::default() });
    let folder = tempfile::tempdir().unwrap();
    let specs = two_chunks(&clip, &folder);
    let other = ChunkSpec { output_dir: folder.path().join("other"), ..specs[1].clone() };
    let mut further = vec![other];
    let (mut child, socket) = start(&specs[0], &folder, &["--series"]);
    let file = File::open(&clip.path).unwrap();
    serve_series(socket, &file, usize::MAX, || further.pop());
    let messages = messages(&mut child);
    assert_eq!(child.wait().unwrap().code(), Some(1));
    assert!(
        messages.iter().any(|message| matches!(message, Message::Done(_))),
        "the first is done"
    );
    let Some(Message::Failed(failure)) = messages.last() else { panic!("{messages:?}") };
    assert_eq!(failure.code, "bad_spec");
}

#[test]
fn a_failed_read_is_the_hosts_fault() {
    // Several blocks: the file begins well and then cannot be read.
    let clip = generate(&Wanted {
        size: (640, 360),
        noisy: |_| true,
        coding: "x264enc speed-preset=ultrafast pass=quant quantizer=20 ! mp4mux faststart=true",
        ..Wanted::default()
    });
    let folder = tempfile::tempdir().unwrap();
    let spec = only_chunk(&clip, &folder);
    assert!(spec.source_size > 1 << 20, "{}", spec.source_size);
    let (mut child, socket) = start(&spec, &folder, &[]);
    let file = File::open(&clip.path).unwrap();
    let server = thread::spawn(move || serve(socket, &file, 3));
    let messages = messages(&mut child);
    assert_eq!(child.wait().unwrap().code(), Some(1));
    server.join().unwrap();
    let Some(Message::Failed(failure)) = messages.last() else { panic!("{messages:?}") };
    assert_eq!((failure.kind, failure.code.as_str()), (FailureKind::Resource, "source_read"));
}

#[test]
fn a_child_whose_worker_is_gone_ends() {
    let clip = generate(&Wanted::default());
    let folder = tempfile::tempdir().unwrap();
    let spec = only_chunk(&clip, &folder);
    // Nobody answers: the child waits for its first bytes.
    let (mut child, socket) = start(&spec, &folder, &[]);
    thread::sleep(Duration::from_millis(300));
    assert!(child.try_wait().unwrap().is_none(), "it waits for its source");
    let closed = Instant::now();
    drop(socket);
    assert_eq!(child.wait().unwrap().code(), Some(1));
    assert!(closed.elapsed() < Duration::from_secs(5));
}

#[test]
fn a_task_that_makes_no_sense_is_refused() {
    let clip = generate(&Wanted { frames: 5, ..Wanted::default() });
    let folder = tempfile::tempdir().unwrap();
    let mut spec = only_chunk(&clip, &folder);
    spec.gop_frames = 7;
    let (mut child, _socket) = start(&spec, &folder, &[]);
    let messages = messages(&mut child);
    assert_eq!(child.wait().unwrap().code(), Some(1));
    let Some(Message::Failed(failure)) = messages.last() else { panic!("{messages:?}") };
    assert_eq!((failure.kind, failure.code.as_str()), (FailureKind::Internal, "bad_spec"));
}

#[test]
fn memory_has_a_limit() {
    let clip = generate(&Wanted { frames: 5, ..Wanted::default() });
    let folder = tempfile::tempdir().unwrap();
    let spec = only_chunk(&clip, &folder);
    let (mut child, socket) = start(&spec, &folder, &["--memory-limit-mib", "64"]);
    let file = File::open(&clip.path).unwrap();
    thread::spawn(move || serve(socket, &file, usize::MAX));
    let messages = messages(&mut child);
    assert!(!child.wait().unwrap().success());
    assert!(!matches!(messages.last(), Some(Message::Done(_))), "{messages:?}");
}
