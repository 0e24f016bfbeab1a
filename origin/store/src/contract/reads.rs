//! What a reader sees.

use std::time::{SystemTime, UNIX_EPOCH};

use bytes::Bytes;

use super::{Handle, body, create, fresh, key};
use crate::ByteRange;

pub(super) async fn a_look_agrees_with_the_bytes(store: Handle) {
    let folder = fresh("look");
    for content in [Bytes::new(), Bytes::from("x"), Bytes::from(vec![7; 300_000])] {
        let key = key(&folder, &format!("of-{}", content.len()));
        let etag = create(&store, &key, content.clone()).await;
        let looked = store.head(&key).await.expect("head").expect("there");
        let (meta, read) = store.get(&key).await.expect("get").expect("there");
        assert_eq!(looked, meta);
        assert_eq!((looked.size, looked.etag), (content.len() as u64, etag));
        assert_eq!((looked.key, read), (key, content));
        let now = SystemTime::now().duration_since(UNIX_EPOCH).expect("a clock after 1970");
        let age_us = now.as_micros() as i64 - looked.modified_at_us;
        assert!(age_us.abs() < 60_000_000, "modified {age_us} µs ago");
    }
}

pub(super) async fn ranges_give_the_bytes_that_exist(store: Handle) {
    let folder = fresh("range");
    let (object, missing) = (key(&folder, "object"), key(&folder, "missing"));
    create(&store, &object, "0123456789").await;
    let cases = [
        (0, 10, "0123456789"),
        (0, 3, "012"),
        (4, 2, "45"),
        (8, 10, "89"),
        (9, u64::MAX, "9"),
        (10, 1, ""),
        (u64::MAX, 5, ""),
        (3, 0, ""),
    ];
    for (offset, length, expected) in cases {
        let range = ByteRange { offset, length };
        let found = store.get_range(&object, range).await.expect("get").expect("there");
        assert_eq!(found, expected, "{length} bytes from {offset}");
    }
    let range = ByteRange { offset: 0, length: 1 };
    assert_eq!(store.get_range(&missing, range).await.expect("get"), None);
}

pub(super) async fn keys_do_not_touch_each_other(store: Handle) {
    let folder = fresh("isolation");
    let names = ["a", "A", "a-b", "a.b", "a_b", "ab", "b/a", "b/a.b", "b/c/a", "etag-a", "tmp-a"];
    for name in names {
        create(&store, &key(&folder, name), name).await;
    }
    for name in names {
        assert_eq!(body(&store, &key(&folder, name)).await.expect("there"), name);
    }
    assert!(store.delete(&key(&folder, "a")).await.expect("delete"));
    assert!(store.delete(&key(&folder, "b/a")).await.expect("delete"));
    for name in names.iter().filter(|name| !["a", "b/a"].contains(*name)) {
        assert_eq!(body(&store, &key(&folder, name)).await.expect("there"), *name);
    }
}

pub(super) async fn folders_are_no_objects(store: Handle) {
    let folder = fresh("folders");
    for name in ["ab", "b/c/a"] {
        create(&store, &key(&folder, name), name).await;
    }
    for name in ["b", "b/c", "ab/x"] {
        assert_eq!(store.head(&key(&folder, name)).await.expect("head"), None, "{name}");
        assert!(!store.delete(&key(&folder, name)).await.expect("delete"), "{name}");
    }
}

pub(super) async fn what_was_confirmed_is_there_on_reopening(open: &impl AsyncFn() -> Handle) {
    let folder = fresh("reopen");
    let (kept, gone) = (key(&folder, "kept"), key(&folder, "gone"));
    let before = open().await;
    create(&before, &kept, "kept").await;
    create(&before, &gone, "gone").await;
    before.delete(&gone).await.expect("delete");
    let looked = before.head(&kept).await.expect("head");
    drop(before);
    let after = open().await;
    assert_eq!(body(&after, &kept).await.expect("there"), "kept");
    assert_eq!(after.head(&kept).await.expect("head"), looked);
    assert_eq!(after.head(&gone).await.expect("head"), None);
}
