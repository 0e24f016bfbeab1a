//! CEA-608 captions inside coded pictures, as broadcasters send them: no encoder here writes any,
//! so they are put into a stream's pictures byte by byte. ffmpeg's encoders then carry them on,
//! through reordered pictures, and its own caption decoder judges.

use std::{path::Path, process::Command};

use kinora_pipeline::{child::Reporter, probe, source::Source, text};
use kinora_plan::{Plan, Profile, encoder::ProbeSpec, plan};

/// Frames a second, and of how many captions are.
const RATE: u64 = 25;
const FRAMES: usize = 275;

type Pair = [u8; 2];

const LOAD: Pair = [0x14, 0x20];
const END: Pair = [0x14, 0x2f];
const ERASE: Pair = [0x14, 0x2c];
const ROLL_2: Pair = [0x14, 0x25];
const RETURN: Pair = [0x14, 0x2d];
/// The same on the second field, where CC3 is.
const ROLL_2_CC3: Pair = [0x15, 0x25];
const RETURN_CC3: Pair = [0x15, 0x2d];
/// Row 2 in italics, and row 15 from column 4 on: the same codes on both fields.
const ROW_2_ITALIC: Pair = [0x11, 0x6e];
const ROW_15: Pair = [0x14, 0x72];

fn with_parity(pair: Pair) -> Pair {
    pair.map(|byte| if byte.count_ones() % 2 == 0 { byte | 0x80 } else { byte })
}

fn letters(text: &str) -> Vec<Pair> {
    let pairs = text.as_bytes().chunks(2);
    pairs.map(|pair| [pair[0], pair.get(1).copied().unwrap_or(0)]).collect()
}

/// What each field carries, a pair a frame.
struct Line {
    pairs: Vec<Pair>,
}

impl Line {
    fn new() -> Self {
        Self { pairs: vec![[0, 0]; FRAMES] }
    }

    /// Sends control codes, each twice, and letters, from this frame on.
    fn send(&mut self, frame: usize, parts: &[&[Pair]]) -> &mut Self {
        let doubled = parts.concat().into_iter().flat_map(|pair| {
            let control = (0x10..0x20).contains(&pair[0]);
            std::iter::repeat_n(pair, if control { 2 } else { 1 })
        });
        for (at, pair) in doubled.enumerate() {
            self.pairs[frame + at] = pair;
        }
        self
    }
}

/// `user_data_registered_itu_t_t35` with `cc_data` (ATSC A/53 part 4, 6.2.3) as a NAL unit.
fn sei(triplets: [[u8; 3]; 2]) -> Vec<u8> {
    let mut payload = vec![0xb5, 0x00, 0x31];
    payload.extend(b"GA94\x03");
    payload.extend([0x40 | 2, 0xff]);
    payload.extend(triplets.concat());
    payload.push(0xff);
    let mut unit = vec![0, 0, 0, 1, 0x06, 0x04, u8::try_from(payload.len()).unwrap()];
    unit.extend(payload);
    unit.push(0x80);
    unit
}

/// Puts captions before every picture of an H.264 byte stream of one slice a picture.
fn captioned(stream: &[u8], captions: impl Fn(usize) -> [[u8; 3]; 2]) -> Vec<u8> {
    let (mut out, mut picture, mut at) = (Vec::new(), 0, 0);
    while at < stream.len() {
        if stream[at..].starts_with(&[0, 0, 1]) && matches!(stream[at + 3] & 0x1f, 1 | 5) {
            // Before the fourth byte of the start code, if it has one.
            let zero = out.last() == Some(&0);
            out.truncate(out.len() - usize::from(zero));
            out.extend(sei(captions(picture)));
            out.push(0);
            picture += 1;
        }
        out.push(stream[at]);
        at += 1;
    }
    assert_eq!(picture, FRAMES);
    out
}

