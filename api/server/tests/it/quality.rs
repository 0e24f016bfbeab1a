//! A title planned by its quality: samples first, then fewer bits and a report of it.

use reqwest::Method;
use serde_json::{Value, json};

use crate::support::{Server, rendition, sample, text, variants};

/// Two small rungs, quick to encode.
const STEPS: &str = "[[video.steps]]\nheight = 180\nmax_kbps = 900\ncrf = 20\npreset = \"ultrafast\"\n\
                     [[video.steps]]\nheight = 120\nmax_kbps = 400\ncrf = 20\npreset = \"ultrafast\"\n";

#[tokio::test]
async fn an_easy_title_gets_fewer_bits_and_says_so() {
    let folder = tempfile::tempdir().unwrap();
    let profiles = folder.path().join("profiles");
    std::fs::create_dir(&profiles).unwrap();
    std::fs::write(profiles.join("plain.toml"), STEPS).unwrap();
    let quality = format!("{STEPS}\n[quality]\nenabled = true\ntarget = 60\n");
    std::fs::write(profiles.join("measured.toml"), quality).unwrap();
    let setting = [("KINORA_TRANSCODING_PROFILES", profiles.to_str().unwrap())];
    let server = Server::start_with(&setting).await;
    // Twenty seconds are the least that is worth a sample.
    let flags = ["--seconds", "21", "--size", "320x180", "--no-audio"];
    let bytes = std::fs::read(sample(folder.path(), &flags)).unwrap();

    let (plain, fixed) = made(&server, "plain", &bytes).await;
    assert_eq!(server.get(&progress(&plain)).await["quality"], Value::Null);
    let (measured, chosen) = made(&server, "measured", &bytes).await;
    assert!(chosen[0] * 10 < fixed[0] * 9, "the top rung: {chosen:?} of {fixed:?}");

    let jobs = server.jobs(&measured).await;
    let analysis = jobs.iter().find(|job| job["class"] == "analyse").unwrap();
    assert_eq!(analysis["state"], "done", "{analysis:#}");
    let quality = server.get(&progress(&measured)).await["quality"].clone();
    assert_eq!((&quality["produced"], &quality["target"]), (&json!(true), &json!(60)));
    assert!(quality["crf_raise"].as_u64().unwrap() >= 3, "{quality:#}");
    assert!(quality["score"].as_f64().unwrap() >= 60.0, "{quality:#}");
    // What it says was produced is what players get, but for the initialisation segments.
    let said = quality["bytes"].as_u64().unwrap();
    assert!(said.abs_diff(chosen.iter().sum()) < 8000, "{said} of {chosen:?}");
    let guessed = quality["fixed_bytes"].as_u64().unwrap();
    let real: u64 = fixed.iter().sum();
    assert!(guessed.abs_diff(real) * 4 < real, "{guessed} for {real}");
    let why = server.get(&format!("/api/v1/why/{measured}")).await;
    assert!(why["because"].to_string().contains("% fewer bits"), "{why:#}");
}

fn progress(video: &str) -> String {
    format!("/api/v1/videos/{video}/progress")
}

/// Encodes the clip by a profile; the video, and the bytes of each rung, best first.
async fn made(server: &Server, profile: &str, bytes: &[u8]) -> (String, Vec<u64>) {
    let asked = json!({ "title": profile, "visibility": "public", "profile": profile });
    let created = server.request(Method::POST, "/api/v1/videos").json(&asked).send().await.unwrap();
    let created: Value = created.json().await.unwrap();
    let video = created["id"].as_str().unwrap_or_else(|| panic!("{created:#}")).to_owned();
    server.upload_into(&video, bytes.to_vec()).await;
    let ready = server.wait_until_over(&video).await;
    assert_eq!(ready["state"], "ready", "{ready:#}");
    let url = ready["playback"]["hls_url"].as_str().unwrap();
    let mut sizes = Vec::new();
    for variant in variants(&text(url).await, url) {
        sizes.push(rendition(&variant).await.len() as u64);
    }
    (video, sizes)
}
