//! The OpenAPI document.

use std::collections::HashSet;

use kinora_http::openapi;
use utoipa_axum::router::OpenApiRouter;

use crate::support::House;

#[tokio::test]
async fn the_document_says_what_there_is() {
    let house = House::new().await;
    let frame = OpenApiRouter::with_openapi(openapi::frame("Kinora", "1"));
    let document = frame.merge(house.catalogue.router()).into_openapi();
    let document = serde_json::to_value(document).unwrap();
    let mut operations = Vec::new();
    for path in document["paths"].as_object().unwrap().values() {
        operations.extend(path.as_object().unwrap().values().map(|o| o["operationId"].to_string()));
    }
    let unique: HashSet<_> = operations.iter().collect();
    assert_eq!(unique.len(), operations.len(), "{operations:?}");
    insta::assert_json_snapshot!(document);
}
