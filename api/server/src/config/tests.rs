use std::{collections::BTreeSet, ffi::OsString, fs};

use tempfile::TempDir;
use toml::{Table, Value};

use super::*;

/// Reads `file` (if any), `environment` and `overrides` as at start.
fn load(
    file: Option<&str>,
    environment: &[(&str, &str)],
    overrides: Overrides,
) -> Result<Config, String> {
    let folder = TempDir::new().unwrap();
    if let Some(text) = file {
        fs::write(folder.path().join("kinora.toml"), text).unwrap();
    }
    let pairs = environment.iter().map(|(name, text)| (OsString::from(name), OsString::from(text)));
    let config = layers::read(&overrides, pairs, folder.path());
    let checked = config.and_then(|config| check::check(&config).map(|()| config));
    checked.map_err(|error| format!("{error:#}"))
}

fn from_file(text: &str) -> Result<Config, String> {
    load(Some(text), &[], Overrides::default())
}

fn from_environment(pairs: &[(&str, &str)]) -> Result<Config, String> {
    load(None, pairs, Overrides::default())
}

fn set(pair: &str) -> Overrides {
    Overrides { set: vec![pair.into()], ..Overrides::default() }
}

#[test]
fn without_anything_there_are_defaults() {
    let config = from_environment(&[("PATH", "/bin"), ("KINORA_API_KEY", "kin_x")]).unwrap();
    assert_eq!(config, Config::default());
    assert_eq!(config.server.listen.to_string(), "127.0.0.1:8080");
    assert_eq!(config.origin.listen.to_string(), "127.0.0.1:8081");
    assert_eq!(config.database_url(), "sqlite://data/kinora.sqlite");
    assert_eq!(config.queue_path(), Path::new("data/queue.sqlite"));
    let StoreConfig::Files(store) = config.store().unwrap() else { panic!() };
    assert_eq!(store, Path::new("data/store"));
    assert_eq!(config.upload_dir(), Path::new("data/uploads"));
}

#[test]
fn flags_win_over_the_environment_and_that_over_the_file() {
    let file = "[worker]\nslots = 3\nname = \"a\"\nmemory_limit_mib = 1000\n";
    let environment = [("KINORA_WORKER_NAME", "b"), ("KINORA_WORKER_MEMORY_LIMIT_MIB", "2000")];
    let config = load(Some(file), &environment, set("worker.memory_limit_mib=3000")).unwrap();
    assert_eq!(config.worker.slots, 3);
    assert_eq!(config.worker.name, "b");
    assert_eq!(config.worker.memory_limit_mib, 3000);
    let short = Overrides { listen: "[::1]:9".parse().ok(), ..Overrides::default() };
    let config = load(None, &[("KINORA_SERVER_LISTEN", "127.0.0.1:1")], short).unwrap();
    assert_eq!(config.server.listen.to_string(), "[::1]:9");
}

#[test]
fn every_setting_has_a_name() {
    let mut full = Config::default();
    for url in [&mut full.database.url, &mut full.queue.url, &mut full.store.url] {
        *url = Some("x".into());
    }
    for url in [&mut full.server.public_url, &mut full.origin.public_url] {
        *url = Some("x".into());
    }
    for path in [&mut full.upload.dir, &mut full.worker.encoder, &mut full.worker.scratch_dir] {
        *path = Some("x".into());
    }
    full.transcoding.profiles = Some("x".into());
    full.server.proxies = Some("x".into());
    full.transcoding.max_in_flight = Some(1);
    full.playback.key_file = Some("x".into());
    let services = &mut full.services;
    services.key_file = Some("x".into());
    for url in [&mut services.catalogue_url, &mut services.transcoding_url] {
        *url = Some("x".into());
    }
    let queue = &mut full.queue;
    for path in [&mut queue.ca_file, &mut queue.certificate, &mut queue.key] {
        *path = Some("x".into());
    }
    let origin = &mut full.origin;
    (origin.tls_certificate, origin.tls_key) = (Some("x".into()), Some("x".into()));
    (origin.proxy_protocol, origin.upstream) = (Some("x".into()), Some("x".into()));
    origin.ingest_listen = Some("127.0.0.1:9".parse().unwrap());
    full.metrics.listen = Some("127.0.0.1:9".parse().unwrap());
    let store = &mut full.store;
    for text in [&mut store.endpoint, &mut store.region, &mut store.access_key_id] {
        *text = Some("x".into());
    }
    store.path_style = Some(true);
    store.secret_access_key = Some("x".into());
    store.secret_access_key_file = Some("x".into());
    let table: Table = toml::from_str(&full.to_toml().unwrap()).unwrap();
    let kind = |value: &Value| match value {
        Value::Integer(_) => "Number",
        Value::Boolean(_) => "Flag",
        _ => "Text",
    };
    let mut found = BTreeSet::new();
    for (name, value) in table {
        match value {
            Value::Table(section) => {
                found.extend(
                    section.into_iter().map(|(key, v)| (format!("{name}.{key}"), kind(&v))),
                );
            }
            value => {
                found.insert((name, kind(&value)));
            }
        }
    }
    let named = keys::KEYS.iter().map(|(key, kind)| ((*key).to_owned(), format!("{kind:?}")));
    let found = found.into_iter().map(|(key, kind)| (key, kind.to_owned())).collect();
    assert_eq!(named.collect::<BTreeSet<_>>(), found);
}

