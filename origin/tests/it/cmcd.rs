//! What players report of themselves.

use kinora_media::Access;
use kinora_origin::{CmcdSink, CmcdValue, OriginConfig};

use crate::fixture::{Origin, TestStore, VIDEO, Video, path};

#[tokio::test]
async fn reports_come_through_and_change_nothing() {
    let store = TestStore::new();
    Video::finished(&store, Access::Public).await;
    let (cmcd, mut reports) = CmcdSink::channel(16);
    let origin = Origin::start_with(&store, OriginConfig { cmcd, ..OriginConfig::default() }).await;
    let plain = origin.get(&path("v360/0.m4s")).await.bytes().await.unwrap();
    let query = format!("{}?CMCD=bl%3D2100%2Cot%3Dv%2Cnor%3D%221.m4s%22", path("v360/0.m4s"));
    assert_eq!(origin.get(&query).await.bytes().await.unwrap(), plain);
    let request = origin.request("GET", &path("v360/0.m4s"));
    let request = request.header("CMCD-Request", "bl=2100").header("CMCD-Object", "ot=v");
    assert_eq!(request.send().await.unwrap().bytes().await.unwrap(), plain);

    let (first, second) = (reports.try_recv().unwrap(), reports.try_recv().unwrap());
    assert_eq!((first.video.to_string().as_str(), first.version), (VIDEO, 1));
    assert_eq!(first.keys()["bl"], CmcdValue::Number(2100.0));
    assert_eq!(first.keys()["nor"], CmcdValue::Text("1.m4s".into()));
    assert_eq!(second.keys()["ot"], CmcdValue::Token("v".into()));
    assert!(reports.try_recv().is_err(), "a request that says nothing is no report");
}
