//! What holds when several do it at once.

use std::sync::Arc;

use bytes::Bytes;
use tokio::task::JoinSet;

use super::{Handle, body, create, fresh, key};
use crate::{Condition, Put};

pub(super) async fn exactly_one_creator_wins(store: Handle) {
    let key = key(&fresh("creators"), "object");
    let mut creators = JoinSet::new();
    for n in 0..16 {
        let (store, key) = (Arc::clone(&store), key.clone());
        creators.spawn(async move {
            let put = store.put(&key, Bytes::from(format!("{n}")), Condition::Absent).await;
            (n, put.expect("put"))
        });
    }
    let puts = creators.join_all().await;
    let winners: Vec<_> = puts.iter().filter(|(_, put)| *put != Put::ConditionFailed).collect();
    let [(winner, _)] = winners[..] else { panic!("{} creators won", winners.len()) };
    assert_eq!(body(&store, &key).await.expect("there"), winner.to_string());
}

pub(super) async fn swaps_lose_no_increment(store: Handle) {
    const WRITERS: u32 = 4;
    const EACH: u32 = 8;
    let key = key(&fresh("swaps"), "counter");
    create(&store, &key, "0").await;
    let mut writers = JoinSet::new();
    for _ in 0..WRITERS {
        let (store, key) = (Arc::clone(&store), key.clone());
        writers.spawn(async move {
            for _ in 0..EACH {
                while !increment(&store, &key).await {}
            }
        });
    }
    writers.join_all().await;
    assert_eq!(body(&store, &key).await.expect("there"), (WRITERS * EACH).to_string());
}

async fn increment(store: &Handle, key: &crate::Key) -> bool {
    let (meta, body) = store.get(key).await.expect("get").expect("there");
    let count: u32 = std::str::from_utf8(&body).expect("text").parse().expect("a number");
    let next = Bytes::from((count + 1).to_string());
    let put = store.put(key, next, Condition::Matches(meta.etag)).await.expect("put");
    put != Put::ConditionFailed
}

pub(super) async fn deletes_do_not_race_creates_in_a_folder(store: Handle) {
    let folder = fresh("folder");
    let mut tasks = JoinSet::new();
    for n in 0..6 {
        let (store, key) = (Arc::clone(&store), key(&folder, &format!("shared/{n}")));
        tasks.spawn(async move {
            for _ in 0..12 {
                create(&store, &key, "x").await;
                assert_eq!(body(&store, &key).await.expect("what was put is there"), "x");
                assert!(store.delete(&key).await.expect("delete"));
            }
        });
    }
    tasks.join_all().await;
    assert!(store.list(&format!("{folder}/"), None, 9).await.expect("list").is_empty());
}
