//! A film in three languages, from upload to what players are offered.

use std::{path::Path, process::Command};

use m3u8_rs::AlternativeMediaType;

use crate::support::{Server, ffprobe, rendition, sample, soundtracks, text, variants};

/// English in stereo, German in 5.1, a French commentary.
fn film(folder: &Path) -> std::path::PathBuf {
    let clip = sample(folder, &["--seconds", "5", "--size", "160x90"]);
    let file = folder.join("three.mkv");
    let made = Command::new("ffmpeg")
        .args(["-v", "error", "-nostdin", "-y", "-i"])
        .arg(clip)
        .args(["-map", "0:v", "-map", "0:a", "-map", "0:a", "-map", "0:a", "-c:v", "copy"])
        .args(["-c:a:0", "aac", "-metadata:s:a:0", "language=eng"])
        .args(["-c:a:1", "ac3", "-ac:a:1", "6", "-metadata:s:a:1", "language=ger"])
        .args(["-c:a:2", "flac", "-ar:a:2", "44100", "-metadata:s:a:2", "language=fre"])
        .args(["-metadata:s:a:2", "title=Commentaire du réalisateur"])
        .args(["-disposition:a:0", "0", "-disposition:a:1", "default", "-disposition:a:2", "0"])
        .arg(&file)
        .status()
        .unwrap();
    assert!(made.success());
    file
}

#[tokio::test]
async fn every_language_is_offered_in_both_manifests() {
    let folder = tempfile::tempdir().unwrap();
    let server = Server::start().await;
    let video = server.upload_file(&film(folder.path())).await;
    let over = server.wait_until_over(&video).await;
    assert_eq!(over["state"], "ready", "{over:#}");
    assert_eq!(over["warnings"].as_array().unwrap().len(), 0, "{over:#}");

    let url = over["playback"]["hls_url"].as_str().unwrap();
    let multivariant = text(url).await;
    let (_, parsed) = m3u8_rs::parse_master_playlist(multivariant.as_bytes()).unwrap();
    let entry = |media: &m3u8_rs::AlternativeMedia| {
        let channels = media.channels.clone().unwrap();
        (media.group_id.clone(), media.language.clone().unwrap(), channels, media.default)
    };
    let sounds = parsed.alternatives.iter();
    let sounds = sounds.filter(|media| media.media_type == AlternativeMediaType::Audio);
    let found: Vec<_> = sounds.map(entry).collect();
    let expected = [
        ("audio", "de", "2", true),
        ("audio", "en", "2", false),
        ("audio", "fr", "2", false),
        ("audio-51", "de", "6", true),
        ("audio-51", "en", "2", false),
        ("audio-51", "fr", "2", false),
    ];
    let expected = expected
        .map(|(group, language, channels, default)| {
            (group.to_owned(), language.to_owned(), channels.to_owned(), default)
        })
        .to_vec();
    assert_eq!(found, expected, "{multivariant}");
    // The picture with each group.
    let listed = variants(&multivariant, url).len();
    assert_eq!(listed % 2, 0);
    let groups: Vec<_> = parsed.variants.iter().filter_map(|v| v.audio.as_deref()).collect();
    assert_eq!(groups.iter().filter(|group| **group == "audio-51").count(), listed / 2);

    // Every one plays to its end, as long as the picture.
    let mut channels = Vec::new();
    for playlist in soundtracks(&multivariant, url) {
        let sound = rendition(&playlist).await;
        let stream = ffprobe(&sound, "stream=codec_name,sample_rate,channels,nb_read_packets");
        let fields: Vec<&str> = stream[0].split(',').collect();
        let number = |n: usize| fields[n].parse::<u64>().unwrap();
        assert_eq!(fields[0], "aac", "{playlist}: {stream:?}");
        let milliseconds = number(3) * 1024 * 1000 / number(1);
        assert!((4_950..5_150).contains(&milliseconds), "{playlist}: {stream:?}");
        channels.push(number(2));
    }
    assert_eq!(channels, [2, 2, 2, 6]);

    let mpd = text(over["playback"]["dash_url"].as_str().unwrap()).await;
    let sets: Vec<&str> = mpd.split("<AdaptationSet ").skip(1).collect();
    let sounds: Vec<_> = sets.iter().filter(|set| set.contains("contentType=\"audio\"")).collect();
    assert_eq!(sounds.len(), 4, "{mpd}");
    let says = |set: &str, words: &[&str]| words.iter().all(|word| set.contains(word));
    assert!(says(sounds[0], &["lang=\"de\"", "value=\"main\"", "2011\" value=\"2\""]), "{mpd}");
    assert!(says(sounds[2], &["lang=\"fr\"", "value=\"commentary\"", "44100"]), "{mpd}");
    assert!(says(sounds[3], &["lang=\"de\"", "value=\"main\"", "2011\" value=\"6\""]), "{mpd}");
}
