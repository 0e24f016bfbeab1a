//! Files made to do harm: pointers to elsewhere, claims nobody can fulfil. The sandbox is switched
//! off, so that what refuses them is the program, and the kernel only a second line.

use std::{net::TcpListener, path::Path, process::Command};

use kinora_plan::encoder::{Failure, FailureKind, Message, Outcome, ProbeSpec};

use crate::clip::{Wanted, generate};

/// What a child that may use 1 GiB says of a file.
fn probe(bytes: &[u8], change: impl FnOnce(&mut ProbeSpec)) -> Result<Outcome, Failure> {
    let folder = tempfile::tempdir().unwrap();
    let (file, task) = (folder.path().join("file.mp4"), folder.path().join("spec.json"));
    std::fs::write(&file, bytes).unwrap();
    let mut spec = ProbeSpec::new(bytes.len() as u64);
    change(&mut spec);
    let spec = kinora_plan::encoder::EncoderSpec::Probe(spec);
    std::fs::write(&task, serde_json::to_vec(&spec).unwrap()).unwrap();
    let output = Command::new(env!("CARGO_BIN_EXE_kinora-encoder"))
        .args(["probe", "--sandbox", "off", "--memory-limit-mib", "1024", "--spec"])
        .arg(&task)
        .arg("--file")
        .arg(&file)
        .current_dir(folder.path())
        .output()
        .unwrap();
    let text = String::from_utf8(output.stdout).unwrap();
    let last = text.lines().last().unwrap_or_else(|| panic!("{:?}", output.status));
    match serde_json::from_str(last).unwrap() {
        Message::Done(outcome) => Ok(outcome),
        Message::Failed(failure) => Err(failure),
        other => panic!("{other:?}"),
    }
}

#[track_caller]
fn refused(bytes: &[u8], code: &str, words: &str) {
    let failure = probe(bytes, |_| ()).expect_err("it must be refused");
    assert_eq!((failure.kind, failure.code.as_str()), (FailureKind::Input, code), "{failure:?}");
    assert!(failure.message.contains(words), "{failure:?}");
}

fn mp4_box(kind: &[u8; 4], body: &[&[u8]]) -> Vec<u8> {
    let body = body.concat();
    let size = u32::try_from(body.len() + 8).unwrap().to_be_bytes();
    [&size[..], kind, &body].concat()
}

fn ftyp() -> Vec<u8> {
    mp4_box(b"ftyp", &[b"qt  \0\0\0\0qt  "])
}

/// A reference movie (QuickTime File Format, "Movie reference movies") to `address`.
fn reference_movie(kind: &[u8; 4], address: &str) -> Vec<u8> {
    let length = u32::try_from(address.len() + 1).unwrap().to_be_bytes();
    let rdrf = mp4_box(b"rdrf", &[&[0; 4], kind, &length, address.as_bytes(), b"\0"]);
    let moov = mp4_box(b"moov", &[&mp4_box(b"rmra", &[&mp4_box(b"rmda", &[&rdrf])])]);
    [ftyp(), moov].concat()
}

/// A whole film whose `dref` says that its media lies at `address`.
fn moved_away(kind: &[u8; 4], address: &str) -> Vec<u8> {
    let clip = generate(&Wanted { frames: 5, ..Wanted::default() });
    let mut bytes = std::fs::read(&clip.path).unwrap();
    let at = bytes.windows(4).position(|window| window == b"dref").expect("a film has one");
    let entry = at + 4 + 8;
    let size = u32::from_be_bytes(bytes[entry..entry + 4].try_into().unwrap()) as usize;
    let moved = mp4_box(kind, &[&[0; 4], address.as_bytes(), b"\0"]);
    let grown = moved.len() - size;
    bytes.splice(entry..entry + size, moved);
    for folder in [b"dref", b"dinf", b"minf", b"mdia", b"trak", b"moov"] {
        let at = bytes[..entry].windows(4).rposition(|window| window == folder).unwrap() - 4;
        let old = u32::from_be_bytes(bytes[at..at + 4].try_into().unwrap());
        let new = old + u32::try_from(grown).unwrap();
        bytes[at..at + 4].copy_from_slice(&new.to_be_bytes());
    }
    bytes
}

