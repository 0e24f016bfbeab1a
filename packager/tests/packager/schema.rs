//! Every kind of MPD that we write, held against MPEG's own schema (ISO/IEC 23009-1 Annex B).
//!
//! The schema is MPEG's (github.com/MPEGGroup/DASHSchema) and not part of the project: where
//! `KINORA_DASH_SCHEMA` does not name it, the test says so and does nothing.

use std::{
    fs,
    path::{Path, PathBuf},
    process::Command,
};

use kinora_media::Status;
use kinora_packager::dash;

use crate::fixtures::{head, pictures, tracks};

/// What MPEG's schema imports from W3C, as far as an MPD may use it.
const XLINK: &str = r#"<?xml version="1.0"?>
<xs:schema xmlns:xs="http://www.w3.org/2001/XMLSchema" targetNamespace="http://www.w3.org/1999/xlink">
  <xs:attribute name="type" type="xs:string"/>
  <xs:attribute name="href" type="xs:anyURI"/>
  <xs:attribute name="show" type="xs:string"/>
  <xs:attribute name="actuate" type="xs:string"/>
</xs:schema>
"#;

#[test]
fn every_mpd_is_valid() {
    let Some(schema) = schema() else { return };
    let folder = tempfile();
    let mut mpds = snapshots();
    let (mut head, pages) = head(tracks(), 3, Status::Complete);
    head.pictures = Some(pictures());
    mpds.push(("thumbnails".into(), dash::mpd(&head, &pages).unwrap()));
    assert!(mpds.len() >= 8, "{} manifests", mpds.len());
    for (name, mpd) in &mpds {
        let said = validate(&schema, &folder, mpd);
        assert!(said.ends_with("validates\n"), "{name}: {said}\n{mpd}");
    }
    // It does judge.
    let wrong = mpds[0].1.replace("minBufferTime", "minimumBufferTime");
    assert!(validate(&schema, &folder, &wrong).contains("minimumBufferTime"));
    fs::remove_dir_all(folder).unwrap();
}

fn schema() -> Option<String> {
    let path = std::env::var_os("KINORA_DASH_SCHEMA").map(PathBuf::from);
    let text = path.as_ref().and_then(|path| fs::read_to_string(path).ok());
    if text.is_none() {
        eprintln!("skipped: KINORA_DASH_SCHEMA names no DASH-MPD.xsd of MPEG's ({path:?})");
    }
    text
}

fn tempfile() -> PathBuf {
    let folder = std::env::temp_dir().join(format!("kinora-schema-{}", std::process::id()));
    fs::create_dir_all(&folder).unwrap();
    folder
}

/// The manifests that tests keep: what is rendered is equal to them, or those tests fail.
fn snapshots() -> Vec<(String, String)> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/packager/snapshots");
    let mut found = Vec::new();
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        let text = fs::read_to_string(&path).unwrap();
        if let Some(from) = text.find("<?xml").filter(|_| text.contains("<MPD ")) {
            found.push((path.display().to_string(), text[from..].to_owned()));
        }
    }
    found
}

/// What xmllint says.
fn validate(schema: &str, folder: &Path, mpd: &str) -> String {
    let at = |name: &str| folder.join(name);
    let local = format!("schemaLocation=\"{}\"", at("xlink.xsd").display());
    let remote = "schemaLocation=\"http://www.w3.org/XML/2008/06/xlink.xsd\"";
    assert!(schema.contains(remote), "the schema imports another xlink");
    fs::write(at("xlink.xsd"), XLINK).unwrap();
    fs::write(at("DASH-MPD.xsd"), schema.replace(remote, &local)).unwrap();
    fs::write(at("dash.mpd"), mpd).unwrap();
    let run = Command::new("xmllint")
        .args(["--nonet", "--noout", "--schema"])
        .args([at("DASH-MPD.xsd"), at("dash.mpd")])
        .output()
        .expect("libxml2-utils is installed by deploy/bootstrap.sh test");
    String::from_utf8_lossy(&run.stderr).into_owned()
}