fn ffmpeg(folder: &Path, arguments: &str) -> String {
    let done = Command::new("ffmpeg")
        .args(["-v", "error", "-y"])
        .args(arguments.split_whitespace())
        .current_dir(folder)
        .output()
        .unwrap();
    assert!(done.status.success(), "{arguments}: {}", String::from_utf8_lossy(&done.stderr));
    String::from_utf8(done.stdout).unwrap()
}

fn prepare(file: &Path) -> (Plan, Source) {
    gstreamer::init().unwrap();
    let source = Source::file(file).unwrap();
    let mut silent = Reporter::new(Box::new(std::io::sink()));
    let report = probe::run(&ProbeSpec::new(source.size()), &source, &mut silent).unwrap();
    (plan(&report, &Profile::default()).unwrap(), source)
}

fn extracted(plan: &Plan, source: &Source, folder: &Path) -> Vec<String> {
    let mut spec = plan.text_spec(source.size()).unwrap();
    spec.output_dir = folder.to_owned();
    let mut silent = Reporter::new(Box::new(std::io::sink()));
    let outcome = text::run(&spec, source, &mut silent).unwrap();
    assert_eq!(outcome.warnings, []);
    let read = |number| std::fs::read_to_string(folder.join(format!("{number}.vtt"))).unwrap();
    (0..outcome.sizes.len()).map(read).collect()
}

/// When a frame is shown, as WebVTT writes it.
fn at(frame: usize) -> String {
    let ms = frame as u64 * 1000 / RATE;
    format!("00:00:{:02}.{:03}", ms / 1000, ms % 1000)
}

fn vtt(cues: &[(usize, usize, &str, &str)]) -> String {
    let cue = |(start, end, settings, text): &(usize, usize, &str, &str)| {
        format!("\n{} --> {}{settings}\n{text}\n", at(*start), at(*end))
    };
    format!("WEBVTT\n{}", cues.iter().map(cue).collect::<String>())
}

/// A byte stream without reordered pictures.
fn plain(folder: &Path) -> Vec<u8> {
    let picture = format!("-f lavfi -i testsrc2=d=11:s=320x180:r={RATE}");
    ffmpeg(folder, &format!("{picture} -c:v libx264 -preset ultrafast -bf 0 -f h264 plain.h264"));
    std::fs::read(folder.join("plain.h264")).unwrap()
}

/// One film with pop-on captions, then roll-up on CC1, and roll-up on CC3 all along.
fn make(folder: &Path) -> (String, String) {
    let (mut first, mut second) = (Line::new(), Line::new());
    first
        .send(10, &[&[LOAD, ROW_2_ITALIC], &letters("Over <there>")])
        .send(30, &[&[END]])
        .send(40, &[&[LOAD, ROW_15], &letters("Below")])
        .send(60, &[&[ERASE]])
        .send(75, &[&[END]])
        .send(100, &[&[ERASE]])
        .send(120, &[&[ROLL_2, RETURN, ROW_15], &letters("One")])
        .send(160, &[&[ROLL_2, RETURN, ROW_15], &letters("Two")])
        .send(200, &[&[ROLL_2, RETURN, ROW_15], &letters("Three")])
        .send(240, &[&[ERASE]]);
    second
        .send(20, &[&[ROLL_2_CC3, RETURN_CC3, ROW_15], &letters("Uno")])
        // The rating, which is extended data.
        .send(90, &[&[[0x01, 0x05]], &letters("H@"), &[[0x0f, 0x22]]])
        .send(100, &[&[ROLL_2_CC3, RETURN_CC3, ROW_15], &letters("Dos")])
        .send(200, &[&[[0x15, 0x2c]]]);
    let stream = plain(folder);
    let of_picture = |picture: usize| {
        let triplet = |kind, line: &Line| {
            let [a, b] = with_parity(line.pairs[picture]);
            [kind, a, b]
        };
        [triplet(0xfc, &first), triplet(0xfd, &second)]
    };
    std::fs::write(folder.join("captions.h264"), captioned(&stream, of_picture)).unwrap();
    let cc1 = vtt(&[
        (30, 60, " line:15%", "<i>Over &lt;there&gt;</i>"),
        (75, 100, "", "Below"),
        (126, 166, "", "One"),
        (166, 206, "", "One\nTwo"),
        (206, 240, "", "Two\nThree"),
    ]);
    let cc3 = vtt(&[(26, 106, "", "Uno"), (106, 200, "", "Uno\nDos")]);
    (cc1, cc3)
}

