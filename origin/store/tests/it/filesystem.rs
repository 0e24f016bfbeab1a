//! What only files can get wrong.

use std::{collections::BTreeSet, fs, path::Path, sync::Arc};

use bytes::Bytes;
use kinora_store::{ByteRange, Condition, FsStore, Key, ObjectStore, Put, StoreError, contract};
use proptest::prelude::*;

fn open(root: &Path) -> FsStore {
    FsStore::open(root.to_owned()).unwrap()
}

fn key(text: &str) -> Key {
    text.parse().unwrap()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn keeps_the_contract() {
    let root = tempfile::tempdir().unwrap();
    contract::run(async || Arc::new(open(root.path())) as contract::Handle).await;
}

#[tokio::test]
async fn two_open_stores_agree() {
    let root = tempfile::tempdir().unwrap();
    let (one, two) = (open(root.path()), open(root.path()));
    let counter = key("a/counter");
    one.put(&counter, Bytes::from("0"), Condition::Absent).await.unwrap();
    let add = async |store: &FsStore| {
        let mut added = 0;
        while added < 25 {
            let (meta, body) = store.get(&counter).await.unwrap().unwrap();
            let count: u32 = std::str::from_utf8(&body).unwrap().parse().unwrap();
            let next = Bytes::from((count + 1).to_string());
            let put = store.put(&counter, next, Condition::Matches(meta.etag)).await.unwrap();
            added += u32::from(put != Put::ConditionFailed);
        }
    };
    tokio::join!(add(&one), add(&two));
    assert_eq!(one.get(&counter).await.unwrap().unwrap().1, "50");
}

#[tokio::test]
async fn a_file_is_moved_not_copied() {
    use std::os::unix::fs::MetadataExt;
    let root = tempfile::tempdir().unwrap();
    let store = open(&root.path().join("store"));
    let scratch = root.path().join("scratch");
    fs::write(&scratch, "bytes").unwrap();
    let inode = fs::metadata(&scratch).unwrap().ino();
    store.put_file(&key("a/b"), &scratch, Condition::Absent).await.unwrap();
    assert!(!scratch.exists());
    let stored = fs::metadata(root.path().join("store/a/b")).unwrap();
    assert_eq!((stored.ino(), stored.nlink()), (inode, 1));
}

#[tokio::test]
async fn a_symbolic_link_gives_its_bytes() {
    let root = tempfile::tempdir().unwrap();
    let store = open(&root.path().join("store"));
    let (target, link) = (root.path().join("target"), root.path().join("link"));
    fs::write(&target, "bytes").unwrap();
    std::os::unix::fs::symlink(&target, &link).unwrap();
    store.put_file(&key("a/b"), &link, Condition::Absent).await.unwrap();
    assert!(fs::symlink_metadata(root.path().join("store/a/b")).unwrap().is_file());
}

#[tokio::test]
async fn opening_sweeps_what_a_crash_left_and_nothing_else() {
    let root = tempfile::tempdir().unwrap();
    let at = |name: &str| root.path().join(name);
    let store = open(root.path());
    store.put(&key("a/b/object"), Bytes::from("x"), Condition::Absent).await.unwrap();
    fs::create_dir_all(at("a/half/way")).unwrap();
    fs::write(at("a/half/way/.tmp-xyz"), "torn").unwrap();
    fs::write(at("a/b/.tmp-xyz"), "torn").unwrap();
    fs::write(at("a/b/.etag-gone"), "no such object").unwrap();

    let second = open(root.path());
    assert!(at("a/b/.tmp-xyz").exists(), "another may be writing it");
    assert_eq!(second.list("a/", None, 9).await.unwrap().len(), 1, "but it is no object");
    drop((store, second));

    let store = open(root.path());
    for gone in ["a/half", "a/b/.tmp-xyz", "a/b/.etag-gone"] {
        assert!(!at(gone).exists(), "{gone}");
    }
    assert_eq!(store.get(&key("a/b/object")).await.unwrap().unwrap().1, "x");
}

#[tokio::test]
async fn the_last_delete_takes_the_folders_along() {
    let root = tempfile::tempdir().unwrap();
    let store = open(root.path());
    for name in ["a/b/c/one", "a/two"] {
        store.put(&key(name), Bytes::from("x"), Condition::Absent).await.unwrap();
    }
    store.delete(&key("a/b/c/one")).await.unwrap();
    assert!(!root.path().join("a/b").exists() && root.path().join("a/two").exists());
    store.delete(&key("a/two")).await.unwrap();
    assert!(!root.path().join("a").exists() && root.path().exists());
}

#[tokio::test]
async fn a_flipped_byte_shows() {
    let root = tempfile::tempdir().unwrap();
    let store = open(root.path());
    store.put(&key("a/b"), Bytes::from("right"), Condition::Absent).await.unwrap();
    fs::write(root.path().join("a/b"), "wrong").unwrap();
    let error = store.get(&key("a/b")).await.unwrap_err();
    assert!(matches!(error, StoreError::Corrupt { .. }), "{error}");
}

#[tokio::test]
async fn an_object_restored_without_its_hash_gets_it_back() {
    let root = tempfile::tempdir().unwrap();
    let store = open(root.path());
    let put = store.put(&key("a/b"), Bytes::from("bytes"), Condition::Absent).await.unwrap();
    let Put::Stored { etag } = put else { panic!() };
    let path = root.path().join("a/b");
    fs::remove_file(&path).unwrap();
    fs::write(&path, "bytes").unwrap();
    for _ in 0..2 {
        assert_eq!(store.head(&key("a/b")).await.unwrap().unwrap().etag, etag);
    }
}

#[tokio::test]
async fn a_folder_in_the_way_is_an_error_not_a_lost_race() {
    let root = tempfile::tempdir().unwrap();
    let store = open(root.path());
    store.put(&key("a/b"), Bytes::from("x"), Condition::Absent).await.unwrap();
    for clash in ["a", "a/b/c"] {
        let error = store.put(&key(clash), Bytes::from("x"), Condition::Absent).await.unwrap_err();
        assert!(matches!(error, StoreError::Io { .. }), "{error}");
    }
    assert!(!store.delete(&key("a")).await.unwrap());
    assert_eq!(store.list("a/", None, 9).await.unwrap().len(), 1);
}

#[tokio::test]
async fn a_range_larger_than_memory_is_only_as_large_as_the_object() {
    let root = tempfile::tempdir().unwrap();
    let store = open(root.path());
    store.put(&key("a/b"), Bytes::from("12345"), Condition::Absent).await.unwrap();
    let range = ByteRange { offset: 1, length: u64::MAX };
    assert_eq!(store.get_range(&key("a/b"), range).await.unwrap().unwrap(), "2345");
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]
    /// Listing from any key on gives what a sorted set gives. Objects end in `x`, folders do
    /// not, so that no object stands where another needs a folder.
    #[test]
    fn lists_as_a_sorted_set_does(
        names in prop::collection::btree_set("([a-c._-]{0,2}[a-c]/){0,2}[a-c._-]{0,2}x", 1..20),
        after in "([a-c]{1,2}/){0,2}[a-cx]{1,2}",
        limit in 1_usize..8,
    ) {
        let keys: BTreeSet<Key> = names.iter().filter_map(|n| Key::new(format!("p/{n}")).ok()).collect();
        let root = tempfile::tempdir().unwrap();
        for key in &keys {
            let path = root.path().join(key.as_str());
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, "").unwrap();
        }
        let store = open(root.path());
        let after = key(&format!("p/{after}"));
        let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
        let listed = runtime.block_on(store.list("p/", Some(&after), limit)).unwrap();
        let listed: Vec<Key> = listed.into_iter().map(|meta| meta.key).collect();
        let expected: Vec<Key> = keys.range(after.clone()..).filter(|k| **k != after).take(limit).cloned().collect();
        prop_assert_eq!(listed, expected);
    }
}
