//! Addresses of private videos that open to one client alone.

use std::net::Ipv4Addr;

use reqwest::{Client, StatusCode};
use serde_json::Value;

use crate::support::{Server, sample};

/// Another client than the tests, as a proxy before the gateway names it.
const ELSEWHERE: &str = "203.0.113.7";
/// Everybody here is a proxy of the gateway.
const PROXIES: (&str, &str) = ("KINORA_SERVER_PROXIES", "127.0.0.0/8");

/// A private video.
async fn private(server: &Server) -> String {
    let folder = tempfile::tempdir().unwrap();
    let clip = sample(folder.path(), &["--seconds", "2", "--size", "160x90"]);
    let video = server.upload_file(&clip).await;
    let ready = server.wait_until_over(&video).await;
    assert_eq!(ready["state"], "ready", "{ready:#}");
    video
}

/// The HLS address that the owner gets for a client.
async fn address(server: &Server, video: &str, client: &str) -> String {
    let playback = server.get(&format!("/api/v1/playback/{video}?client={client}")).await;
    playback["playback"]["hls_url"].as_str().unwrap_or_else(|| panic!("{playback:#}")).to_owned()
}

async fn status(url: &str) -> StatusCode {
    reqwest::get(url).await.unwrap().status()
}

/// What the watch page is told that came with the token of `url`, from `client`.
async fn watched(server: &Server, video: &str, url: &str, client: Option<&str>) -> StatusCode {
    let token = url.split('/').find(|part| part.starts_with('~')).unwrap();
    let page = format!("{}/api/v1/playback/{video}?token={token}", server.gateway);
    let asked = Client::new().get(page);
    let asked = client.map_or(asked.try_clone().unwrap(), |it| asked.header("x-forwarded-for", it));
    asked.send().await.unwrap().status()
}

async fn opens_to_one_client(server: &Server, video: &str) {
    let here = address(server, video, "127.0.0.1").await;
    assert_eq!(status(&here).await, StatusCode::OK);
    assert_eq!(watched(server, video, &here, None).await, StatusCode::OK);
    assert_eq!(watched(server, video, &here, Some(ELSEWHERE)).await, StatusCode::NOT_FOUND);

    let there = address(server, video, ELSEWHERE).await;
    assert_eq!(status(&there).await, StatusCode::FORBIDDEN);
    assert_eq!(watched(server, video, &there, None).await, StatusCode::NOT_FOUND);
    assert_eq!(watched(server, video, &there, Some(ELSEWHERE)).await, StatusCode::OK);
}

/// Which proxy a gateway believes that is asked by [`services_apart_know_who_asks`].
pub(crate) const ONE_PROXY: (&str, &str) = ("KINORA_SERVER_PROXIES", "127.0.0.1");

/// Where the gateway and its services are processes of their own: the catalogue knows from the gateway
/// alone who asks.
pub(crate) async fn services_apart_know_who_asks(gateway: &Server, video: &str) {
    let at = |end| Ipv4Addr::new(127, 0, 0, end);
    let from = |end| Client::builder().local_address(Some(at(end).into())).build().unwrap();
    let (proxy, client) = (from(1), from(2));
    let url = address(gateway, video, &at(2).to_string()).await;
    let token = url.split('/').find(|part| part.starts_with('~')).unwrap();
    let page = format!("{}/api/v1/playback/{video}?token={token}", gateway.gateway);
    let (forwarded, told) = ("x-forwarded-for", "kinora-client-address");
    let (here, there) = (at(2).to_string(), ELSEWHERE.to_owned());
    let (ok, absent) = (StatusCode::OK, StatusCode::NOT_FOUND);
    for (client, claim, expected) in [
        (&client, None, ok),
        (&proxy, None, absent),
        // Whoever is no proxy is who it is, whatever it says.
        (&client, Some((forwarded, &there)), ok),
        (&client, Some((told, &there)), ok),
        (&proxy, Some((forwarded, &here)), ok),
        (&proxy, Some((forwarded, &there)), absent),
        // The gateway's own words are nobody else's, not even a proxy's.
        (&proxy, Some((told, &here)), absent),
    ] {
        let mut asked = client.get(&page);
        if let Some((name, value)) = claim {
            asked = asked.header(name, value);
        }
        assert_eq!(asked.send().await.unwrap().status(), expected, "{claim:?}");
    }
    // The origin sees for itself.
    let status = async |client: &Client| {
        client.get(&url).header(forwarded, &here).send().await.unwrap().status()
    };
    assert_eq!(status(&client).await, StatusCode::OK);
    assert_eq!(status(&proxy).await, StatusCode::FORBIDDEN);
}

#[tokio::test]
async fn an_address_opens_to_the_client_it_was_made_for() {
    let server = Server::start_with(&[PROXIES]).await;
    let video = private(&server).await;
    opens_to_one_client(&server, &video).await;

    // Who has a token cannot make one for somebody else of it.
    let mine = address(&server, &video, "127.0.0.1").await;
    let token = mine.split('/').find(|part| part.starts_with('~')).unwrap();
    let path = format!("/api/v1/playback/{video}?token={token}&client={ELSEWHERE}");
    let refused = reqwest::get(format!("{}{path}", server.gateway)).await.unwrap();
    assert_eq!(refused.status(), StatusCode::BAD_REQUEST);
    let said: Value = refused.json().await.unwrap();
    assert_eq!(said["code"], "invalid_request", "{said:#}");
    let nonsense = format!("{}/api/v1/playback/{video}?client=next-door", server.gateway);
    let refused = Client::new().get(nonsense).bearer_auth(server.key()).send().await.unwrap();
    assert_eq!(refused.status(), StatusCode::BAD_REQUEST);
}

#[tokio::test]
async fn only_proxies_are_believed() {
    let server = Server::start().await;
    let video = private(&server).await;
    let here = address(&server, &video, "127.0.0.1").await;
    // A client that says it is another is still itself.
    assert_eq!(watched(&server, &video, &here, Some(ELSEWHERE)).await, StatusCode::OK);
}
