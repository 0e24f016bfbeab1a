//! What a segment made just in time costs, from three minutes as from three hours of the same film, clear
//! and encrypted: `benches/compare/just_in_time.py` runs it and holds one against the other.

use std::{error::Error, fs, path::Path, process::Command, time::Duration};

use criterion::{BenchmarkId, Criterion, Throughput};
use kinora_packager::{
    crypt::{Keyring, Scheme},
    package::{self, Encryption, Layout, Method, Options, Output, PackageError, Source},
    read,
};

/// Protects nothing.
const KEYS: &str = "00112233445566778899aabbccddeeff:0123456789abcdef0123456789abcdef";
/// What is looped, seconds. Segments of 6 s repeat with it, so both films have the same ones.
const LOOP_S: usize = 60;
const SEGMENT_S: usize = 6;

fn main() -> Result<(), Box<dyn Error>> {
    let folder = tempfile::tempdir()?;
    let part = folder.path().join("part.mp4");
    let picture = format!("testsrc2=size=640x360:rate=30:duration={LOOP_S}");
    let coding = "-c:v libx264 -preset ultrafast -b:v 400k -g 60 -sc_threshold 0";
    let coding: Vec<_> = coding.split(' ').collect();
    ffmpeg(&[&["-f", "lavfi", "-i", &picture], &coding[..]].concat(), &part)?;
    let mut criterion = Criterion::default()
        .warm_up_time(Duration::from_secs(1))
        .measurement_time(Duration::from_secs(4))
        .configure_from_args();
    for minutes in [3, 180] {
        let film = folder.path().join(format!("{minutes}.mp4"));
        let again = (minutes * 60 / LOOP_S - 1).to_string();
        let input = ["-stream_loop", &again, "-i", &part.display().to_string(), "-c", "copy"];
        ffmpeg(&input, &film)?;
        measure(&mut criterion, minutes, &fs::read(&film)?)?;
    }
    criterion.final_summary();
    Ok(())
}

fn measure(criterion: &mut Criterion, minutes: usize, film: &[u8]) -> Result<(), Box<dyn Error>> {
    let file = read::open(film)?;
    let tracks = file.tracks()?;
    let track = tracks.first().ok_or("the film has no picture")?;
    let (name, language, label) = ("film".into(), "und".into(), String::new());
    let source = Source { name, file: 0, track, language, label };
    let options = Options { layout: Layout::Segments, segment_ms: SEGMENT_S as u32 * 1000 };
    let clear = package::plan(&[source], vec![], options)?;
    let mut sealed = clear.clone();
    sealed.protect(&Encryption {
        method: Method::Samples(Scheme::Cbcs),
        keys: Keyring::parse(KEYS)?,
        seed: [7; 16],
        key_uri: None,
        license_url: None,
    })?;
    // One of the last minute, but not where the loop closes.
    let number = (minutes * 60 - LOOP_S) / SEGMENT_S + LOOP_S / SEGMENT_S / 2;
    for (kind, package) in [("clear", &clear), ("cbcs", &sealed)] {
        let output = &package.outputs[0];
        let bytes = segment(output, film, number)?.len();
        let mut group = criterion.benchmark_group(kind);
        group.throughput(Throughput::Bytes(bytes as u64));
        group.bench_function(BenchmarkId::from_parameter(minutes), |bencher| {
            bencher.iter(|| segment(output, film, number).map(|segment| segment.len()));
        });
        group.finish();
    }
    Ok(())
}

/// A segment as it would be sent.
fn segment(output: &Output<'_>, film: &[u8], number: usize) -> Result<Vec<u8>, PackageError> {
    let fragment = output.fragment(number).expect("the film has this many segments")?;
    let mut bytes = Vec::with_capacity(fragment.len() as usize);
    bytes.extend_from_slice(&fragment.head);
    for range in &fragment.media {
        bytes.extend_from_slice(&film[range.start as usize..range.end as usize]);
    }
    if !output.is_protected() {
        return Ok(bytes);
    }
    let sealed = output.seal(number as u32, bytes)?;
    Ok([&sealed.head, &sealed.data[sealed.media]].concat())
}

fn ffmpeg(arguments: &[&str], output: &Path) -> Result<(), Box<dyn Error>> {
    let quiet = ["-v", "error", "-y"];
    let status = Command::new("ffmpeg").args(quiet).args(arguments).arg(output).status()?;
    if status.success() { Ok(()) } else { Err(format!("ffmpeg: {status}").into()) }
}
