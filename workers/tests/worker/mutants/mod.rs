//! Files that zzuf has damaged, through a real worker and its real children: whatever comes of
//! one, the worker lives, and a person hears what was lost or why there is nothing.

mod clips;
mod journey;

use std::{collections::VecDeque, ops::Range, time::Duration};

use kinora_plan::encoder::FailureKind;

use self::{
    clips::{FILM_MS, FRAMES, films, mutated},
    journey::{DEADLINE_MS, Ending, Journey},
};
use crate::{failures::processes_of, rig::Rig};

/// How much later than its deadline a killed child may be heard of, on a busy host.
const SPARE_MS: u128 = 60_000;
/// What a video can do without.
const OPTIONAL: [&str; 2] = ["make_pictures", "extract_text"];
/// Files that are on their way together.
const TOGETHER: usize = 4;

/// Runs every file through one worker, two jobs at a time.
async fn run(files: Vec<(String, Vec<u8>)>, mut judge: impl FnMut(Ending)) {
    let mut rig = Rig::new().await;
    rig.config.encoder = kinora_workers::encoder_path().unwrap();
    rig.config.stall_timeout = Duration::from_secs(30);
    let worker = rig.start();
    let mut files = VecDeque::from(files);
    let mut journeys: Vec<Journey> = Vec::new();
    while !(files.is_empty() && journeys.is_empty()) {
        while journeys.len() < TOGETHER
            && let Some((name, bytes)) = files.pop_front()
        {
            journeys.push(Journey::begin(&rig, name, bytes).await);
        }
        let report = rig.report().await;
        let at = journeys.iter().position(|journey| journey.awaits(report.job)).unwrap();
        if let Some(ending) = journeys[at].hear(&rig, report.job, report.report).await {
            journeys.remove(at);
            judge(ending);
        }
    }
    rig.settled().await;
    assert_eq!(rig.scratch_folders(), 0);
    assert_eq!(processes_of(&rig), Vec::<String>::new());
    worker.stop().await;
}

/// Mutations of every film by these seeds, as they are asked for.
fn mutations(films: &[(&str, Vec<u8>)], seeds: Range<u32>) -> Vec<(String, Vec<u8>)> {
    let of_seed = |seed| {
        films
            .iter()
            .map(move |(name, film)| (format!("{name} by seed {seed}"), mutated(film, seed)))
    };
    seeds.flat_map(of_seed).collect()
}

/// What became of many files.
#[derive(Debug, Default)]
struct Tally {
    whole: u32,
    warned: u32,
    failed: u32,
    /// Short ones, with what a person hears of it.
    short: Vec<String>,
    /// Names of those whose child was killed at its deadline or died.
    deaths: Vec<String>,
    /// What must not be, said of each.
    wrong: Vec<String>,
}

impl Tally {
    fn judge(&mut self, ending: &Ending) {
        if let Some((class, failure)) =
            ending.failures.iter().find(|(class, _)| !OPTIONAL.contains(class))
        {
            self.failed += 1;
            if failure.message.len() < 15 || !failure.message.contains(' ') {
                self.wrong.push(format!("{}: {class} failed without a reason", ending.name));
            }
        } else if ending.warnings.is_empty() {
            self.whole += 1;
            if let Some(what) = short(ending) {
                self.wrong.push(format!("{}: {what}", ending.name));
            }
        } else {
            self.warned += 1;
            self.short.extend(short(ending).map(|what| {
                let said = ending.warnings.iter().map(|warning| warning.message.as_str());
                format!("{}: {what}; said: {}", ending.name, said.collect::<Vec<_>>().join(" "))
            }));
        }
        for (class, failure) in &ending.failures {
            if failure.kind != FailureKind::Input {
                let what = format!("{}: {class}: {}", ending.name, failure.message);
                self.deaths.push(what);
            }
        }
        if ending.longest_ms > DEADLINE_MS + SPARE_MS {
            self.wrong.push(format!("{}: {} ms", ending.name, ending.longest_ms));
        }
    }
}

/// What is missing of the film: of what was planned, and, where headers were harmed too, of the
/// film as it was made.
fn short(ending: &Ending) -> Option<String> {
    let (promised, made) = ending.frames;
    if promised != made {
        return Some(format!("{made} of {promised} frames"));
    }
    let enough = |made: u64, of: u64| made * 6 >= of * 5;
    let (promised_ms, sounds) = &ending.sound_ms;
    if let Some(ms) = sounds.iter().find(|ms| !enough(**ms, *promised_ms)) {
        return Some(format!("{ms} of {promised_ms} ms of sound"));
    }
    let sound_ms = sounds.iter().copied().max().unwrap_or(0);
    let whole =
        enough(made, FRAMES) && enough(ending.picture_ms, FILM_MS) && enough(sound_ms, FILM_MS);
    (!whole).then(|| {
        format!("{made} frames, {} ms of picture and {sound_ms} ms of sound", ending.picture_ms)
    })
}

