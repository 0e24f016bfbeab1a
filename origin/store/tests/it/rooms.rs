//! Stores on filesystems of another kind: a full one, one without extended attributes. Each test
//! runs itself again in a mount namespace of its own, which may mount without privileges.

use std::{fs, path::Path, process::Command, sync::Arc};

use bytes::Bytes;
use kinora_store::{Condition, FsStore, Key, ObjectStore, Put, StoreError, contract};

const INSIDE: &str = "KINORA_TEST_MOUNTED_AT";

#[tokio::test]
async fn a_full_store_says_so_and_keeps_no_scraps() {
    let Some(root) = mounted("a_full_store_says_so_and_keeps_no_scraps", "tmpfs", "size=256k")
    else {
        return;
    };
    let root = Path::new(&root);
    let store = FsStore::open(root.join("store")).unwrap();
    let scratch = tempfile::tempdir().unwrap();
    let (object, big) = (Key::new("a/b").unwrap(), Bytes::from(vec![1; 300 << 10]));
    let file = scratch.path().join("file");
    fs::write(&file, &big).unwrap();

    let full = store.put(&object, big.clone(), Condition::Absent).await.unwrap_err();
    assert!(matches!(full, StoreError::Full { .. }), "{full}");
    let full = store.put_file(&object, &file, Condition::Absent).await.unwrap_err();
    assert!(matches!(full, StoreError::Full { .. }), "{full}");
    assert!(file.exists(), "what was not stored stays ours");
    assert_eq!(store.head(&object).await.unwrap(), None);
    assert_eq!(fs::read_dir(root.join("store/a")).unwrap().count(), 0);

    fs::write(&file, "small").unwrap();
    let put = store.put_file(&object, &file, Condition::Absent).await.unwrap();
    assert!(matches!(put, Put::Stored { .. }), "there is room again");
    assert!(!file.exists(), "copied across filesystems, then removed");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn keeps_the_contract_without_extended_attributes() {
    let name = "keeps_the_contract_without_extended_attributes";
    let Some(root) = mounted(name, "ramfs", "mode=700") else { return };
    let root = Path::new(&root).join("store");
    contract::run(async || Arc::new(FsStore::open(root.clone()).unwrap()) as contract::Handle)
        .await;

    let (store, object) = (FsStore::open(root.clone()).unwrap(), Key::new("a/b").unwrap());
    store.put(&object, Bytes::from("x"), Condition::Absent).await.unwrap();
    let etag = store.head(&object).await.unwrap().unwrap().etag;
    let sidecar = root.join("a/.etag-b");
    assert!(fs::read_to_string(&sidecar).unwrap().starts_with(&etag));
    fs::write(&sidecar, "torn").unwrap();
    assert_eq!(store.head(&object).await.unwrap().unwrap().etag, etag, "not believed");
    assert!(fs::read_to_string(&sidecar).unwrap().starts_with(&etag), "and written anew");
    store.delete(&object).await.unwrap();
    assert!(!root.join("a").exists());
}

/// Where the wanted filesystem is mounted, when inside; outside, runs the test inside.
fn mounted(test: &str, filesystem: &str, options: &str) -> Option<String> {
    if let Ok(root) = std::env::var(INSIDE) {
        return Some(root);
    }
    let mountpoint = tempfile::tempdir().unwrap();
    let namespace = |script: &str| {
        let mut command = Command::new("unshare");
        command.args(["-rm", "sh", "-ec", script]).env(INSIDE, mountpoint.path());
        command.env("FILESYSTEM", filesystem).env("OPTIONS", options).env("TEST", test);
        command.env("BINARY", std::env::current_exe().unwrap());
        command
    };
    const MOUNT: &str = r#"mount -t "$FILESYSTEM" -o "$OPTIONS" none "$KINORA_TEST_MOUNTED_AT""#;
    let possible = namespace(MOUNT).output().is_ok_and(|tried| tried.status.success());
    if !possible {
        eprintln!("SKIPPED {test}: this machine lets no user mount {filesystem}");
        return None;
    }
    let script = format!(r#"{MOUNT}; exec "$BINARY" --exact "rooms::$TEST" --nocapture"#);
    let inside = namespace(&script).output().unwrap();
    let said = String::from_utf8_lossy(&inside.stdout);
    assert!(inside.status.success() && said.contains("1 passed"), "{said}\n{inside:?}");
    None
}
