//! What every adapter of [`ObjectStore`] promises, as cases that panic when it does not.
//!
//! An adapter's integration test calls [`run`] with a factory that opens the same underlying
//! store again at each call, so that durability can be judged through a fresh handle.

mod conditions;
mod listing;
mod races;
mod reads;

use std::{
    sync::{
        Arc,
        atomic::{AtomicU32, Ordering},
    },
    time::{SystemTime, UNIX_EPOCH},
};

use bytes::Bytes;

use crate::{Condition, Key, ObjectStore, Put};

/// A handle on the store under test.
pub type Handle = Arc<dyn ObjectStore>;

/// Runs every case.
///
/// # Panics
/// When a promise is broken.
pub async fn run(open: impl AsyncFn() -> Handle) {
    one_at_a_time(&open).await;
    races(&open).await;
    reads::folders_are_no_objects(open().await).await;
}

/// Runs the cases in which one writer waits for the other.
///
/// # Panics
/// When a promise is broken.
pub async fn one_at_a_time(open: &impl AsyncFn() -> Handle) {
    conditions::absent_creates_once(open().await).await;
    conditions::matches_replaces_only_what_it_names(open().await).await;
    conditions::a_file_is_put_under_the_same_conditions(open().await).await;
    conditions::delete_is_idempotent(open().await).await;
    reads::a_look_agrees_with_the_bytes(open().await).await;
    reads::ranges_give_the_bytes_that_exist(open().await).await;
    reads::keys_do_not_touch_each_other(open().await).await;
    reads::what_was_confirmed_is_there_on_reopening(open).await;
    listing::lists_in_key_order_page_by_page(open().await).await;
}

/// Runs the cases in which several write at once.
///
/// # Panics
/// When a promise is broken.
pub async fn races(open: &impl AsyncFn() -> Handle) {
    races::exactly_one_creator_wins(open().await).await;
    races::swaps_lose_no_increment(open().await).await;
    races::deletes_do_not_race_creates_in_a_folder(open().await).await;
}

/// A folder nobody used before: the store under test may hold what earlier runs left.
fn fresh(case: &str) -> String {
    static NEXT: AtomicU32 = AtomicU32::new(0);
    let now = SystemTime::now().duration_since(UNIX_EPOCH).expect("a clock after 1970").as_nanos();
    format!("contract/{case}-{now}-{}", NEXT.fetch_add(1, Ordering::Relaxed))
}

fn key(folder: &str, name: &str) -> Key {
    Key::new(format!("{folder}/{name}")).expect("cases name valid keys")
}

async fn create(store: &Handle, key: &Key, body: impl Into<Bytes>) -> String {
    match store.put(key, body.into(), Condition::Absent).await.expect("put") {
        Put::Stored { etag } => etag,
        Put::ConditionFailed => panic!("{key} exists"),
    }
}

async fn body(store: &Handle, key: &Key) -> Option<Bytes> {
    store.get(key).await.expect("get").map(|(_, body)| body)
}
