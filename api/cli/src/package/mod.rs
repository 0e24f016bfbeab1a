//! Packaging files on this machine: open, plan, copy, and let the folder appear.

mod choose;
mod copy;
pub(crate) mod encrypt;
mod folder;
mod progress;
mod seal;
mod sink;
mod source;
mod window;

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Instant;

use kinora_media::TrackKind;
use kinora_packager::package::{
    self as packager, Captions, CuesError, Layout, Options, Package, PackageError,
};
use kinora_packager::text;
use serde::Serialize;

use crate::commands::package::Spoken;
use crate::failure::{Exit, Failure};
use crate::upload;
use folder::Folder;
use progress::Progress;
use source::SourceFile;

/// What to package, and how.
#[derive(Debug)]
pub(crate) struct Job {
    pub(crate) files: Vec<PathBuf>,
    pub(crate) spoken: Vec<Spoken>,
    pub(crate) captions: Vec<upload::Captions>,
    pub(crate) output: PathBuf,
    pub(crate) options: Options,
    /// Whether DASH has tracks of key frames.
    pub(crate) trick_play: bool,
    /// Whether and how it is encrypted.
    pub(crate) encryption: Option<encrypt::Wanted>,
    /// Whether an earlier package may be replaced.
    pub(crate) replace: bool,
    /// Show no progress.
    pub(crate) quiet: bool,
    /// Set when it is to stop.
    pub(crate) stop: Arc<AtomicBool>,
}

/// What became of it, as `--json` prints it: fields are only ever added.
#[derive(Debug, Serialize)]
pub(crate) struct Packaged {
    /// Always `packaged`.
    event: &'static str,
    folder: String,
    pub(crate) hls: String,
    /// `null` where it is encrypted in a way that DASH does not have.
    pub(crate) dash: Option<String>,
    pub(crate) duration_s: f64,
    pub(crate) bytes: u64,
    pub(crate) elapsed_s: f64,
    pub(crate) tracks: Vec<PackagedTrack>,
    /// What was left out, and why.
    pub(crate) notes: Vec<String>,
}

/// A track of it.
#[derive(Debug, Serialize)]
pub(crate) struct PackagedTrack {
    id: String,
    #[serde(rename = "type")]
    kind: &'static str,
    codec: String,
    /// The file and track it comes from; `null` for captions.
    source: Option<String>,
    segments: Option<usize>,
    bytes: Option<u64>,
}

/// Does it. Nothing is left of what fails or is stopped.
pub(crate) fn package(job: &Job) -> Result<Packaged, Failure> {
    let began = Instant::now();
    let folder = Folder::begin(&job.output, job.replace)?;
    let captions = job.captions.iter().map(read_captions).collect::<Result<Vec<_>, _>>()?;
    let named = job.files.iter().map(|path| (path, None));
    let spoken = job.spoken.iter().map(|it| (&it.path, Some(it.language.as_str())));
    let files = named.chain(spoken).map(|(path, language)| SourceFile::open(path, language));
    let files = files.collect::<Result<Vec<_>, _>>()?;
    let tracks = files.iter().map(SourceFile::tracks).collect::<Result<Vec<_>, _>>()?;
    let (chosen, notes) = choose::choose(&files, &tracks);
    let mut package = packager::plan(&chosen, captions, job.options).map_err(refused)?;
    let cues = package.read_cues(|file, range| files[file].read(range));
    cues.map_err(|error| match error {
        CuesError::Package(error) => refused(error),
        CuesError::Fetch(failure) => failure,
    })?;
    if job.trick_play {
        package.add_trick_play().map_err(refused)?;
    }
    if let Some(wanted) = &job.encryption {
        package.protect(&wanted.encryption()?).map_err(refused)?;
    }
    let bytes = package.outputs.iter().map(packager::Output::media_bytes).sum();
    let progress = Progress::begin(job.quiet, bytes);
    if job.encryption.is_some() {
        let measured = seal::seal(&package, &files, folder.path(), job, &progress)?;
        package.measure(&measured).map_err(refused)?;
        seal::write_indexes(&package, folder.path(), job.options.layout)?;
    } else {
        copy::copy(&package, &files, folder.path(), job, &progress)?;
    }
    manifests(&package, folder.path(), job)?;
    progress.end();
    if job.stop.load(Ordering::Relaxed) {
        return Err(interrupted());
    }
    let path = folder.finish()?;
    let name = |file: &str| path.join(file).display().to_string();
    Ok(Packaged {
        event: "packaged",
        folder: path.display().to_string(),
        hls: name(HLS),
        dash: has_dash(job).then(|| name(DASH)),
        duration_s: package.head().duration_us as f64 / 1e6,
        bytes,
        elapsed_s: (began.elapsed().as_secs_f64() * 1000.0).round() / 1000.0,
        tracks: told(&package),
        notes,
    })
}

