//! What media playlists of one presentation must have in common (6.2.4, 4.4.6).

use super::{
    finding::{Finding, Findings},
    keys,
    multivariant::{Multivariant, Role},
    outline::Media,
};

const CLAUSE: &str = "6.2.4";

/// Holds the media playlists of a presentation against each other and against the multivariant
/// playlist: each by the name that names it there. A finding is of the playlist that is named with
/// it, which is not the first one.
pub fn renditions<'n>(main: &Multivariant, media: &[(&'n str, &Media)]) -> Vec<(&'n str, Finding)> {
    let mut found = Vec::new();
    let first = media.iter().find(|(name, _)| main.role(name) == Some(Role::Variant));
    let dated = media.iter().any(|(name, media)| is_timed(main.role(name)) && media.has_dates);
    for (name, media) in media {
        let mut findings = Findings::default();
        let Some(role) = main.role(name) else { continue };
        for (line, what) in keys::disagreements(&main.session_keys, &media.keys) {
            findings.error(line, "4.4.6.5", what);
        }
        if role == Role::IFrames && !media.i_frames_only {
            findings.error(1, "4.4.6.3", "EXT-X-I-FRAMES-ONLY is missing");
        }
        if is_timed(Some(role)) && dated && !media.has_dates {
            findings.error(1, CLAUSE, "other playlists have EXT-X-PROGRAM-DATE-TIME");
        }
        if let Some((first_name, first)) = first.filter(|(first, _)| first != name) {
            alike(role, media, (first_name, first), &mut findings);
        }
        found.extend(findings.sorted().into_iter().map(|finding| (*name, finding)));
    }
    found
}

/// Images have rules of their own, of no RFC.
fn is_timed(role: Option<Role>) -> bool {
    role.is_some_and(|role| role != Role::Images)
}

/// Holds a playlist against that of the first variant.
fn alike(role: Role, media: &Media, (name, first): (&str, &Media), findings: &mut Findings) {
    if role == Role::Images {
        return;
    }
    let is_vod = media.playlist_type.as_deref() == Some("VOD");
    let is_free = matches!(role, Role::Subtitles | Role::IFrames) && is_vod;
    if !is_free && media.target_duration_s != first.target_duration_s {
        let what = format!("the target duration is not that of {name}");
        findings.error(media.target_line, CLAUSE, what);
    }
    // A file of captions is whole from the beginning: only as VOD it may have a target duration of its own.
    let is_whole = role == Role::Subtitles && is_vod;
    if !is_whole && media.playlist_type != first.playlist_type {
        let what = format!("EXT-X-PLAYLIST-TYPE is not that of {name}");
        findings.error(media.type_line, CLAUSE, what);
    }
    if !(media.has_ended && first.has_ended) {
        // Read one after another while they grow, their ends need not agree.
        return;
    }
    let numbers = |media: &Media| (media.first_discontinuity, media.last_discontinuity());
    if role != Role::Subtitles && numbers(media) != numbers(first) {
        let last = media.segments.last().map_or(1, |segment| segment.line as usize);
        let what = format!("discontinuity sequence numbers are not those of {name}");
        findings.error(last, CLAUSE, what);
    }
    let target_us = media.target_duration_s.unwrap_or(0).saturating_mul(1_000_000);
    if role == Role::Variant && media.duration_us().abs_diff(first.duration_us()) > target_us {
        let last = media.segments.last().map_or(1, |segment| segment.line as usize);
        let what = format!("it lasts more than a target duration longer or shorter than {name}");
        findings.error(last, CLAUSE, what);
    }
}
