//! Everything we write, read by the crate `mp4-atom`: what it finds is what went in.

use kinora_packager::{
    PackagerError,
    cmaf::{self, Event, Moment, ProducerTime, SegmentKind, segment},
    crypt::Scheme,
    package::Method,
};
use mp4_atom::{
    Any, Codec, Decode as _, EmsgTimestamp, Moof, Moov, ReferenceTime, Sidx, TrunSamples,
};

use crate::{
    crypt::{clips::Clip, encryption, tracks},
    fixtures::{audio_config, audio_frames, gop, video_config},
    package::{OPTIONS, film, packaged, written},
};

/// The boxes at the top of a file, each of a kind that it knows.
fn atoms(mut bytes: &[u8]) -> Vec<Any> {
    let mut found = Vec::new();
    while !bytes.is_empty() {
        let atom = Any::decode(&mut bytes).unwrap();
        assert!(!matches!(atom, Any::Unknown(..)), "{atom:?}");
        found.push(atom);
    }
    found
}

fn moov(atoms: &[Any]) -> &Moov {
    let found =
        atoms.iter().find_map(|atom| if let Any::Moov(it) = atom { Some(it) } else { None });
    found.unwrap()
}

fn moofs(atoms: &[Any]) -> Vec<&Moof> {
    atoms.iter().filter_map(|atom| if let Any::Moof(it) = atom { Some(it) } else { None }).collect()
}

/// Durations, sizes and composition offsets of a fragment.
fn samples(moof: &Moof) -> Vec<(u32, u32, i64)> {
    let [traf] = &moof.traf[..] else { panic!("{} tracks", moof.traf.len()) };
    let [trun] = &traf.trun[..] else { panic!("{} runs", traf.trun.len()) };
    let TrunSamples::Explicit(rows) = &trun.samples else { panic!("rows are explicit") };
    // What all have in common stands in the fragment's header (CMAF: nothing is left to `trex`).
    let row = |row: &mp4_atom::TrunEntry| {
        let duration = row.duration.or(traf.tfhd.default_sample_duration);
        let size = row.size.or(traf.tfhd.default_sample_size);
        (duration.unwrap(), size.unwrap(), row.cts.unwrap_or_default())
    };
    rows.iter().map(row).collect()
}

#[test]
fn segments_tell_of_events_and_of_when_they_were_made() {
    let units = gop(7000, 3000, 9);
    let plain = segment(SegmentKind::Video, 3, 7000, &units).unwrap();
    let produced = ProducerTime { moment: Moment::Written, ntp: 99 << 32, media_time: 7000 };
    let event = Event {
        scheme_id_uri: "urn:scte:scte35:2013:bin",
        value: "1",
        timescale: 90_000,
        presentation_time: 9000,
        duration: Some(450),
        id: 7,
        message: b"break",
    };
    let bytes = cmaf::announce(&plain, Some(produced), &[event, event]).unwrap();
    let found = atoms(&bytes);
    let [
        Any::Styp(_),
        Any::Prft(prft),
        Any::Emsg(first),
        Any::Emsg(again),
        Any::Moof(_),
        Any::Mdat(_),
    ] = &found[..]
    else {
        panic!("{found:?}")
    };
    assert_eq!((prft.reference_track_id, prft.ntp_timestamp, prft.media_time), (1, 99 << 32, 7000));
    assert_eq!(prft.utc_time_semantics, ReferenceTime::Written);
    assert_eq!((&*first.scheme_id_uri, &*first.value, first.id), (event.scheme_id_uri, "1", 7));
    assert_eq!((first.timescale, first.event_duration), (90_000, 450));
    assert_eq!(first.presentation_time, EmsgTimestamp::Absolute(9000));
    assert_eq!(first.message_data, event.message);
    assert_eq!(first, again);
    // All but those boxes is as it was.
    assert_eq!(atoms(&plain)[1..], found[4..]);
    assert_eq!(cmaf::announce(&plain, None, &[]).unwrap(), plain);
    for bad in [&b""[..], b"\0\0\0\x08moof", b"\0\0\0\x10styp", b"\0\0\0\0styp"] {
        assert_eq!(cmaf::announce(bad, None, &[]), Err(PackagerError::NoSegmentType), "{bad:?}");
    }
    let wrong = [
        Event { timescale: 0, ..event },
        Event { value: "a\0b", ..event },
        Event { message: &[0; cmaf::MAX_EVENT_BYTES], ..event },
    ];
    for wrong in wrong {
        assert!(cmaf::announce(&plain, None, &[wrong]).is_err());
    }
}