#[test]
fn pointers_to_elsewhere_are_refused_and_nothing_is_fetched() {
    let listener = TcpListener::bind(("127.0.0.1", 0)).unwrap();
    listener.set_nonblocking(true).unwrap();
    let http = format!("http://{}/film.mp4", listener.local_addr().unwrap());
    // A film that would play, if anybody read it.
    let clip = generate(&Wanted { frames: 5, ..Wanted::default() });
    let file = format!("file://{}", clip.path.display());
    let read_before = accessed(&clip.path);
    for address in [&http, &file] {
        refused(&reference_movie(b"url ", address), "reference", "reference movie");
        refused(&moved_away(b"url ", address), "reference", "another file");
        refused(&moved_away(b"alis", address), "reference", "another file");
        let hls =
            format!("#EXTM3U\n#EXT-X-TARGETDURATION:4\n#EXTINF:4,\n{address}\n#EXT-X-ENDLIST\n");
        refused(hls.as_bytes(), "reference", "list of other files");
        // Behind a tag, so that the playlist is what a demuxer finds inside.
        let tagged = [b"ID3\x03\0\0\0\0\0\x0a".as_slice(), &[0; 10], hls.as_bytes()].concat();
        assert!(probe(&tagged, |_| ()).is_err());
        let dash = format!(
            "<?xml version=\"1.0\"?>\n<MPD xmlns=\"urn:mpeg:dash:schema:mpd:2011\" type=\"static\">\
             <Period><AdaptationSet><Representation id=\"1\" bandwidth=\"1\"><BaseURL>{address}\
             </BaseURL></Representation></AdaptationSet></Period></MPD>"
        );
        refused(dash.as_bytes(), "reference", "list of other files");
        let asx = format!("<asx version=\"3.0\"><entry><ref href=\"{address}\"/></entry></asx>");
        assert!(probe(asx.as_bytes(), |_| ()).is_err());
        let asf = format!("[Reference]\r\nRef1={address}\r\nRef2={address}\r\n");
        assert!(probe(asf.as_bytes(), |_| ()).is_err());
        assert!(probe(format!("{address}\n").as_bytes(), |_| ()).is_err());
        let sdp = "v=0\r\no=- 0 0 IN IP4 127.0.0.1\r\ns=x\r\nc=IN IP4 127.0.0.1\r\nt=0 0\r\n\
                   m=video 5004 RTP/AVP 96\r\na=rtpmap:96 H264/90000\r\n";
        assert!(probe(sdp.as_bytes(), |_| ()).is_err());
    }
    assert!(listener.accept().is_err(), "somebody connected");
    assert_eq!(accessed(&clip.path), read_before, "somebody read the other file");
}

/// When a file was last read; on a filesystem that does not keep that, always the same.
fn accessed(path: &Path) -> std::time::SystemTime {
    std::fs::metadata(path).unwrap().accessed().unwrap()
}

/// A film with `value` instead of the number of four bytes at `offset` of its first box `kind`.
fn claiming(kind: &[u8; 4], offset: usize, value: u32) -> Vec<u8> {
    let clip = generate(&Wanted { frames: 5, ..Wanted::default() });
    let mut bytes = std::fs::read(&clip.path).unwrap();
    let at = bytes.windows(4).position(|window| window == kind).expect("it has this box");
    bytes[at + 4 + offset..at + 8 + offset].copy_from_slice(&value.to_be_bytes());
    bytes
}

#[test]
fn a_billion_frames_end_within_the_memory_there_is() {
    // Samples of one size, so that the table needs no room in the file (stsz), each shown for
    // a tick (stts).
    for (kind, offset) in [(b"stsz", 8), (b"stts", 8), (b"stco", 4), (b"stsc", 8)] {
        let word = String::from_utf8_lossy(kind).into_owned();
        match probe(&claiming(kind, offset, 1_000_000_000), |_| ()) {
            Ok(Outcome::Probe(report)) => {
                let video = report.video.expect("what is there is a picture");
                assert!(video.frames <= 10, "{word}: {}", video.frames);
            }
            Ok(other) => panic!("{word}: {other:?}"),
            Err(failure) => assert_ne!(failure.kind, FailureKind::Resource, "{word}: {failure:?}"),
        }
    }
}

