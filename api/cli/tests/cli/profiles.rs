//! `kinora profiles`, and choosing one.

use std::fs;

use crate::run::Home;

#[tokio::test]
async fn profiles_are_listed_and_shown() {
    let (home, _fake) = Home::with_server().await;
    let run = home.run(&["profiles"]).await.ended(0);
    let lines: Vec<_> = run.stdout.lines().map(str::trim_end).collect();
    assert_eq!(
        lines,
        [
            "NAME               DESCRIPTION          FROM",
            "default (default)  How default is done  Kinora",
            "tv                 How tv is done       this server",
        ]
    );
    assert_eq!(home.run(&["profiles", "list", "--json"]).await.ended(0).json().len(), 2);
    let shown = home.run(&["profiles", "show", "tv"]).await.ended(0);
    assert_eq!(shown.stdout, "passthrough = true\n");
    let none = home.run(&["profiles", "show", "tb"]).await.ended(1);
    assert!(none.stderr.contains("default, tv"), "{}", none.stderr);
}

#[tokio::test]
async fn a_file_is_checked_without_a_server() {
    let home = Home::new("http://127.0.0.1:1");
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("tv.toml");
    let file = path.to_str().unwrap();
    let check = async |text: &str, more: &[&str]| {
        fs::write(&path, text).unwrap();
        home.run(&[&["profiles", "check", file], more].concat()).await
    };
    check("[video]\ngop_seconds = 1\n", &[]).await.ended(0);
    let text = "[video]\ngop_seconds = 9\n\n[audio]\nmax_tracks = 0\n";
    let run = check(text, &[]).await.ended(2);
    insta::assert_snapshot!(run.stderr.replace(file, "tv.toml"));
    let run = check(text, &["--json"]).await.ended(2).json();
    assert_eq!(run[0]["valid"], false);
    assert_eq!(run[0]["faults"][1]["key"], "audio.max_tracks");
    assert_eq!(check("", &["--json"]).await.ended(0).json()[0]["valid"], true);
    let odd = folder.path().join("My TV.toml");
    fs::write(&odd, "").unwrap();
    home.run(&["profiles", "check", odd.to_str().unwrap()]).await.ended(2);
    home.run(&["profiles", "check", "/nowhere.toml"]).await.ended(2);
}

#[tokio::test]
async fn an_upload_names_its_profile() {
    let (home, fake) = Home::with_server().await;
    let (file, _) = home.file("film.mp4", 1000);
    home.run(&["upload", "--profile", "tv", file.to_str().unwrap()]).await.ended(0);
    let asked = fake.world().videos.values().next().unwrap()["profile"].clone();
    assert_eq!(asked, "tv");
}
