//! What players would fetch, by the addresses that playlists name.

use std::process::Command;

use reqwest::StatusCode;

/// A text from an address players use.
pub(crate) async fn text(url: &str) -> String {
    let answer = reqwest::get(url).await.unwrap();
    assert_eq!(answer.status(), StatusCode::OK, "{url}");
    answer.text().await.unwrap()
}

/// The media playlists a multivariant playlist names, in its order, as whole addresses.
pub(crate) fn variants(multivariant: &str, url: &str) -> Vec<String> {
    let (_, playlist) = m3u8_rs::parse_master_playlist(multivariant.as_bytes()).unwrap();
    let pictures = playlist.variants.iter().filter(|variant| !variant.is_i_frame);
    pictures.map(|variant| join(url, &variant.uri)).collect()
}

/// The media playlists of soundtracks, each once, in its order, as whole addresses.
pub(crate) fn soundtracks(multivariant: &str, url: &str) -> Vec<String> {
    let (_, playlist) = m3u8_rs::parse_master_playlist(multivariant.as_bytes()).unwrap();
    let sounds = playlist.alternatives.iter();
    let sounds = sounds.filter(|media| media.media_type == m3u8_rs::AlternativeMediaType::Audio);
    let mut addresses = Vec::new();
    for address in sounds.filter_map(|media| media.uri.as_ref()).map(|uri| join(url, uri)) {
        if !addresses.contains(&address) {
            addresses.push(address);
        }
    }
    addresses
}

/// Every address of a media playlist: the initialisation segment, then the segments.
pub(crate) fn segments(playlist: &str, url: &str) -> Vec<String> {
    let (_, playlist) = m3u8_rs::parse_media_playlist(playlist.as_bytes()).unwrap();
    let map = playlist.segments[0].map.as_ref().unwrap();
    let uris = playlist.segments.iter().map(|segment| segment.uri.as_str());
    std::iter::once(map.uri.as_str()).chain(uris).map(|uri| join(url, uri)).collect()
}

/// A whole rendition, initialisation segment first.
pub(crate) async fn rendition(playlist_url: &str) -> Vec<u8> {
    let playlist = text(playlist_url).await;
    let mut bytes = Vec::new();
    for url in segments(&playlist, playlist_url) {
        let answer = reqwest::get(&url).await.unwrap();
        assert_eq!(answer.status(), StatusCode::OK, "{url}");
        bytes.extend_from_slice(&answer.bytes().await.unwrap());
    }
    bytes
}

/// What ffprobe says of a file's packets: `entries` as `-show_entries` takes them, a line each.
pub(crate) fn ffprobe(bytes: &[u8], entries: &str) -> Vec<String> {
    let file = tempfile::NamedTempFile::new().unwrap();
    std::fs::write(file.path(), bytes).unwrap();
    let output = Command::new("ffprobe")
        .args(["-v", "error", "-count_packets", "-show_entries", entries, "-of", "csv=p=0"])
        .arg(file.path())
        .output()
        .unwrap();
    String::from_utf8(output.stdout).unwrap().lines().map(str::to_owned).collect()
}

fn join(base: &str, relative: &str) -> String {
    reqwest::Url::parse(base).unwrap().join(relative).unwrap().into()
}