#[test]
fn a_picture_of_ten_billion_pixels_is_refused_by_its_header() {
    // Matroska says the size itself, in front of codec data that no decoder is asked about.
    let mut mkv = b"\x1a\x45\xdf\xa3\x8b\x42\x82\x88matroska".to_vec();
    let wide = |id: &[u8]| [id, &[0x84], &100_000_u32.to_be_bytes()[..]].concat();
    let video = [wide(&[0xb0]), wide(&[0xba])].concat();
    let video = [&[0xe0, 0x80 | video.len() as u8][..], &video].concat();
    let entry =
        [&[0xd7, 0x81, 1, 0x73, 0xc5, 0x81, 1, 0x83, 0x81, 1, 0x86, 0x85][..], b"V_VP8", &video]
            .concat();
    let entry = [&[0xae, 0x80 | entry.len() as u8][..], &entry].concat();
    let tracks = [&[0x16, 0x54, 0xae, 0x6b, 0x80 | entry.len() as u8][..], &entry].concat();
    let block = |time: u8| [&[0xa3, 0x8e, 0x81, 0, time, 0x80][..], &[0x10; 10]].concat();
    let blocks: Vec<u8> = (0..20).flat_map(block).collect();
    let size = 0x4000_u16 | (blocks.len() as u16 + 3);
    let cluster =
        [&[0x1f, 0x43, 0xb6, 0x75][..], &size.to_be_bytes(), &[0xe7, 0x81, 0], &blocks].concat();
    let segment = [tracks, cluster].concat();
    let size = (0x1000_0000_u32 | segment.len() as u32).to_be_bytes();
    mkv.extend([&[0x18, 0x53, 0x80, 0x67][..], &size, &segment].concat());
    refused(&mkv, "too_large", "100000×100000");
}

#[test]
fn what_is_faster_or_has_more_tracks_than_allowed_is_refused() {
    let clip = generate(&Wanted { frames: 30, ..Wanted::default() });
    let bytes = std::fs::read(&clip.path).unwrap();
    assert!(probe(&bytes, |_| ()).is_ok());
    let failure = probe(&bytes, |spec| spec.max_frame_rate = 20).unwrap_err();
    assert_eq!(failure.code, "frame_rate_too_high");
    assert!(failure.message.contains("at most 20"), "{failure:?}");

    let folder = tempfile::tempdir().unwrap();
    let many = folder.path().join("many.mkv");
    let mut ffmpeg = Command::new("ffmpeg");
    ffmpeg.args(["-loglevel", "error", "-f", "lavfi", "-i", "sine=duration=0.2"]);
    for _ in 0..70 {
        ffmpeg.args(["-map", "0"]);
    }
    assert!(ffmpeg.args(["-c:a", "pcm_s16le"]).arg(&many).status().unwrap().success());
    let bytes = std::fs::read(&many).unwrap();
    refused(&bytes, "too_many_tracks", "more than 64");
    assert!(probe(&bytes, |spec| spec.max_tracks = 100).is_ok());
}

#[test]
fn a_rate_that_is_only_claimed_is_measured() {
    // 1000 frames a second, says the header; the times say 25.
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("claim.mkv");
    let made = Command::new("ffmpeg")
        .args(["-loglevel", "error", "-f", "lavfi", "-i", "testsrc=s=64x64:r=25:d=2"])
        .args(["-c:v", "mpeg4", "-bsf:v", "null", "-video_track_timescale", "1000"])
        .arg(&path)
        .status()
        .unwrap();
    assert!(made.success());
    let mut bytes = std::fs::read(&path).unwrap();
    // DefaultDuration (0x23E383), nanoseconds: a millisecond.
    if let Some(at) = bytes.windows(3).position(|window| window == [0x23, 0xe3, 0x83]) {
        let length = usize::from(bytes[at + 3] & 0x7f);
        let claim = 1_000_000_u64.to_be_bytes();
        bytes[at + 4..at + 4 + length].copy_from_slice(&claim[8 - length..]);
    }
    let Ok(Outcome::Probe(report)) = probe(&bytes, |_| ()) else { panic!("it is an honest film") };
    assert_eq!(report.video.unwrap().frame_rate.to_string(), "25/1");
}
