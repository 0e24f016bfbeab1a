//! Tracks of text in MP4: DASH has their samples, HLS has IMSC so and of WebVTT the cues.

use std::{path::Path, process::Command};

use kinora_packager::{
    codec::TextForm,
    package::{self, CuesError, Layout, Options, Package, PackageError},
    read,
};

use crate::{
    package::{OPTIONS, aac, every, picture, sources, written},
    peers::shaka,
    read::mux::{Muxed, MuxedSample, boxed, progressive},
};

/// The text of a sample, and how long it is shown, milliseconds.
type Shown = (Vec<u8>, u32);

fn text_track(handler: &'static [u8; 4], entry: Vec<u8>, samples: Vec<Shown>) -> Muxed {
    let sample = |(data, duration)| {
        let (composition_offset, key) = (0, true);
        MuxedSample { data, duration, composition_offset, key }
    };
    let samples: Vec<_> = samples.into_iter().map(sample).collect();
    let chunks = vec![(1, 1); samples.len()];
    let (timescale, entries, edits, long) = (1000, vec![entry], Vec::new(), false);
    Muxed { handler, timescale, entries, samples, chunks, edits, long }
}

fn cue(text: &str) -> Vec<u8> {
    boxed(b"vttc", &[&boxed(b"payl", &[text.as_bytes()])])
}

fn nothing() -> Vec<u8> {
    boxed(b"vtte", &[])
}

/// A cue that is shown over the cut at two seconds, and one at the end.
fn webvtt() -> Muxed {
    let header = boxed(b"vttC", &[b"WEBVTT\n\nSTYLE\n::cue { color: lime }\n"]);
    let entry = boxed(b"wvtt", &[&[0, 0, 0, 0, 0, 0, 0, 1], &header]);
    let samples = vec![
        (nothing(), 1000),
        (cue("Over the cut"), 1500),
        (nothing(), 2500),
        (cue("Late"), 400),
        (nothing(), 30_000),
    ];
    text_track(b"text", entry, samples)
}

fn ttml(kind: &[u8]) -> Muxed {
    let kind = boxed(b"mime", &[&[0; 4], kind, b"\0"]);
    let entry =
        boxed(b"stpp", &[&[0, 0, 0, 0, 0, 0, 0, 1], b"http://www.w3.org/ns/ttml\0\0\0", &kind]);
    let document = |text: &str| format!("<tt><body><p>{text}</p></body></tt>").into_bytes();
    text_track(b"subt", entry, vec![(document("one"), 3000), (document("two"), 2500)])
}

fn film(texts: Vec<Muxed>) -> Vec<u8> {
    let tracks = [vec![picture(165, every(60), 15_360), aac(260)], texts].concat();
    progressive(&tracks).0
}

