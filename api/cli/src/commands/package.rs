//! `kinora package`.

use std::io::{self, Write};
use std::path::PathBuf;
use std::str::FromStr;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use kinora_packager::package::{Layout, Options};

use super::print_json;
use crate::failure::{Exit, Failure};
use crate::package::encrypt::{self, Cipher, Wanted};
use crate::package::{Job, Packaged, package};
use crate::terminal::{format, style};
use crate::upload::Captions;

#[derive(Debug, clap::Args)]
pub(crate) struct PackageArgs {
    /// MP4 files: pictures, soundtracks, text (WebVTT, TTML), or all of them.
    #[arg(required = true, value_name = "FILE", value_hint = clap::ValueHint::FilePath)]
    files: Vec<PathBuf>,
    /// Folder to make. It appears when all is written.
    #[arg(short, long, value_name = "FOLDER", value_hint = clap::ValueHint::DirPath)]
    output: PathBuf,
    /// Soundtrack in a language, whatever the file says: de=german.m4a. May be given several times.
    #[arg(long, value_name = "LANG=FILE")]
    audio: Vec<Spoken>,
    /// Captions, WebVTT or SubRip: en=film.vtt. May be given once a language.
    #[arg(long, value_name = "LANG=FILE")]
    captions: Vec<Captions>,
    /// Write a file a segment, not one a track with byte ranges.
    #[arg(long)]
    segments: bool,
    /// About how long segments are; they begin at key frames.
    #[arg(long, value_name = "SECONDS", default_value = "6")]
    segment_length: Length,
    /// Add tracks of key frames to DASH, for players that wind through a film; HLS needs none.
    #[arg(long)]
    trick_play: bool,
    /// Encrypt it: keys come from --key-file or the variable KINORA_PACKAGE_KEYS.
    #[arg(long, value_name = "METHOD", value_enum)]
    encrypt: Option<Cipher>,
    /// Keys to encrypt with, a line each: KID:KEY for all tracks, LABEL=KID:KEY for `video`, `audio`
    /// or one track such as v1080; 32 hexadecimal digits each.
    #[arg(long, value_name = "FILE", requires = "encrypt", value_hint = clap::ValueHint::FilePath)]
    key_file: Option<PathBuf>,
    /// Where HLS players fetch a key; {kid} stands for its KID. AES-128 needs it.
    #[arg(long, value_name = "URL", requires = "encrypt")]
    key_uri: Option<String>,
    /// Where players ask a ClearKey licence server for keys.
    #[arg(long, value_name = "URL", requires = "encrypt")]
    license_url: Option<String>,
    /// Replace an earlier package.
    #[arg(long)]
    force: bool,
}

/// A soundtrack of a named language.
#[derive(Debug, Clone)]
pub(crate) struct Spoken {
    pub(crate) language: String,
    pub(crate) path: PathBuf,
}

impl FromStr for Spoken {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        match text.split_once('=') {
            Some((language, path)) if !language.is_empty() && !path.is_empty() => {
                Ok(Self { language: language.to_owned(), path: path.into() })
            }
            _ => Err("write it as LANG=FILE, such as de=german.m4a".into()),
        }
    }
}

/// A length of segments, milliseconds.
#[derive(Debug, Clone, Copy)]
struct Length(u32);

impl FromStr for Length {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let wrong = || "use seconds from 0.5 to 60, such as 6 or 2.5".to_owned();
        let (whole, fraction) = text.split_once('.').unwrap_or((text, ""));
        let digits = |text: &str| text.bytes().all(|b| b.is_ascii_digit()) && text.len() <= 3;
        if whole.is_empty() || !digits(whole) || !digits(fraction) {
            return Err(wrong());
        }
        let whole: u32 = whole.parse().map_err(|_| wrong())?;
        let millis: u32 = format!("{fraction:0<3}").parse().map_err(|_| wrong())?;
        let length = whole * 1000 + millis;
        if (500..=60_000).contains(&length) { Ok(Self(length)) } else { Err(wrong()) }
    }
}

pub(crate) async fn run(args: PackageArgs, json: bool) -> Result<(), Failure> {
    args.captions.iter().try_for_each(Captions::check)?;
    let layout = if args.segments { Layout::Segments } else { Layout::SingleFile };
    let encryption = match args.encrypt {
        None => None,
        Some(cipher) => Some(Wanted {
            cipher,
            keys: encrypt::keys(args.key_file.as_deref())?,
            key_uri: args.key_uri,
            license_url: args.license_url,
        }),
    };
    let stop = Arc::new(AtomicBool::new(false));
    let job = Job {
        files: args.files,
        spoken: args.audio,
        captions: args.captions,
        output: args.output,
        options: Options { layout, segment_ms: args.segment_length.0 },
        trick_play: args.trick_play,
        encryption,
        replace: args.force,
        quiet: json,
        stop: Arc::clone(&stop),
    };
    let mut work = tokio::task::spawn_blocking(move || package(&job));
    let done = tokio::select! {
        done = &mut work => done,
        _ = tokio::signal::ctrl_c() => {
            // What was written so far goes away before this ends.
            stop.store(true, Ordering::Relaxed);
            work.await
        }
    };
    let done =
        done.map_err(|error| Failure::new(Exit::Failed, "internal", error.to_string()))??;
    tell(&done, json)
}

fn tell(done: &Packaged, json: bool) -> Result<(), Failure> {
    if json {
        return Ok(print_json(done)?);
    }
    for note in &done.notes {
        eprintln!("{} {}", style::quiet("note:"), format::line(note));
    }
    let tracks = if done.tracks.len() == 1 { "1 track" } else { "several tracks" };
    let tracks =
        if done.tracks.len() > 1 { format!("{} tracks", done.tracks.len()) } else { tracks.into() };
    eprintln!(
        "{} packaged {tracks} of {} in {:.1} s, {}",
        style::good(style::marks().done),
        format::clock(done.duration_s),
        done.elapsed_s,
        format::bytes(done.bytes),
    );
    let mut out = io::stdout().lock();
    writeln!(out, "{}", done.hls)?;
    done.dash.iter().try_for_each(|dash| writeln!(out, "{dash}"))?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lengths_are_seconds() {
        let length = |text: &str| text.parse::<Length>().map(|length| length.0).ok();
        let cases =
            [("6", Some(6000)), ("2.5", Some(2500)), ("0.5", Some(500)), ("60", Some(60_000))];
        for (text, millis) in cases {
            assert_eq!(length(text), millis);
        }
        for bad in ["", "0", "0.4", "61", "-1", "1e1", "2.0001", ".5", "6s"] {
            assert_eq!(length(bad), None, "{bad}");
        }
    }
}
