//! The OpenAPI document of all services together.

#![allow(clippy::unwrap_used)]

use std::{collections::HashSet, sync::Arc};

use kinora_catalogue::{Catalogue, CatalogueConfig, CatalogueDeps};
use kinora_db::{Clock, Database};
use kinora_http::Authenticator;
use kinora_plan::ProfileSet;
use kinora_queue::SqliteQueue;
use kinora_store::FsStore;
use kinora_transcoding::{Transcoding, TranscodingConfig, TranscodingDeps};
use serde_json::Value;

async fn document() -> Value {
    let folder = tempfile::tempdir().unwrap();
    let root = folder.path();
    let db = Database::open(&format!("sqlite://{}", root.join("k.db").display())).await.unwrap();
    let queue = Arc::new(SqliteQueue::open(&root.join("queue.db")).await.unwrap());
    let store = Arc::new(FsStore::open(root.join("objects")).unwrap());
    let authenticator = Authenticator::default();
    let catalogue = Catalogue::new(CatalogueDeps {
        db: db.clone(),
        bus: queue.clone(),
        store: store.clone(),
        clock: Clock::system(),
        authenticator: authenticator.clone(),
        config: CatalogueConfig::new(root.join("uploads"), "http://o", "http://g", Vec::new()),
        profiles: Arc::new(ProfileSet::built_in()),
    })
    .unwrap();
    let transcoding = Transcoding::new(TranscodingDeps {
        db,
        queue: queue.clone(),
        bus: queue,
        store,
        clock: Clock::system(),
        config: TranscodingConfig::default(),
        profiles: Arc::new(ProfileSet::built_in()),
        on_head_change: Arc::new(|_, _| {}),
        authenticator,
        playback_keys: Vec::new().into(),
    });
    let services = vec![catalogue.router(), transcoding.router()];
    serde_json::to_value(kinora_gateway::document(services)).unwrap()
}

/// Method, path and operation id of everything there is.
fn operations(document: &Value) -> Vec<(String, String)> {
    let mut found = Vec::new();
    for (path, item) in document["paths"].as_object().unwrap() {
        for (method, operation) in item.as_object().unwrap() {
            let id = operation["operationId"].as_str().unwrap();
            found.push((format!("{} {path}", method.to_uppercase()), id.to_owned()));
        }
    }
    found
}

fn references<'v>(value: &'v Value, found: &mut HashSet<&'v str>) {
    match value {
        Value::Object(fields) => {
            found.extend(fields.get("$ref").and_then(Value::as_str));
            fields.values().for_each(|value| references(value, found));
        }
        Value::Array(items) => items.iter().for_each(|value| references(value, found)),
        _ => {}
    }
}

#[tokio::test]
async fn services_make_one_document_without_contradictions() {
    let document = document().await;
    let operations = operations(&document);
    let ids: HashSet<_> = operations.iter().map(|(_, id)| id).collect();
    assert_eq!(ids.len(), operations.len(), "operation ids are unique: {operations:#?}");
    let mut names = HashSet::new();
    references(&document, &mut names);
    for name in names {
        let pointer = name.strip_prefix('#').unwrap();
        assert!(document.pointer(pointer).is_some(), "{name} is described");
    }
    let outline: Vec<_> = operations.iter().map(|(what, id)| format!("{what} = {id}")).collect();
    insta::assert_json_snapshot!(outline);
}