const HLS: &str = kinora_media::playback::HLS_MANIFEST;
const DASH: &str = kinora_media::playback::DASH_MANIFEST;

/// DASH does not have whole segments encrypted.
fn has_dash(job: &Job) -> bool {
    job.encryption.as_ref().is_none_or(|wanted| wanted.cipher != encrypt::Cipher::Aes128)
}

fn manifests(package: &Package<'_>, folder: &Path, job: &Job) -> Result<(), Failure> {
    let failed = |error: kinora_packager::PackagerError| {
        Failure::new(Exit::Failed, "package", format!("the manifests cannot be written: {error}"))
    };
    let put = |name: &str, text: String| folder::put(&folder.join(name), text.as_bytes());
    let mut begun = None;
    for (name, text) in package.caption_files() {
        let inner = name.split_once('/').map(|(inner, _)| inner.to_owned());
        if let Some(inner) = inner.filter(|inner| begun.as_ref() != Some(inner)) {
            // Samples of the same track may lie in it.
            std::fs::create_dir_all(folder.join(&inner)).map_err(folder::output)?;
            begun = Some(inner);
        }
        put(&name, text)?;
    }
    for track in &package.head().tracks {
        if let Some(playlist) = package.media_playlist(&track.id).map_err(failed)? {
            put(&format!("{}.m3u8", track.id), playlist)?;
        }
        if let Some((name, playlist)) = package.i_frame_playlist(&track.id).map_err(failed)? {
            put(&name, playlist)?;
        }
    }
    for output in &package.outputs {
        if job.options.layout == Layout::Segments {
            folder::put(&folder.join(format!("{}/init.mp4", output.id)), &output.init)?;
        }
    }
    if has_dash(job) {
        put(DASH, package.mpd().map_err(failed)?)?;
    }
    put(HLS, package.multivariant().map_err(failed)?)
}

fn read_captions(captions: &upload::Captions) -> Result<Captions, Failure> {
    let path = captions.path().display();
    let bytes = std::fs::read(captions.path())
        .map_err(|error| Failure::usage(format!("captions {path}: {error}")))?;
    let text = text::parse(&bytes, None).map_err(|error| {
        Failure::new(Exit::Failed, "invalid_captions", format!("captions {path}: {error}"))
            .help("Mend the captions file and run the command again.")
    })?;
    let language = kinora_plan::language::tag(Some(captions.language()));
    let label = kinora_plan::language::menu_name(None, &language);
    Ok(Captions { language, label, text })
}

fn refused(error: PackageError) -> Failure {
    let failure = Failure::new(Exit::Failed, "package", error.to_string());
    match error {
        PackageError::Misaligned { .. } => failure.help(
            "Encode all qualities with key frames at fixed distances, such as \
             `ffmpeg … -force_key_frames 'expr:gte(t,n_forced*2)' -sc_threshold 0`.",
        ),
        PackageError::NoKeyFrame { .. } => {
            failure.help("Cut the file at a key frame, or encode it anew.")
        }
        PackageError::Nothing => failure.help("Name MP4 files with H.264, HEVC, AV1 or VP9."),
        PackageError::Segments { .. } => failure.help("Ask for longer ones by --segment-length."),
        PackageError::Read { .. } => failure.help("The file is damaged or not complete."),
        PackageError::Track { .. } => {
            failure.help("Leave the file out, or encode it in one of H.264, HEVC, AV1, VP9, AAC.")
        }
        PackageError::NoKey { .. } | PackageError::NoSuchTrack { .. } => failure.help(
            "A key without label is for all tracks; labels are video, audio, or a track's name.",
        ),
        PackageError::WholeSegments(_) => failure.help(
            "Add --segments, say with --key-uri where players fetch the key, and leave out \
                 --trick-play.",
        ),
        PackageError::Protect { .. } | PackageError::Crypt { .. } => {
            failure.help("Leave the file out, or encode it anew; AES-128 encrypts any coding.")
        }
        _ => failure,
    }
}

/// What Ctrl-C ends with.
fn interrupted() -> Failure {
    Failure::new(Exit::Interrupted, "interrupted", "interrupted; nothing is left behind")
}

fn told(package: &Package<'_>) -> Vec<PackagedTrack> {
    let tracks = package.head().tracks.iter().map(|track| {
        let output = package.outputs.iter().find(|output| output.id == track.id);
        let kind = match &track.kind {
            TrackKind::Video(_) => "video",
            TrackKind::Audio(_) => "audio",
            TrackKind::Text(_) => "text",
        };
        PackagedTrack {
            id: track.id.to_string(),
            kind,
            codec: track.codec.clone(),
            source: output.map(|output| output.name().to_owned()),
            segments: output.map(packager::Output::segments),
            bytes: output.map(packager::Output::media_bytes),
        }
    });
    tracks.collect()
}
