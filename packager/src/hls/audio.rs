//! Groups of soundtracks (RFC 8216 4.3.4.1.1).
//!
//! One group holds every soundtrack in stereo. If some are there as 5.1 too, a second group holds
//! those, and the others as they are: all groups must have the same members, equal but for
//! address and channels.

use std::collections::BTreeSet;

use kinora_media::{AudioRole, AudioTrack, Track};

use super::{
    attributes::Attributes,
    menu::{Menu, yes_no},
};
use crate::{PackagerError, presentation::Presentation, rate::Rate};

const STEREO: &str = "audio";
const SURROUND: &str = "audio-51";

/// Every soundtrack in one number of channels, as far as it is there.
pub(super) struct Group<'a> {
    /// GROUP-ID.
    pub(super) id: &'static str,
    /// The heaviest member.
    pub(super) rate: Rate,
    /// Every codec of the members.
    pub(super) codecs: BTreeSet<&'a str>,
    /// The default first, so that of two soundtracks in its language it is the one chosen by
    /// language.
    members: Vec<Member<'a>>,
}

struct Member<'a> {
    /// What the menu shows.
    soundtrack: &'a AudioTrack,
    default: bool,
    /// What is played.
    track: &'a Track,
    channels: u16,
}

/// The groups, stereo first; none without sound.
pub(super) fn groups<'a>(presentation: &Presentation<'a>) -> Result<Vec<Group<'a>>, PackagerError> {
    let audio = presentation.audio();
    let default = presentation.default_audio().map(|track| &track.id);
    let version_of = |track: &Track| {
        audio.iter().copied().find(|(_, sound)| sound.surround_of.as_ref() == Some(&track.id))
    };
    let own = |sound: &AudioTrack| sound.surround_of.is_none();
    let soundtracks = audio.iter().copied().filter(|(_, sound)| own(sound));
    let (first, others): (Vec<_>, Vec<_>) =
        soundtracks.partition(|(track, _)| Some(&track.id) == default);
    let (mut stereo, mut surround, mut wide) = (Vec::new(), Vec::new(), false);
    for (track, soundtrack) in first.into_iter().chain(others) {
        let default = Some(&track.id) == default;
        let member = |track, channels| Member { soundtrack, default, track, channels };
        stereo.push(member(track, soundtrack.channels));
        let version = version_of(track);
        wide |= version.is_some();
        let (track, sound) = version.unwrap_or((track, soundtrack));
        surround.push(member(track, sound.channels));
    }
    let mut groups = Vec::new();
    if !stereo.is_empty() {
        groups.push(Group::new(STEREO, stereo, presentation)?);
    }
    if wide {
        groups.push(Group::new(SURROUND, surround, presentation)?);
    }
    Ok(groups)
}

impl<'a> Group<'a> {
    fn new(
        id: &'static str,
        members: Vec<Member<'a>>,
        presentation: &Presentation<'a>,
    ) -> Result<Self, PackagerError> {
        let mut rate: Option<Rate> = None;
        for member in &members {
            let own = Rate::of(presentation, member.track)?;
            rate = Some(rate.map_or(own, |heaviest| heaviest.or_heavier(own)));
        }
        let codecs = members.iter().map(|member| member.track.codec.as_str()).collect();
        Ok(Self { id, rate: rate.unwrap_or_default(), codecs, members })
    }

    /// The track that plays when the viewer has not chosen.
    pub(super) fn first(&self) -> Option<&'a Track> {
        self.members.first().map(|member| member.track)
    }

    /// A tag for each member.
    pub(super) fn renditions(&self) -> String {
        let mut menu = Menu::default();
        self.members.iter().map(|member| member.rendition(self.id, &mut menu)).collect()
    }
}

impl Member<'_> {
    fn rendition(&self, group: &str, menu: &mut Menu) -> String {
        let AudioTrack { language, name, role, .. } = self.soundtrack;
        let mut list = Attributes::default();
        list.plain("TYPE", "AUDIO").quoted("GROUP-ID", group);
        menu.entry(&mut list, language, name);
        list.plain("DEFAULT", yes_no(self.default));
        list.plain("AUTOSELECT", yes_no(menu.first_in(language)));
        if *role == AudioRole::Description {
            list.quoted("CHARACTERISTICS", "public.accessibility.describes-video");
        }
        list.quoted("CHANNELS", &self.channels.to_string());
        list.quoted("URI", &format!("{}.m3u8", self.track.id));
        list.line("EXT-X-MEDIA")
    }
}