/// Sixty mutations of one film: of the five, three hundred.
async fn sixty_end_with_a_result_or_a_reason(film: &str) {
    let folder = tempfile::tempdir().unwrap();
    let mut films = films(folder.path());
    films.retain(|(name, _)| *name == film);
    let mut tally = Tally::default();
    run(mutations(&films, 0..60), |ending| tally.judge(&ending)).await;
    println!("{tally:#?}");
    assert_eq!(tally.whole + tally.warned + tally.failed, 60);
    assert_eq!(tally.wrong, Vec::<String>::new());
    // Harm is light and heavy: else nothing beyond the probe was tried, or nothing was harmed.
    assert!(tally.whole + tally.warned > 5 && tally.warned + tally.failed > 5, "{tally:?}");
}

#[tokio::test]
async fn of_mp4() {
    sixty_end_with_a_result_or_a_reason("film.mp4").await;
}

#[tokio::test]
async fn of_matroska() {
    sixty_end_with_a_result_or_a_reason("film.mkv").await;
}

#[tokio::test]
async fn of_webm() {
    sixty_end_with_a_result_or_a_reason("film.webm").await;
}

#[tokio::test]
async fn of_transport_streams() {
    sixty_end_with_a_result_or_a_reason("film.ts").await;
}

#[tokio::test]
async fn of_avi() {
    sixty_end_with_a_result_or_a_reason("film.avi").await;
}

/// Mutations that were once shown short, or without sound or picture, and nobody was told.
const ONCE_SILENT: [(&str, u32); 12] = [
    // Transport streams that passed for bare pictures; one has lost nearly everything else, too.
    ("film.ts", 15),
    ("film.ts", 1039),
    ("film.ts", 1122),
    ("film.ts", 1146),
    ("film.ts", 1321),
    // Tracks of no known kind, and a picture that ends long before its sound.
    ("film.mp4", 1013),
    ("film.mp4", 1080),
    ("film.mp4", 1096),
    ("film.mp4", 1201),
    // Half of the packets of so small a file that it passed for headers.
    ("film.webm", 1032),
    ("film.webm", 1277),
    // All pictures in four frames' time.
    ("film.webm", 1061),
];

/// Times that make hours of seconds: refused at once, where a child once encoded them until its
/// deadline.
const ONCE_ENDLESS: [(&str, u32); 5] =
    [("film.ts", 1160), ("film.ts", 1265), ("film.ts", 1332), ("film.ts", 1366), ("film.ts", 1390)];

/// The mutations of these seeds, through a worker.
async fn tally_of(seeds: &[(&str, u32)]) -> Tally {
    let folder = tempfile::tempdir().unwrap();
    let films = films(folder.path());
    let mutation = |(name, seed): &(&str, u32)| {
        let (_, film) = films.iter().find(|(film, _)| film == name).unwrap();
        (format!("{name} by seed {seed}"), mutated(film, *seed))
    };
    let mut tally = Tally::default();
    run(seeds.iter().map(mutation).collect(), |ending| tally.judge(&ending)).await;
    println!("{tally:#?}");
    tally
}

#[tokio::test]
async fn what_was_once_silent_is_said() {
    let tally = tally_of(&ONCE_SILENT).await;
    assert_eq!((tally.whole, tally.warned + tally.failed), (0, 12));
    assert_eq!(tally.wrong, Vec::<String>::new());
}

#[tokio::test]
async fn hours_that_the_bytes_do_not_bear_out_are_refused() {
    let tally = tally_of(&ONCE_ENDLESS).await;
    assert_eq!((tally.whole, tally.warned, tally.failed), (0, 0, 5));
    assert_eq!((tally.wrong, tally.deaths), (vec![], vec![]));
}

/// `make soak`: as many as there is time for, from a seed that nobody has tried.
#[tokio::test]
#[ignore = "takes as long as KINORA_SOAK_FILES says"]
async fn soak() {
    let number = |name: &str, or: u32| std::env::var(name).map_or(or, |text| text.parse().unwrap());
    let (files, first) = (number("KINORA_SOAK_FILES", 2000), number("KINORA_SOAK_SEED", 1000));
    let folder = tempfile::tempdir().unwrap();
    let films = films(folder.path());
    let mut tally = Tally::default();
    let step = 20;
    for from in (first..first + files.div_ceil(5)).step_by(step as usize) {
        let seeds = from..(from + step).min(first + files.div_ceil(5));
        run(mutations(&films, seeds), |ending| tally.judge(&ending)).await;
        let Tally { whole, warned, failed, deaths, wrong, .. } = &tally;
        let done = whole + warned + failed;
        println!(
            "{done} of {files}: {whole} whole, {warned} with a warning, {failed} failed, {} died, \
             {} wrong",
            deaths.len(),
            wrong.len()
        );
        println!("{:#?}", &tally.wrong);
    }
    println!("{:#?}", (&tally.short, &tally.deaths));
    assert_eq!(tally.wrong, Vec::<String>::new());
}