fn with_package<T>(file: &[u8], layout: Layout, then: impl FnOnce(&mut Package<'_>) -> T) -> T {
    let opened = read::open(file).unwrap();
    let tracks = [opened.tracks().unwrap()];
    let options = Options { layout, ..OPTIONS };
    then(&mut package::plan(&sources(&tracks), vec![], options).unwrap())
}

fn read_cues(package: &mut Package<'_>, file: &[u8]) -> Result<(), CuesError<()>> {
    package.read_cues(|number, range| {
        assert_eq!(number, 0);
        Ok(file[range.start as usize..range.end as usize].to_vec())
    })
}

#[test]
fn text_is_cut_where_pictures_are() {
    let file = film(vec![webvtt(), ttml(b"application/ttml+xml;codecs=im1t")]);
    with_package(&file, Layout::SingleFile, |package| {
        let ids: Vec<_> = package.outputs.iter().map(|it| (it.id.as_str(), it.text())).collect();
        let expected = [
            ("v360", None),
            ("a-en", None),
            ("t-en", Some(TextForm::WebVtt)),
            ("t-en-2", Some(TextForm::Ttml)),
        ];
        assert_eq!(ids, expected);
        // Another reader's order: what we write is read back.
        let bytes = written(package, 2, std::slice::from_ref(&file));
        let out = read::open(&bytes).unwrap();
        let track = &out.tracks().unwrap()[0];
        assert_eq!((&track.handler, &track.entries[0].code()), (b"text", b"wvtt"));
        let samples = track.samples().map(Result::unwrap).map(|sample| {
            let data = &bytes[sample.offset as usize..][..sample.size as usize];
            (sample.decode_time, sample.duration, data.to_vec())
        });
        let samples: Vec<_> = samples.collect();
        let expected = [
            (0, 1000, nothing()),
            (1000, 1000, cue("Over the cut")),
            (2000, 500, cue("Over the cut")),
            (2500, 1500, nothing()),
            (4000, 1000, nothing()),
            (5000, 400, cue("Late")),
        ];
        assert_eq!(samples[..6], expected);
        assert_eq!(samples.iter().map(|it| u64::from(it.1)).sum::<u64>(), 35_400);
        // One after the other as all together.
        for output in &package.outputs {
            for (number, fragment) in output.fragments().enumerate() {
                assert_eq!(output.fragment(number).unwrap().unwrap(), fragment.unwrap());
            }
        }
    });
}

#[test]
fn dash_has_samples_and_hls_what_its_players_take() {
    let file = film(vec![webvtt(), ttml(b"application/ttml+xml;codecs=im1t")]);
    for (layout, name) in [(Layout::SingleFile, "single_file"), (Layout::Segments, "segments")] {
        let shown = with_package(&file, layout, |package| {
            // Until its cues are read, HLS has no WebVTT.
            assert!(!package.multivariant().unwrap().contains("\"t-en.m3u8\""));
            read_cues(package, &file).unwrap();
            let mut shown = package.multivariant().unwrap();
            for track in package.head().tracks.iter().filter(|it| it.id.as_str().starts_with('t')) {
                shown += &format!("\n== {}\n", track.id);
                shown += &package.media_playlist(&track.id).unwrap().unwrap();
            }
            for (address, text) in package.caption_files().take(2) {
                shown += &format!("\n== {address}\n{text}");
            }
            let mpd = package.mpd().unwrap();
            let texts = mpd.find("contentType=\"text\"").unwrap();
            shown + "\n== dash\n" + &mpd[texts..]
        });
        insta::assert_snapshot!(name, shown);
    }
}

#[test]
fn text_of_no_known_profile_is_for_dash_alone() {
    let file = film(vec![ttml(b"application/ttml+xml")]);
    with_package(&file, Layout::Segments, |package| {
        assert!(!package.multivariant().unwrap().contains("SUBTITLES"));
        assert!(package.mpd().unwrap().contains("codecs=\"stpp\""));
        assert_eq!(package.media_playlist(&package.outputs[2].id), Ok(None));
    });
}

/// Shaka Packager leaves the last string of an entry of TTML out.
#[test]
fn an_entry_without_its_last_strings_is_read() {
    let entry = boxed(b"stpp", &[&[0, 0, 0, 0, 0, 0, 0, 1], b"http://www.w3.org/ns/ttml\0\0"]);
    let file = film(vec![text_track(b"subt", entry, vec![(b"<tt/>".to_vec(), 5500)])]);
    with_package(&file, Layout::Segments, |package| {
        assert!(package.mpd().unwrap().contains("codecs=\"stpp\""));
    });
}

/// What Shaka Packager makes of captions comes back as they were.
#[test]
fn cues_that_shaka_packager_wrote_are_those_of_the_file() {
    let Some(shaka) = shaka() else { return };
    let folder = tempfile::tempdir().unwrap();
    let at = |name: &str| folder.path().join(name);
    let captions = "WEBVTT\n\n00:00:01.000 --> 00:00:04.000 line:0\n\
        <i>Over the cut</i>\n\n00:00:03.000 --> 00:00:05.000\nTwo at once\n";
    std::fs::write(at("captions.vtt"), captions).unwrap();
    let stream = |more: &str, name: &str| {
        let (from, to) = (at("captions.vtt"), at(name));
        format!("in={},stream=text,{more}output={}", from.display(), to.display())
    };
    let streams = [stream("", "wvtt.mp4"), stream("format=ttml+mp4,", "ttml.mp4")];
    let run = Command::new(shaka).args(streams).output().unwrap();
    assert!(run.status.success(), "{}", String::from_utf8_lossy(&run.stderr));
    let files = [film(vec![]), read_file(&at("wvtt.mp4")), read_file(&at("ttml.mp4"))];
    let opened: Vec<_> = files.iter().map(|bytes| read::open(bytes).unwrap()).collect();
    let tracks: Vec<_> = opened.iter().map(|file| file.tracks().unwrap()).collect();
    let mut package = package::plan(&sources(&tracks), vec![], OPTIONS).unwrap();
    let fetched = package.read_cues(|file, range| {
        Ok::<_, ()>(files[file][range.start as usize..range.end as usize].to_vec())
    });
    fetched.unwrap();
    let found: Vec<_> = package.caption_files().collect();
    // It says of each cue what is so without saying.
    let expected = captions.replace("line:0", "line:0 align:center");
    let expected = expected.replace("05.000\n", "05.000 align:center\n");
    assert_eq!(found, [("t-en/0.vtt".to_owned(), expected)]);
    assert!(package.mpd().unwrap().contains("codecs=\"stpp"));
}

fn read_file(path: &Path) -> Vec<u8> {
    std::fs::read(path).unwrap()
}

#[test]
fn damaged_cues_are_told_of_with_their_place() {
    let mut track = webvtt();
    track.samples[1].data = boxed(b"vttc", &[&boxed(b"payl", &[&[0xff, 0xfe]])]);
    let file = film(vec![track]);
    let place = file.windows(4).position(|window| window == b"payl").unwrap() + 4;
    with_package(&file, Layout::Segments, |package| {
        let Err(CuesError::Package(error)) = read_cues(package, &file) else { panic!("read") };
        assert!(matches!(error, PackageError::Read { .. }));
        let says = format!("0.mp4, track 3: vttc/payl at byte {place}: it is not UTF-8");
        assert_eq!(error.to_string(), says);
    });
}

#[test]
fn text_alone_is_no_presentation() {
    let file = progressive(&[webvtt()]).0;
    let opened = read::open(&file).unwrap();
    let tracks = [opened.tracks().unwrap()];
    let refused = package::plan(&sources(&tracks), vec![], OPTIONS).unwrap_err();
    assert_eq!(refused, PackageError::Nothing);
}