#[test]
fn what_is_printed_reads_back() {
    let config =
        from_file("[log]\nformat = \"json\"\n[origin]\npublic_url = \"https://m.example\"\n");
    let config = config.unwrap();
    assert_eq!(from_file(&config.to_toml().unwrap()).unwrap(), config);
}

#[test]
fn mistakes_in_the_file_are_named_by_line() {
    let error = from_file("data_dir = \"d\"\n[worker]\nslotz = 3\n").unwrap_err();
    for part in ["kinora.toml", "line 3", "slotz", "slots"] {
        assert!(error.contains(part), "{error}");
    }
    let error = from_file("[server]\nlisten = \"here\"\n").unwrap_err();
    assert!(error.contains("line 2") && error.contains("listen"), "{error}");
    let error = from_file("[nonsense]\n").unwrap_err();
    assert!(error.contains("nonsense"), "{error}");
    let missing = Overrides { config: Some("/nowhere/x.toml".into()), ..Overrides::default() };
    let error = load(None, &[], missing).unwrap_err();
    assert!(error.contains("/nowhere/x.toml"), "{error}");
}

#[test]
fn mistakes_elsewhere_are_named_by_variable_or_flag() {
    let error = from_environment(&[("KINORA_WORKER_SLOTZ", "3")]).unwrap_err();
    assert!(
        error.contains("KINORA_WORKER_SLOTZ") && error.contains("KINORA_WORKER_SLOTS"),
        "{error}"
    );
    assert!(!error.contains("KINORA_LOG_FILTER"), "{error}");
    let error = from_environment(&[("KINORA_FOO", "3")]).unwrap_err();
    assert!(error.contains("KINORA_FOO") && error.contains("KINORA_DATA_DIR"), "{error}");
    let error = from_environment(&[("KINORA_WORKER_SLOTS", "many")]).unwrap_err();
    assert!(error.contains("KINORA_WORKER_SLOTS") && error.contains("many"), "{error}");
    let error = from_environment(&[("KINORA_LOG_FORMAT", "xml")]).unwrap_err();
    assert!(error.contains("KINORA_LOG_FORMAT") && error.contains("json"), "{error}");
    let error = load(None, &[], set("worker.slots=-1")).unwrap_err();
    assert!(error.contains("--set worker.slots"), "{error}");
    for bad in ["worker.slots", "worker.slotz=1"] {
        let error = load(None, &[], set(bad)).unwrap_err();
        assert!(error.contains("--set"), "{error}");
    }
}

#[test]
fn addresses_are_refused_and_shown_without_their_password() {
    for url in ["postgres://me:hush@db/kinora", "postgresql://me:hush@db/kinora"] {
        let config = from_environment(&[("KINORA_DATABASE_URL", url)]).unwrap();
        assert_eq!(config.database_url(), url);
        let shown = [config.database_name(), config.to_toml().unwrap()];
        assert!(shown.iter().all(|text| !text.contains("hush")), "{shown:?}");
    }
    let broker = from_environment(&[("KINORA_QUEUE_URL", "amqp://me:hush@mq/%2f")]).unwrap();
    assert_eq!(broker.broker_url(), Some("amqp://me:hush@mq/%2f"));
    assert!(!broker.to_toml().unwrap().contains("hush"));
    let files = [("KINORA_QUEUE_URL", "amqp://mq"), ("KINORA_QUEUE_CA_FILE", "/etc/ca.pem")];
    let error = from_environment(&files).unwrap_err();
    assert!(error.contains("amqps:// queue.url alone"), "{error}");
    let half = [("KINORA_QUEUE_URL", "amqps://mq"), ("KINORA_QUEUE_KEY", "/etc/key.pem")];
    assert!(from_environment(&half).unwrap_err().contains("set both"));
    for url in ["hush", "sqlite://", "mysql://me:hush@db"] {
        let error = from_environment(&[("KINORA_DATABASE_URL", url)]).unwrap_err();
        assert!(error.contains("database.url") && !error.contains("hush"), "{error}");
    }
    let error = from_environment(&[("KINORA_STORE_URL", "s3://me:hush@bucket")]).unwrap_err();
    assert!(error.contains("expected s3://BUCKET") && !error.contains("hush"), "{error}");
    let mut config = Config::default();
    config.store.url = Some("s3://me:hu@sh@bucket/a@b".into());
    let text = config.to_toml().unwrap();
    assert!(text.contains("s3://[redacted]@bucket/a@b") && !text.contains("hu@sh"), "{text}");
}

