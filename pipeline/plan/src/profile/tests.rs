use super::*;

fn faults(text: &str) -> Vec<(usize, usize, String, String)> {
    let error = Profile::parse("mine.toml", text).unwrap_err();
    error.faults.into_iter().map(|f| (f.line, f.column, f.key, f.message)).collect()
}

#[test]
fn every_built_in_profile_is_read() {
    let set = ProfileSet::built_in();
    let names: Vec<_> = set.iter().map(|named| named.name.as_str()).collect();
    assert_eq!(names, ["default", "fast", "quality"]);
    assert_eq!(set.default_profile().name, "default");
    assert!(set.iter().all(|named| named.built_in && !named.profile.description.is_empty()));
    let fast = &set.get("fast").unwrap().profile;
    // What it leaves out is the default's; its list is its own.
    assert_eq!(fast.audio, Profile::default().audio);
    assert_eq!(fast.video.gop_seconds, Profile::default().video.gop_seconds);
    assert_eq!(fast.video.steps.len(), 3);
}

#[test]
fn the_default_file_names_and_explains_every_key() {
    let text = file::DEFAULT;
    let written = toml::to_string(&Profile::default()).unwrap();
    let keys = written.lines().filter_map(|line| line.split_once(" = ").map(|(key, _)| key));
    let mut count = 0;
    for key in keys.chain(["tune", "x264"]) {
        let explained = text.lines().any(|line| line.starts_with('#') && line.contains(key));
        let after_comment = text
            .lines()
            .zip(text.lines().skip(1))
            .any(|(above, line)| line.starts_with(&format!("{key} = ")) && above.starts_with('#'));
        assert!(explained || after_comment, "{key} is not explained");
        count += 1;
    }
    assert!(count > 15, "{written}");
}

#[test]
fn an_empty_file_is_the_default() {
    assert_eq!(Profile::parse("empty.toml", "").unwrap(), Profile::default());
}

#[test]
fn a_file_names_only_what_it_changes() {
    let text = "passthrough = false\n[audio]\nstereo_bitrate = 96000\nloudness_lufs = -18\n";
    let profile = Profile::parse("mine.toml", text).unwrap();
    assert!(!profile.passthrough);
    assert_eq!((profile.audio.stereo_bitrate, profile.audio.loudness_lufs), (96_000, -18));
    assert_eq!(profile.audio.max_tracks, Profile::default().audio.max_tracks);
    assert_eq!(profile.video, Profile::default().video);
}

#[test]
fn mistakes_are_shown_where_they_are() {
    let text = "[video]\ngop_seconds = 9\n\n[[video.steps]]\nheight = 720\nmax_kbps = 99999999\n\
                crf = 23\npreset = \"fast\"\nx264 = { keyint = 1, ref = 9 }\n\n[[video.steps]]\n\
                height = 720\nmax_kbps = 100\ncrf = 51\npreset = \"fast\"\n";
    let error = Profile::parse("mine.toml", text).unwrap_err();
    insta::assert_snapshot!(error.to_string());
}

#[test]
fn an_unknown_key_a_wrong_word_and_a_wrong_type_are_named() {
    let cases = [
        ("passtrough = true\n", (1, 1, "passtrough"), "unknown field `passtrough`, expected"),
        ("[video]\ndevice = 3\n", (2, 10, "video.device"), "invalid type: integer `3`"),
        (
            "[[video.steps]]\nheight = 720\nmax_kbps = 1\ncrf = 1\npreset = \"turbo\"\n",
            (5, 10, "video.steps[0].preset"),
            "unknown variant `turbo`, expected one of `ultrafast`",
        ),
        ("[[video.steps]]\nheight = 720\n", (1, 1, "video.steps[0]"), "missing field `max_kbps`"),
        ("video = 3\n", (1, 9, "video"), "invalid type: integer `3`"),
        ("[audio]\nstereo_bitrate = -1\n", (2, 18, "audio.stereo_bitrate"), "invalid value"),
    ];
    for (text, (line, column, key), message) in cases {
        let found = faults(text);
        assert_eq!(found.len(), 1, "{found:?}");
        let (at_line, at_column, at_key, said) = &found[0];
        assert_eq!((*at_line, *at_column, at_key.as_str()), (line, column, key), "{text}");
        assert!(said.contains(message), "{said}");
    }
}

