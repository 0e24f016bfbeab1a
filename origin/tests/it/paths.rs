//! Paths that a well-behaved client would not send, as bytes on the wire.

use kinora_media::Access;

use crate::fixture::{Origin, TestStore, Video, path};

#[tokio::test]
async fn tricks_find_nothing() {
    let store = TestStore::new();
    Video::finished(&store, Access::Public).await;
    let origin = Origin::start(&store).await;
    let good = path("v360/0.m4s");
    assert_eq!(origin.raw_status(&format!("GET {good}")).await, 200);
    assert_eq!(origin.raw_status(&format!("GET http://elsewhere{good}")).await, 200);
    let tricks = [
        good.replace("v360/", "v360//"),
        good.replace("v360/", "v360/./"),
        good.replace("v360/", "v360/../v360/"),
        good.replace("v360/", "v360%2f"),
        good.replace("v360/", "v360%5c"),
        good.replace("0.m4s", "%30.m4s"),
        good.replace("0.m4s", "00.m4s"),
        good.replace("0.m4s", "0.m4s%00"),
        good.replace("0.m4s", "00000-1.m4s"),
        good.replace("/media", "//media"),
        good.replace("/media", "/x/../media"),
        format!("{good}/"),
        path("index/head.json"),
        path("../../../../etc/passwd"),
        "/media/../../etc/passwd".into(),
        "/".into(),
    ];
    for trick in tricks {
        assert_eq!(origin.raw_status(&format!("GET {trick}")).await, 404, "{trick}");
    }
    assert_eq!(origin.raw_status("OPTIONS *").await, 204);
}
