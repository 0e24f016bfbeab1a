//! Plugins that fetch.

use gst::prelude::*;
use gstreamer as gst;

/// Sources that invent or are given what they show.
const HARMLESS: [&str; 4] = ["appsrc", "audiotestsrc", "videotestsrc", "fakesrc"];

/// Takes away whatever could open another file or address because a file says so: sources,
/// and demuxers of playlists. What is not registered is never plugged.
pub fn disarm() {
    let registry = gst::Registry::get();
    let sources =
        gst::ElementFactory::factories_with_type(gst::ElementFactoryType::SRC, gst::Rank::NONE);
    let demuxers =
        gst::ElementFactory::factories_with_type(gst::ElementFactoryType::DEMUXER, gst::Rank::NONE);
    let fetches = |factory: &gst::ElementFactory| {
        let name = factory.name();
        let class = factory.metadata("klass").unwrap_or_default();
        match class.contains("Demuxer") {
            true => class.contains("Adaptive") || name == "sdpdemux" || name.starts_with("rtsp"),
            false => !HARMLESS.contains(&name.as_str()),
        }
    };
    for factory in sources.iter().chain(demuxers.iter()).filter(|factory| fetches(factory)) {
        registry.remove_feature(factory);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_that_fetches_can_be_made() {
        gst::init().unwrap();
        disarm();
        let exists = |name: &str| gst::ElementFactory::find(name).is_some();
        for name in [
            "filesrc",
            "giosrc",
            "hlsdemux",
            "dashdemux",
            "souphttpsrc",
            "sdpdemux",
            "tcpclientsrc",
        ] {
            assert!(!exists(name), "{name}");
        }
        for name in ["appsrc", "qtdemux", "matroskademux", "tsdemux", "parsebin", "decodebin"] {
            assert!(exists(name), "{name}");
        }
        for scheme in ["file", "http", "https", "rtsp"] {
            let made =
                gst::Element::make_from_uri(gst::URIType::Src, &format!("{scheme}://x/y"), None);
            assert!(made.is_err(), "{scheme}");
        }
    }
}
