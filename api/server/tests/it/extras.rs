//! What accompanies the picture: posters, storyboards, trick play, subtitles, chapters.

use reqwest::StatusCode;
use serde_json::Value;

use crate::support::{Server, ffprobe, sample, shared_media, text};

async fn bytes(url: &str) -> Vec<u8> {
    let answer = reqwest::get(url).await.unwrap();
    assert_eq!(answer.status(), StatusCode::OK, "{url}");
    answer.bytes().await.unwrap().to_vec()
}

fn address(video: &Value, name: &str) -> String {
    let url = video["playback"][name].as_str();
    url.unwrap_or_else(|| panic!("no {name}: {video:#}")).to_owned()
}

#[tokio::test]
async fn a_video_has_a_poster_a_storyboard_and_key_frames_to_skim() {
    let server = Server::start().await;
    let folder = tempfile::tempdir().unwrap();
    let clip = sample(folder.path(), &["--seconds", "9", "--size", "640x360"]);
    let video = server.upload_file(&clip).await;
    let ready = server.wait_until_over(&video).await;
    assert_eq!(ready["state"], "ready", "{ready:#}");

    let poster = bytes(&address(&ready, "poster_url")).await;
    assert_eq!(ffprobe(&poster, "stream=codec_name,width,height"), ["mjpeg,640,360"]);
    let small = bytes(&address(&ready, "small_poster_url")).await;
    assert_eq!(ffprobe(&small, "stream=codec_name,width,height"), ["mjpeg,320,180"]);
    let storyboard = address(&ready, "storyboard_url");
    let cues = text(&storyboard).await;
    assert_eq!(cues.matches("-->").count(), 9, "{cues}");
    assert!(cues.contains("storyboard/0.jpg#xywh=160,0,160,90"), "{cues}");
    let sheet = bytes(&storyboard.replace("storyboard.vtt", "storyboard/0.jpg")).await;
    assert_eq!(ffprobe(&sheet, "stream=codec_name,width,height"), ["mjpeg,1440,90"]);
    // The token in the address opens them, nothing else does.
    let poster = address(&ready, "poster_url");
    let token = poster.split('/').nth(4).unwrap();
    let bare = reqwest::get(poster.replace(&format!("{token}/"), "")).await.unwrap();
    assert_eq!(bare.status(), StatusCode::FORBIDDEN);

    let hls = address(&ready, "hls_url");
    let master = text(&hls).await;
    let (_, parsed) = m3u8_rs::parse_master_playlist(master.as_bytes()).unwrap();
    let skim = parsed.variants.iter().find(|variant| variant.is_i_frame).unwrap();
    let skim = hls.replace("hls.m3u8", &skim.uri);
    let (_, list) = m3u8_rs::parse_media_playlist(text(&skim).await.as_bytes()).unwrap();
    assert!(list.i_frames_only && list.end_list && list.segments.len() >= 4);
    let init = bytes(&skim.replace("iframes.m3u8", "init.mp4")).await;
    for segment in &list.segments {
        let range = segment.byte_range.as_ref().unwrap();
        let whole = bytes(&skim.replace("iframes.m3u8", &segment.uri)).await;
        let key = &whole[..usize::try_from(range.length).unwrap()];
        assert!(key.len() < whole.len());
        // A player that has only this shows one picture, and it is whole.
        let found = ffprobe(&[&init[..], key].concat(), "packet=size,flags");
        let first = found.first().unwrap();
        assert!(first.contains('K') && !first.contains('C'), "{found:?}");
    }
    let mpd = text(&address(&ready, "dash_url")).await;
    assert!(mpd.contains("thumbnail_tile\" value=\"9x1\""), "{mpd}");
}

#[tokio::test]
async fn text_in_real_clips_becomes_tracks_and_chapters_are_kept() {
    let Some(media) = shared_media() else { return };
    let server = Server::start().await;
    let mut ready = Vec::new();
    for name in ["subtitles-srt.mkv", "subtitles-ass.mkv", "subtitles-pgs.mkv", "chapters.mkv"] {
        let video = server.upload_file(&media.join(name)).await;
        ready.push(server.wait_until_over(&video).await);
    }
    let [srt, ass, pgs, chapters] = &ready[..] else { panic!() };

    let master = text(&address(srt, "hls_url")).await;
    assert!(master.contains("NAME=\"Subs Label\",LANGUAGE=\"en\""), "{master}");
    let cues = text(&address(srt, "hls_url").replace("hls.m3u8", "s-en/0.vtt")).await;
    // The file says 1.234; a cue ends with the presentation.
    assert!(cues.contains("00:00:00.000 --> 00:00:01.071\nThis is the first subtitle."), "{cues}");

    let cues = text(&address(ass, "hls_url").replace("hls.m3u8", "s-und/0.vtt")).await;
    assert!(cues.contains("-->") && cues.contains("This is the first subtitle."), "{cues}");

    let said = pgs["warnings"].to_string();
    assert!(said.contains("The PGS (Blu-ray) subtitles in English are pictures"), "{said}");
    assert!(!text(&address(pgs, "hls_url")).await.contains("SUBTITLES"));

    let found = &chapters["chapters"];
    assert_eq!(found[0]["title"], "Chapter 1");
    assert_eq!(found[1]["start_us"], 2_000_000);
    let list = text(&address(chapters, "chapters_url")).await;
    assert!(list.contains("00:00:02.000 --> 00:00:04.999\nChapter 2"), "{list}");
    for video in &ready {
        assert_eq!(video["state"], "ready", "{video:#}");
        address(video, "poster_url");
    }
}