#[test]
fn captions_in_pictures_become_text_tracks() {
    let folder = tempfile::tempdir().unwrap();
    let (cc1, cc3) = make(folder.path());
    let again = format!("-r {RATE} -i captions.h264");
    for (file, codec) in [
        ("film.mp4", "-c:v libx264 -preset veryfast -bf 3 -b_strategy 0"),
        ("film.mkv", "-c:v libx264 -preset veryfast -bf 3 -b_strategy 0"),
        ("film.ts", "-c:v mpeg2video -bf 2 -q:v 4"),
    ] {
        ffmpeg(folder.path(), &format!("{again} {codec} {file}"));
        let (plan, source) = prepare(&folder.path().join(file));
        let tracks: Vec<_> = plan
            .texts
            .iter()
            .map(|text| (text.track.as_str(), &*text.language, &*text.name))
            .collect();
        assert_eq!(tracks, [("s-und", "und", "CC1"), ("s-und-2", "und", "CC3")], "{file}");
        let found = extracted(&plan, &source, folder.path());
        assert_eq!(found, [cc1.clone(), cc3.clone()], "{file}");
        judge(folder.path(), file, &cc1);
    }
}

/// Holds CC1 to ffmpeg's caption decoder. It begins a rolling line with the carriage return before
/// it, and keeps no entities.
fn judge(folder: &Path, file: &str, expected: &str) {
    let read = format!("-f lavfi -i movie={file}[out0+subcc] -map 0:s -f webvtt -");
    let judged = cues(&ffmpeg(folder, &read));
    let ours = cues(expected);
    let texts = |cues: &[(u64, u64, String)]| -> Vec<String> {
        cues.iter().map(|(.., text)| text.clone()).collect()
    };
    assert_eq!(texts(&judged), texts(&ours), "{file}");
    for (judged, ours) in judged.iter().zip(&ours) {
        let off = judged.0.abs_diff(ours.0).max(judged.1.abs_diff(ours.1));
        assert!(off <= 6 * 1000 / RATE, "{file}: {judged:?}, not {ours:?}");
    }
}

/// Start and end of each cue in milliseconds, and its text.
fn cues(file: &str) -> Vec<(u64, u64, String)> {
    let ms = |time: &str| -> u64 {
        let parts = time.split([':', '.']).map(|part| part.parse::<u64>().unwrap());
        let units = [1, 1000, 60_000, 3_600_000];
        parts.rev().zip(units).map(|(part, unit)| part * unit).sum()
    };
    let blocks = file.trim_end().split("\n\n").skip(1);
    let cue = |block: &str| {
        let (times, text) = block.split_once('\n').unwrap();
        let mut words = times.split(' ');
        let (start, end) = (words.next().unwrap(), words.nth(1).unwrap());
        (ms(start), ms(end), text.replace("&lt;", "<").replace("&gt;", ">"))
    };
    blocks.map(cue).collect()
}

#[test]
fn captions_of_cea_708_alone_are_named() {
    let folder = tempfile::tempdir().unwrap();
    // A service block of service 1 with three letters.
    let film = captioned(&plain(folder.path()), |_| [[0xff, 0x03, 0x23], [0xfe, b'H', b'i']]);
    std::fs::write(folder.path().join("captions.h264"), film).unwrap();
    ffmpeg(folder.path(), &format!("-r {RATE} -i captions.h264 -c copy film.mp4"));
    let (plan, _) = prepare(&folder.path().join("film.mp4"));
    assert_eq!(plan.texts, []);
    let said: Vec<_> = plan.warnings.iter().map(|warning| &*warning.message).collect();
    let message = "The CEA-708 subtitles are of a kind that is not converted; add a caption file \
                   to have them.";
    assert_eq!(said, [message]);
}
