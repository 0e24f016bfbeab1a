//! Finds the files of the watch page, so that the binary carries them.

use std::{env, fs, path::Path};

const FILES: [(&str, &str); 6] = [
    ("index.html", "watch/index.html"),
    ("watch.css", "watch/watch.css"),
    ("watch.js", "watch/watch.js"),
    ("timeline.js", "watch/timeline.js"),
    ("icon.svg", "watch/icon.svg"),
    ("hls.min.js", "node_modules/hls.js/dist/hls.min.js"),
];

fn main() {
    let variable = |name| env::var(name).unwrap_or_else(|_| panic!("cargo sets {name}"));
    let web = Path::new(&variable("CARGO_MANIFEST_DIR")).join("../../web");
    let out = variable("OUT_DIR");
    for (name, source) in FILES {
        let source = web.join(source);
        println!("cargo::rerun-if-changed={}", source.display());
        if let Err(error) = fs::copy(&source, Path::new(&out).join(name)) {
            panic!("{}: {error}: run 'npm ci' in web/ first", source.display());
        }
    }
}