#[test]
fn several_errors_of_form_come_together() {
    let found = faults("description = \n[video\ngop_seconds = 2 2\n");
    assert!(found.len() >= 2, "{found:?}");
    assert_eq!(found[0].0, 1);
}

#[test]
fn a_fault_in_what_was_inherited_points_to_the_table_that_broke_it() {
    // 3 does not divide the inherited 4.
    let found = faults("passthrough = true\n[video]\ngop_seconds = 3\n");
    assert_eq!((found[0].0, found[0].2.as_str()), (2, "video.segment_seconds"));
}

#[test]
fn wide_letters_and_huge_files_do_no_harm() {
    let found = faults("description = \"日本\" x\n");
    assert_eq!(found[0].0, 1);
    assert!(Profile::parse("huge.toml", &" ".repeat(300_000)).is_err());
    let long = format!("description = \"{}\"\n", "é".repeat(201));
    assert_eq!(faults(&long)[0].2, "description");
}

#[test]
fn options_are_checked_by_name_and_value() {
    let step = |x264: &str| {
        let text = format!(
            "[[video.steps]]\nheight = 720\nmax_kbps = 2000\ncrf = 20\npreset = \"slow\"\n\
             tune = \"film\"\nx264 = {{ {x264} }}\n"
        );
        Profile::parse("mine.toml", &text)
    };
    let good = "aq-mode = 3, aq-strength = 0.8, mbtree = false, psy-rd = \"0.8:0.1\", me = \"umh\", \
                partitions = \"i4x4,p8x8\", deblock = \"-1:-1\", ref = 4";
    let profile = step(good).unwrap();
    let options: Vec<_> = profile.video.steps[0].x264.iter().collect();
    assert_eq!(options[..3], [("aq-mode", "3"), ("aq-strength", "0.8"), ("deblock", "-1:-1")]);
    assert_eq!(profile.video.steps[0].x264.get("mbtree"), Some("0"));
    let bad = [
        "keyint = 30",
        "threads = 4",
        "aq-mode = 4",
        "ref = 16",
        "me = \"esa\"",
        "mbtree = 2",
        "psy-rd = \"1:0:keyint=1\"",
        "psy-rd = \"inf:0\"",
        "partitions = \"p8x8:crf=1\"",
        "deblock = 3",
        "aq-strength = \"1e400\"",
        "aq-strength = nan",
    ];
    for option in bad {
        assert!(step(option).is_err(), "{option}");
    }
}

#[test]
fn names_of_profiles_are_plain() {
    for name in ["default", "tv-2", "a_b", "x"] {
        assert!(is_profile_name(name), "{name}");
    }
    for name in ["", "Default", "a b", "../x", "a.toml", "ü", &"x".repeat(65)] {
        assert!(!is_profile_name(name), "{name}");
    }
}

#[test]
fn a_set_takes_own_profiles_in_and_lists_them_when_one_is_missing() {
    let mut set = ProfileSet::built_in();
    set.add("tv", "tv.toml", "passthrough = false\n").unwrap();
    set.add("fast", "fast.toml", "description = \"mine\"\n").unwrap();
    assert_eq!(set.get("fast").unwrap().profile.description, "mine");
    assert!(!set.get("fast").unwrap().built_in);
    set.set_default("tv").unwrap();
    assert!(!set.default_profile().profile.passthrough);
    let error = set.find("tb").unwrap_err().to_string();
    assert_eq!(error, "there is no profile 'tb'; choose one of default, fast, quality, tv");
    assert!(set.set_default("none").is_err());
    assert!(set.add("bad", "bad.toml", "crf = 1\n").is_err() && set.get("bad").is_none());
}
