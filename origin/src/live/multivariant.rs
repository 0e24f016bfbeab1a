//! The multivariant playlist of a live stream: every picture with every sound.

use std::fmt::Write as _;

use super::{
    Stream,
    description::{Description, Medium},
};

/// The group of all sound.
const GROUP: &str = "audio";

impl Stream {
    /// Writes it; `None` while no rendition has anything to play.
    pub(super) fn multivariant(&self) -> Option<String> {
        let tracks = self.tracks();
        let mut begun: Vec<_> = tracks.iter().filter(|track| track.position().is_some()).collect();
        // Players begin with the first: the least begins at once.
        begun.sort_by_key(|track| track.description.bandwidth);
        let sound = |it: &Description| matches!(it.media, Medium::Audio { .. });
        let (sounds, pictures): (Vec<_>, Vec<_>) =
            begun.into_iter().partition(|track| sound(&track.description));
        let mut text = String::from("#EXTM3U\n#EXT-X-VERSION:9\n");
        if tracks.iter().all(|track| track.description.independent) {
            text.push_str("#EXT-X-INDEPENDENT-SEGMENTS\n");
        }
        let loudest = sounds.iter().map(|track| track.description.bandwidth).max().unwrap_or(0);
        let codecs: Vec<_> = sounds.iter().map(|track| track.description.codec.as_str()).collect();
        for (nth, track) in sounds.iter().enumerate().filter(|_| !pictures.is_empty()) {
            let Medium::Audio { language, name, channels } = &track.description.media else {
                continue;
            };
            let channels = channels.map(|count| format!("CHANNELS=\"{count}\","));
            let channels = channels.unwrap_or_default();
            let default = if nth == 0 { "YES" } else { "NO" };
            let _ = writeln!(
                text,
                "#EXT-X-MEDIA:TYPE=AUDIO,GROUP-ID=\"{GROUP}\",NAME=\"{name}\",\
                 LANGUAGE=\"{language}\",DEFAULT={default},AUTOSELECT=YES,{channels}URI=\"{}.m3u8\"",
                track.id
            );
        }
        let variants = if pictures.is_empty() { &sounds } else { &pictures };
        for track in variants {
            let it = &track.description;
            let (mut listed, mut bandwidth) = (vec![it.codec.as_str()], it.bandwidth);
            let mut more = String::new();
            if let Medium::Video { width, height, frame_rate } = it.media {
                let rate = f64::from(frame_rate.num.get()) / f64::from(frame_rate.den.get());
                let _ = write!(more, ",RESOLUTION={width}x{height},FRAME-RATE={rate:.3}");
                if !sounds.is_empty() {
                    let _ = write!(more, ",AUDIO=\"{GROUP}\"");
                    listed.extend(&codecs);
                    bandwidth += loudest;
                }
            }
            listed.dedup();
            let _ = writeln!(
                text,
                "#EXT-X-STREAM-INF:BANDWIDTH={bandwidth},CODECS=\"{}\"{more}\n{}.m3u8",
                listed.join(","),
                track.id
            );
        }
        (!variants.is_empty()).then_some(text)
    }
}
