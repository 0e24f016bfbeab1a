//! What a listing says.

use super::{Handle, create, fresh, key};
use crate::Key;

pub(super) async fn lists_in_key_order_page_by_page(store: Handle) {
    let folder = fresh("list");
    // The bytes `-` and `.` sort before the slash, `0` and `_` behind it.
    let sorted = ["a", "a-b", "a-c/x", "a.b", "b.x/y", "b/a", "b/a-c", "b/c/d", "b/e", "b0", "b_"];
    let mut keys = sorted.map(|name| key(&folder, name));
    for key in keys.iter().rev() {
        create(&store, key, key.as_str().to_owned()).await;
    }
    create(&store, &key(&format!("{folder}2"), "beside"), "x").await;
    let prefix = format!("{folder}/");

    assert_eq!(names(&store, &prefix, None, 100).await, keys);
    for limit in 1..=keys.len() {
        let (mut pages, mut after) = (Vec::new(), None);
        loop {
            let page = names(&store, &prefix, after.as_ref(), limit).await;
            assert!(page.len() <= limit);
            let Some(last) = page.last() else { break };
            after = Some(last.clone());
            pages.extend(page);
        }
        assert_eq!(pages, keys, "in pages of {limit}");
    }

    assert!(names(&store, &prefix, None, 0).await.is_empty());
    assert!(names(&store, &format!("{folder}/none/"), None, 9).await.is_empty());
    assert!(names(&store, &format!("{folder}/a/"), None, 9).await.is_empty(), "an object");
    let between = key(&folder, "b");
    assert_eq!(names(&store, &prefix, Some(&between), 2).await, keys[4..6], "after what is none");

    let listed = store.list(&prefix, None, 1).await.expect("list").remove(0);
    assert_eq!(Some(listed), store.head(&keys[0]).await.expect("head"));
    store.delete(&keys[0]).await.expect("delete");
    keys.rotate_left(1);
    assert_eq!(names(&store, &prefix, None, 100).await, keys[..keys.len() - 1]);
}

async fn names(store: &Handle, prefix: &str, after: Option<&Key>, limit: usize) -> Vec<Key> {
    let listed = store.list(prefix, after, limit).await.expect("list");
    listed.into_iter().map(|meta| meta.key).collect()
}
