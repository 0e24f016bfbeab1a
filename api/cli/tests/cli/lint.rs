//! `kinora lint`.

use std::fs;

use crate::run::Home;

const MAIN: &str = "#EXTM3U\n#EXT-X-STREAM-INF:BANDWIDTH=1,CODECS=\"avc1.64001f\"\nv/a.m3u8?t=1\n\
    #EXT-X-STREAM-INF:BANDWIDTH=2,CODECS=\"avc1.64001f\"\nhttps://example.org/b.m3u8\n";
const MEDIA: &str = "#EXTM3U\n#EXT-X-TARGETDURATION:2\n#EXTINF:9,\n0.ts\n";

#[tokio::test]
async fn findings_have_a_place_and_a_clause() {
    let home = Home::new("http://127.0.0.1:1");
    fs::create_dir(home.path().join("v")).unwrap();
    fs::write(home.path().join("main.m3u8"), MAIN).unwrap();
    fs::write(home.path().join("v/a.m3u8"), MEDIA).unwrap();
    let run = home.run(&["lint", "main.m3u8"]).await.ended(1);
    let finding =
        "v/a.m3u8:3: error: 9 s is longer than the target duration (RFC 8216bis 4.4.3.1)\n";
    assert_eq!(run.stdout, finding);
    assert!(run.stderr.contains("2 playlists, 1 errors, 0 warnings"), "{}", run.stderr);
    let run = home.run(&["lint", "main.m3u8", "--json"]).await.ended(1).json();
    assert_eq!((run[0]["line"].as_u64(), run[0]["clause"].as_str()), (Some(3), Some("4.4.3.1")));
    home.run(&["lint", "main.m3u8", "--alone"]).await.ended(0);
    home.run(&["lint", "nowhere.m3u8"]).await.ended(2);
    home.run(&["lint", "v"]).await.ended(2);
}