#[test]
fn segments_say_what_went_in() {
    let units = gop(7000, 3000, 9);
    let sound = audio_frames(1024, 5);
    let (video, audio) = (SegmentKind::Video, SegmentKind::Audio);
    let cases = [
        (cmaf::video_init(&video_config()), segment(video, 3, 7000, &units), &units, 7000),
        (cmaf::audio_init(&audio_config()), segment(audio, 3, 1024, &sound), &sound, 1024),
    ];
    for (init, segment, units, start) in cases {
        let init = atoms(&init.unwrap());
        let [trak] = &moov(&init).trak[..] else { panic!("one track") };
        let stsd = &trak.mdia.minf.stbl.stsd.codecs;
        assert!(matches!(stsd[..], [Codec::Avc1(_)] | [Codec::Mp4a(_)]), "{stsd:?}");
        let segment = segment.unwrap();
        let found = atoms(&segment);
        let codes: Vec<_> = found.iter().map(|atom| atom.kind().to_string()).collect();
        assert_eq!(codes, ["styp", "moof", "mdat"]);
        let moof = moofs(&found)[0];
        assert_eq!(moof.mfhd.sequence_number, 3);
        assert_eq!(moof.traf[0].tfdt.as_ref().unwrap().base_media_decode_time, start);
        let mut decoded = start as i64;
        for ((duration, size, shown), unit) in samples(moof).into_iter().zip(units) {
            assert_eq!((duration, size as usize), (unit.duration, unit.data.len()));
            assert_eq!(decoded + shown, unit.pts);
            decoded += i64::from(duration);
        }
        assert_eq!(samples(moof).len(), units.len());
        // The data begin where the run says, counted from the fragment.
        let offset = moof.traf[0].trun[0].data_offset.unwrap();
        let begin = segment.windows(4).position(|window| window == b"moof").unwrap() - 4;
        let data: Vec<u8> = units.iter().flat_map(|unit| unit.data.to_vec()).collect();
        assert!(segment[begin + offset as usize..] == data);
    }
}

#[test]
fn single_files_have_an_index_of_their_fragments() {
    let files = [film()];
    packaged(&files, OPTIONS, |package| {
        for track in 0..package.outputs.len() {
            let bytes = written(package, track, &files);
            let found = atoms(&bytes);
            let sidx: &Sidx = found
                .iter()
                .find_map(|atom| if let Any::Sidx(it) = atom { Some(it) } else { None })
                .unwrap();
            let moofs = moofs(&found);
            assert_eq!(sidx.references.len(), moofs.len());
            assert_eq!((sidx.earliest_presentation_time, sidx.first_offset), (0, 0));
            let indexed: u64 = sidx.references.iter().map(|it| u64::from(it.referenced_size)).sum();
            let output = &package.outputs[track];
            assert_eq!(indexed as usize, bytes.len() - output.init.len() - output.index.len());
            // Decode times are sums of all durations before.
            let mut decoded = 0;
            for moof in moofs {
                let tfdt = moof.traf[0].tfdt.as_ref().unwrap();
                assert_eq!(tfdt.base_media_decode_time, decoded);
                decoded += samples(moof).iter().map(|row| u64::from(row.0)).sum::<u64>();
            }
            let edits = moov(&found).trak[0].edts.as_ref().and_then(|edts| edts.elst.as_ref());
            let media_time = edits.map(|elst| elst.entries[0].media_time);
            assert_eq!(media_time, (track == 1).then_some(Some(1024)));
        }
    });
}

/// Of encrypted fragments it reads what tells where they are encrypted.
#[test]
fn encrypted_fragments_say_where() {
    let files = [Clip::Avc.bytes()];
    for scheme in [Scheme::Cenc, Scheme::Cbcs] {
        let sealed = tracks(&files, Some(&encryption(Method::Samples(scheme))));
        for (bytes, is_video) in sealed.iter().zip([true, false]) {
            // It has no name for entries that are encrypted, nor for `pssh`: past those.
            let first = bytes.windows(4).position(|window| window == b"moof").unwrap() - 4;
            for moof in moofs(&atoms(&bytes[first..])) {
                let [traf] = &moof.traf[..] else { panic!("one track") };
                // Sound in `cbcs` is whole, under the vector of the track.
                let described = usize::from(is_video || scheme == Scheme::Cenc);
                assert_eq!((traf.saiz.len(), traf.saio.len()), (described, described));
                assert_eq!(traf.senc.is_some(), described == 1);
                let count = samples(moof).len();
                assert!(traf.saiz.iter().all(|saiz| saiz.sample_count as usize == count));
            }
        }
    }
}
