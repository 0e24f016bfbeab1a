//! Posters, storyboards, subtitles and chapters of files made by ffmpeg, and of real ones.

use std::{
    path::{Path, PathBuf},
    process::Command,
};

use kinora_media::Chapter;
use kinora_pipeline::{child::Reporter, pictures, probe, source::Source, text};
use kinora_plan::{
    Plan, Profile,
    encoder::{PicturesOutcome, ProbeSpec},
    plan,
};

fn reporter() -> Reporter {
    Reporter::new(Box::new(std::io::sink()))
}

fn prepare(file: &Path) -> (Plan, Source) {
    gstreamer::init().unwrap();
    let source = Source::file(file).unwrap();
    let report = probe::run(&ProbeSpec::new(source.size()), &source, &mut reporter()).unwrap();
    (plan(&report, &Profile::default()).unwrap(), source)
}

fn ffmpeg(folder: &Path, arguments: &str) {
    let done = Command::new("ffmpeg")
        .args(["-v", "error", "-y"])
        .args(arguments.split(' '))
        .current_dir(folder)
        .status()
        .unwrap();
    assert!(done.success(), "{arguments}");
}

/// The pixel of a picture made small, R G B.
fn pixel(folder: &Path, picture: &str, crop: &str) -> [u8; 3] {
    let filter = format!("{crop}scale=1:1:flags=area");
    let out = Command::new("ffmpeg")
        .args(["-v", "error", "-i", picture, "-vf", &filter, "-f", "rawvideo"])
        .args(["-pix_fmt", "rgb24", "-"])
        .current_dir(folder)
        .output()
        .unwrap();
    out.stdout.try_into().unwrap()
}

fn make(plan: &Plan, source: &Source, folder: &Path) -> PicturesOutcome {
    let mut spec = plan.pictures_spec(source.size()).unwrap();
    spec.output_dir = folder.to_owned();
    pictures::run(&spec, source, &mut reporter()).unwrap()
}

#[test]
fn tiles_show_their_times_and_the_poster_is_not_the_fade() {
    // Long enough for seeks: black, then red, green and a scene with something in it.
    let folder = tempfile::tempdir().unwrap();
    let colour = |name: &str, c: &str| {
        let input = format!("-f lavfi -i color={c}:d=8:s=320x180:r=25");
        ffmpeg(folder.path(), &format!("{input} -c:v libx264 -preset ultrafast -g 50 {name}"));
    };
    colour("a.mp4", "black");
    colour("b.mp4", "red");
    colour("c.mp4", "green");
    ffmpeg(
        folder.path(),
        "-f lavfi -i testsrc2=d=8:s=320x180:r=25 -c:v libx264 -preset ultrafast -g 50 d.mp4",
    );
    std::fs::write(
        folder.path().join("list.txt"),
        "file a.mp4\nfile b.mp4\nfile c.mp4\nfile d.mp4\n",
    )
    .unwrap();
    ffmpeg(folder.path(), "-f concat -i list.txt -c copy film.mp4");
    let (plan, source) = prepare(&folder.path().join("film.mp4"));
    let made = make(&plan, &source, folder.path()).pictures;
    let board = &made.storyboard;
    assert_eq!((board.tiles, board.interval_us, board.sheets.len()), (32, 1_000_000, 1));
    assert_eq!((board.columns, board.rows), (10, 4));
    let sheet = &board.sheets[0].object;
    let tile = |second: u32| {
        let (x, y) = (second % 10 * board.tile_width, second / 10 * board.tile_height);
        let crop = format!("crop={}:{}:{x}:{y},", board.tile_width, board.tile_height);
        pixel(folder.path(), sheet, &crop)
    };
    let near = |found: [u8; 3], wanted: [u8; 3]| {
        assert!(found.iter().zip(wanted).all(|(f, w)| f.abs_diff(w) < 12), "{found:?} {wanted:?}");
    };
    near(tile(3), [0, 0, 0]);
    near(tile(11), [254, 0, 0]);
    near(tile(19), [0, 128, 0]);
    // Of many colours: grey on the whole, which none of the others is.
    near(pixel(folder.path(), &made.poster.object, "").map(|part| part / 4), [31, 31, 31]);
    assert_eq!((made.poster.width, made.poster.height, made.small.width), (320, 180, 320));
}

