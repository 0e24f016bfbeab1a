//! Keys that are stored.

use std::os::unix::fs::PermissionsExt;
use std::process::Stdio;

use tokio::io::AsyncWriteExt;

use crate::fake::{Fake, KEY};
use crate::run::{Home, Run};

#[tokio::test]
async fn a_valid_key_is_stored_for_its_owner_and_used() {
    let (home, fake) = Home::with_server().await;
    let login = ["login", "--server", &fake.url(), "--api-key", KEY];
    Run::of(home.bare(&login).spawn().unwrap()).await.ended(0);
    let path = home.path().join("config/kinora/config.toml");
    assert_eq!(std::fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);

    Run::of(home.bare(&["videos"]).spawn().unwrap()).await.ended(0);
    let other = Fake::start().await;
    let elsewhere = ["videos", "--server", &other.url()];
    Run::of(home.bare(&elsewhere).spawn().unwrap()).await.ended(4);
}

#[tokio::test]
async fn a_key_can_come_on_stdin_and_a_wrong_one_is_not_stored() {
    let (home, fake) = Home::with_server().await;
    let path = home.path().join("config/kinora/config.toml");
    for (key, exit) in [("kin_wrong", 4), ("", 2), (KEY, 0)] {
        let server = fake.url();
        let mut command = home.bare(&["login", "--server", &server]);
        let mut child = command.stdin(Stdio::piped()).spawn().unwrap();
        child.stdin.take().unwrap().write_all(format!("{key}\n").as_bytes()).await.unwrap();
        Run::of(child).await.ended(exit);
        assert_eq!(path.exists(), exit == 0, "{key}");
    }
}

#[tokio::test]
async fn a_misspelt_setting_is_named() {
    let home = Home::new("http://127.0.0.1:1");
    std::fs::create_dir_all(home.path().join("config/kinora")).unwrap();
    std::fs::write(home.path().join("config/kinora/config.toml"), "servr = 'x'").unwrap();
    let run = home.run(&["videos"]).await.ended(2);
    assert!(run.stderr.contains("servr"), "{}", run.stderr);
}
