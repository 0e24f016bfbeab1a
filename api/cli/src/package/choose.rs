//! Which tracks of the files are packaged.

use kinora_packager::package::Source;
use kinora_packager::read::Track;
use kinora_plan::language;

use super::source::SourceFile;

/// Every picture, and every soundtrack and text that no file before has: qualities of one film
/// usually carry the same ones. What is left out is said.
pub(super) fn choose<'t>(
    files: &[SourceFile],
    tracks: &'t [Vec<Track<'t>>],
) -> (Vec<Source<'t>>, Vec<String>) {
    let mut chosen: Vec<Source<'t>> = Vec::new();
    let mut notes = Vec::new();
    // Named by language, then the rest: what the user said comes first.
    let mut order: Vec<usize> = (0..files.len()).collect();
    order.sort_by_key(|&file| files[file].language.is_none());
    let mut taken: Vec<(usize, String, [u8; 4])> = Vec::new();
    for file in order {
        for track in &tracks[file] {
            let source = source(&files[file], file, track);
            let is_named = files[file].language.is_some();
            match &track.handler {
                _ if track.samples().next().is_none() => {
                    notes.push(format!("{} has no samples and is left out", source.name));
                }
                b"vide" if !is_named => chosen.push(source),
                handler if handler == b"soun" || is_text(track) && !is_named => {
                    let what = if handler == b"soun" { "a soundtrack" } else { "a text track" };
                    let code = code(track);
                    let key = (file, source.language.clone(), code);
                    let same = |(other, language, kind): &(usize, String, [u8; 4])| {
                        *other != file && *language == key.1 && *kind == key.2
                    };
                    if taken.iter().any(same) {
                        notes.push(format!(
                            "{} is in {} like {what} before it and is left out",
                            source.name, source.label
                        ));
                    } else {
                        taken.push(key);
                        chosen.push(source);
                    }
                }
                _ => notes.push(format!(
                    "{} is neither picture nor sound nor text in WebVTT or TTML ({}) and is left out",
                    source.name,
                    track.handler_text()
                )),
            }
        }
    }
    // In the order of the files, so that the first soundtrack is the default.
    chosen.sort_by_key(|source| source.file);
    (chosen, notes)
}

/// Text that is packaged: WebVTT or TTML.
fn is_text(track: &Track<'_>) -> bool {
    [*b"wvtt", *b"stpp"].contains(&code(track))
}

fn code(track: &Track<'_>) -> [u8; 4] {
    track.entries.first().map_or([0; 4], |entry| entry.code())
}

fn source<'t>(file: &SourceFile, number: usize, track: &'t Track<'t>) -> Source<'t> {
    let says = track.language.and_then(|language| String::from_utf8(language.to_vec()).ok());
    let language = file.language.clone().unwrap_or_else(|| language::tag(says.as_deref()));
    let label = language::menu_name(None, &language);
    let name = format!("{}, track {}", file.name(), track.id);
    Source { name, file: number, track, language, label }
}