#[test]
fn subtitles_and_chapters_of_an_mp4_and_of_webm() {
    let folder = tempfile::tempdir().unwrap();
    let write = |name: &str, text: &str| std::fs::write(folder.path().join(name), text).unwrap();
    write(
        "s.srt",
        "1\n00:00:00,500 --> 00:00:02,000\nHello <i>there</i> & you\n\n\
         2\n00:00:02,500 --> 00:00:03,500\nagain\n",
    );
    write(
        "chapters.txt",
        ";FFMETADATA1\n[CHAPTER]\nTIMEBASE=1/1000\nSTART=0\nEND=1500\ntitle=One\n\
         [CHAPTER]\nTIMEBASE=1/1000\nSTART=1500\nEND=4000\ntitle=Zwei & drei\n",
    );
    let picture = "-f lavfi -i testsrc2=d=4:s=160x90:r=25 -i s.srt -i chapters.txt -map 0 -map 1 \
                   -map_metadata 2 -metadata:s:s:0 language=ger";
    ffmpeg(folder.path(), &format!("{picture} -c:v libx264 -c:s mov_text film.mp4"));
    ffmpeg(folder.path(), &format!("{picture} -c:v libvpx -c:s webvtt film.webm"));
    ffmpeg(folder.path(), &format!("{picture} -c:v libx264 -c:s ass film.mkv"));
    // ffmpeg writes a chapter track and Nero's list: one without the other must do.
    let film = std::fs::read(folder.path().join("film.mp4")).unwrap();
    for (name, hidden) in [("track.mp4", b"chpl"), ("nero.mp4", b"chap")] {
        let place = film.windows(4).rposition(|word| word == hidden).unwrap();
        let mut film = film.clone();
        film[place] = b'x';
        std::fs::write(folder.path().join(name), film).unwrap();
    }
    let mp4 = ["film.mp4", "track.mp4", "nero.mp4"].map(|file| (file, false));
    for (file, markup) in mp4.into_iter().chain([("film.webm", true), ("film.mkv", true)]) {
        let (plan, source) = prepare(&folder.path().join(file));
        let chapters: Vec<_> = plan.chapters.iter().map(named).collect();
        let all = [(0, 1500, "One"), (1500, 4000, "Zwei & drei")];
        assert_eq!(chapters, all, "{file}");
        assert_eq!(plan.texts[0].track.as_str(), "s-de", "{file}");
        let hello = if markup { "Hello <i>there</i> &amp; you" } else { "Hello there &amp; you" };
        let expected = format!(
            "WEBVTT\n\n00:00:00.500 --> 00:00:02.000\n{hello}\n\n\
             00:00:02.500 --> 00:00:03.500\nagain\n"
        );
        assert_eq!(extracted(&plan, &source, folder.path()), [expected], "{file}");
    }
}

fn named(chapter: &Chapter) -> (u64, u64, &str) {
    (chapter.start_us / 1000, chapter.end_us / 1000, &chapter.title)
}

fn extracted(plan: &Plan, source: &Source, folder: &Path) -> Vec<String> {
    let mut spec = plan.text_spec(source.size()).unwrap();
    spec.output_dir = folder.to_owned();
    let outcome = text::run(&spec, source, &mut reporter()).unwrap();
    assert_eq!(outcome.warnings, []);
    let read = |(number, size): (usize, &u64)| {
        let text = std::fs::read_to_string(folder.join(format!("{number}.vtt"))).unwrap();
        assert_eq!(text.len() as u64, *size);
        text
    };
    outcome.sizes.iter().enumerate().map(read).collect()
}

fn shared() -> Option<PathBuf> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../shared/media");
    if !folder.is_dir() {
        eprintln!("SKIPPED: {} is not there", folder.display());
    }
    Some(folder).filter(|folder| folder.is_dir())
}

/// Upright, in shape, never larger than the film; from containers that seek and that do not.
#[test]
fn real_clips_have_posters() {
    let Some(media) = shared() else { return };
    for (name, size) in [
        ("portrait-4k60.mp4", (720, 1280)),
        ("rotated-270.mp4", (720, 1280)),
        ("h264.ts", (854, 480)),
        ("sample.flv", (1080, 720)),
        ("h264-bpyramid-800x640.mp4", (1137, 640)),
        ("hdr10-av1.mp4", (720, 1280)),
        ("chapters.mkv", (320, 240)),
    ] {
        let folder = tempfile::tempdir().unwrap();
        let (plan, source) = prepare(&media.join(name));
        let made = make(&plan, &source, folder.path()).pictures;
        assert_eq!((made.poster.width, made.poster.height), size, "{name}");
        for object in made.objects() {
            let probe = Command::new("ffprobe")
                .args(["-v", "error", "-show_entries", "stream=codec_name,width", "-of", "csv=p=0"])
                .arg(folder.path().join(object))
                .output()
                .unwrap();
            let found = String::from_utf8(probe.stdout).unwrap();
            assert!(found.starts_with("mjpeg,"), "{name} {object}: {found}");
        }
    }
}
