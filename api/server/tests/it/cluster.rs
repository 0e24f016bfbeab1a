//! Several processes on servers that they share, of which some die in the middle of the main job.

use crate::support::{Cluster, ffprobe, rendition, sample, soundtracks, text, variants};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_video_is_ready_though_a_worker_the_broker_and_the_services_were_killed() {
    let mut cluster = Cluster::start().await;
    let origins = (cluster.origin().await, cluster.origin().await);
    let mut services = cluster.services(&origins.0).await;
    let (mut doomed, _other) = (cluster.worker("doomed").await, cluster.worker("other").await);
    let folder = tempfile::tempdir().unwrap();
    let clip = sample(folder.path(), &["--seconds", "40", "--size", "640x360"]);
    let video = services.upload_file(&clip).await;
    services.until_jobs_are_done(&video, 2).await;
    doomed.crash();
    cluster.broker.kill();
    cluster.broker.start_again();
    services.until_jobs_are_done(&video, 5).await;
    services.crash_and_restart().await;

    let ready = services.wait_until_over(&video).await;
    assert_eq!(ready["state"], "ready", "{ready:#}");
    let jobs = services.jobs(&video).await;
    assert!(jobs.iter().all(|job| job["state"] == "done"), "{jobs:#?}");
    let url = ready["playback"]["hls_url"].as_str().unwrap();
    assert!(url.starts_with(&origins.0.origin));
    // The other origin knows the same films and opens them to the same viewers.
    for url in [url.to_owned(), url.replace(&origins.0.origin, &origins.1.origin)] {
        let master = text(&url).await;
        let top = rendition(&variants(&master, &url).remove(0)).await;
        assert_eq!(ffprobe(&top, "stream=codec_name,nb_read_packets"), ["h264,1200"]);
        let sound = rendition(&soundtracks(&master, &url).remove(0)).await;
        assert_eq!(ffprobe(&sound, "stream=codec_name"), ["aac"]);
    }
}