#[test]
fn what_cannot_work_is_refused() {
    for (text, words) in [
        ("[worker]\nslots = 0\n", "worker.slots is 0"),
        ("[worker]\nnice = -5\n", "worker.nice"),
        ("[server]\nlisten = \"0.0.0.0:80\"\n", "set server.public_url"),
        ("[server]\npublic_url = \"media.example\"\n", "server.public_url"),
        ("[origin]\npublic_url = \"https://m.example/path\"\n", "origin.public_url"),
        ("[origin]\nlisten = \"127.0.0.1:8080\"\n", "another port"),
        ("[origin]\nlisten = \"localhost\"\n", "unix:/PATH"),
        ("[origin]\nlisten = \"unix:/run/kinora.sock\"\n", "origin.public_url"),
        ("[origin]\ntls_key = \"key.pem\"\n", "origin.tls_certificate"),
        ("[origin]\nproxy_protocol = \"10.0.0.0/40\"\n", "origin.proxy_protocol"),
        ("[queue]\nurl = \"sqlite://data/kinora.sqlite\"\n", "one file"),
    ] {
        let error = from_file(text).unwrap_err();
        assert!(error.contains(words), "{error}");
    }
}

#[test]
fn addresses_follow_what_is_bound_unless_told() {
    let bound = "127.0.0.1:4711".parse().unwrap();
    let config = from_file("[server]\npublic_url = \"https://k.example/\"\n").unwrap();
    assert_eq!(config.gateway_url(bound), "https://k.example");
    assert_eq!(config.origin_url(&bound.into()), "http://127.0.0.1:4711");
    let anywhere = from_environment(&[
        ("KINORA_SERVER_LISTEN", "127.0.0.1:0"),
        ("KINORA_ORIGIN_LISTEN", "127.0.0.1:0"),
    ]);
    assert_eq!(anywhere.unwrap().origin.listen.to_string(), "127.0.0.1:0");
}

#[test]
fn services_get_their_part() {
    let encoder = ("KINORA_WORKER_ENCODER", "/opt/kinora-encoder");
    let pairs = [encoder, ("KINORA_WORKER_SLOTS", "5"), ("KINORA_TRANSCODING_LEASE_MS", "9000")];
    let config = from_environment(&pairs).unwrap();
    let worker = config.to_worker().unwrap();
    assert_eq!((worker.slots, worker.encoder.as_path()), (5, Path::new("/opt/kinora-encoder")));
    assert_eq!(worker.scratch_dir, Path::new("data/scratch"));
    let transcoding = config.to_transcoding();
    assert_eq!((transcoding.lease_ms, transcoding.max_in_flight), (9000, 10));
}

#[test]
fn a_store_in_s3_is_told_where_it_is_and_keeps_its_secret() {
    let s3 = |url| vec![("KINORA_STORE_URL", url), ("KINORA_STORE_ACCESS_KEY_ID", "me")];
    let secret = ("KINORA_STORE_SECRET_ACCESS_KEY", "hush");
    let read = |pairs: Vec<_>| match from_environment(&pairs).unwrap().store().unwrap() {
        StoreConfig::S3(config) => config,
        StoreConfig::Files(path) => panic!("{}", path.display()),
    };
    let mut pairs = s3("s3://films/media");
    pairs.push(secret);
    let amazon = read(pairs.clone());
    assert_eq!(amazon.endpoint, "https://s3.us-east-1.amazonaws.com");
    assert!(!amazon.path_style && amazon.location.prefix == "media/");
    assert_eq!(amazon.credentials.secret_access_key, "hush");
    pairs.extend([("KINORA_STORE_ENDPOINT", "http://h:9000"), ("KINORA_STORE_REGION", "here")]);
    let own = read(pairs.clone());
    assert!(own.path_style && own.endpoint == "http://h:9000" && own.region == "here");
    pairs.push(("KINORA_STORE_PATH_STYLE", "false"));
    assert!(!read(pairs.clone()).path_style);

    let config = from_environment(&pairs).unwrap();
    let shown = format!("{config:?}{}", config.to_toml().unwrap());
    assert!(shown.contains("secret_access_key = \"[redacted]\"") && !shown.contains("hush"));

    let folder = TempDir::new().unwrap();
    let file = folder.path().join("secret");
    fs::write(&file, "from a file\n").unwrap();
    let mut pairs = s3("s3://films");
    pairs.push(("KINORA_STORE_SECRET_ACCESS_KEY_FILE", file.to_str().unwrap()));
    assert_eq!(read(pairs.clone()).credentials.secret_access_key, "from a file");
    fs::remove_file(&file).unwrap();
    assert!(from_environment(&pairs).unwrap().store().is_err());
}

#[test]
fn what_s3_lacks_or_files_do_not_need_is_named() {
    for (text, words) in [
        ("url = \"s3://films\"", "store.access_key_id is missing"),
        ("url = \"s3://films\"\naccess_key_id = \"me\"", "KINORA_STORE_SECRET_ACCESS_KEY"),
        ("url = \"s3://Films\"", "store.url: 's3://Films': expected s3://BUCKET"),
        ("url = \"file:///x\"\nregion = \"here\"", "store.region is set"),
        ("url = \"gs://films\"", "expected file://PATH or s3://BUCKET/PREFIX"),
        ("path_style = \"yes\"", "path_style"),
    ] {
        let error = from_file(&format!("[store]\n{text}\n")).unwrap_err();
        assert!(error.contains(words), "{error}");
    }
}
