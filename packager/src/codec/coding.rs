//! What manifests say of a sample entry that is handed on as it is.

use super::{AudioSpecificConfig, av1, avc::profile, dolby, esds, vp9};
use crate::{
    PackagerError,
    bitstream::{avc, hevc},
    cmaf::AAC_ROLL,
    read::{ReadError, SampleEntry},
};

/// Opus needs 80 ms of sound before the first that is right (RFC 7845 4.6); packets of 20 ms.
const OPUS_ROLL: i16 = -4;

/// How a picture is coded.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Coding {
    /// RFC 6381 `codecs` value.
    pub codecs: String,
    /// The range of its brightness.
    pub range: VideoRange,
}

/// The range of brightness (RFC 8216bis 4.4.6.2, VIDEO-RANGE).
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord)]
pub enum VideoRange {
    /// Standard.
    #[default]
    Sdr,
    /// Hybrid log-gamma.
    Hlg,
    /// SMPTE ST 2084.
    Pq,
}

impl VideoRange {
    /// Of a TransferCharacteristics code point (ISO/IEC 23091-2).
    fn of_transfer(transfer: u16) -> Self {
        match transfer {
            16 => Self::Pq,
            18 => Self::Hlg,
            _ => Self::Sdr,
        }
    }

    /// As HLS writes it.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Sdr => "SDR",
            Self::Hlg => "HLG",
            Self::Pq => "PQ",
        }
    }
}

/// How sound is coded.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SoundCoding {
    /// RFC 6381 `codecs` value.
    pub codecs: String,
    /// Channels; the sample entry's where the configuration does not say.
    pub channels: u16,
    /// Samples a second, where the configuration says.
    pub sample_rate: Option<u32>,
    /// Samples to decode before the one wanted, as a negative number.
    pub(crate) roll: Option<i16>,
}

/// Of a visual sample entry: AVC, HEVC, AV1 or VP9. Where its `colr` says nothing of colours, the
/// parameter sets in its configuration do.
///
/// # Errors
/// When the entry is of another kind, or its configuration is missing or damaged.
pub fn of_video(entry: &SampleEntry<'_>) -> Result<Coding, PackagerError> {
    let code = code(entry);
    let config = |name: &'static [u8; 4]| needed(entry, name, entry.video_box(name));
    let colour = entry.video_box(b"colr").map_err(damaged)?.and_then(nclx);
    let mut transfer = colour.map(|[_, transfer, ..]| transfer);
    let cut = |record| move || malformed(record, "cut short");
    let codecs = match &entry.code() {
        b"avc1" | b"avc3" => {
            let record = config(b"avcC")?;
            let [profile, constraints, level] = profile(record).ok_or_else(cut("avcC"))?;
            let said = || avc::ParameterSets::of_record(record)?.0.first_sps()?.transfer;
            transfer = transfer.or_else(|| said().map(u16::from));
            format!("{code}.{profile:02x}{constraints:02x}{level:02x}")
        }
        b"hvc1" | b"hev1" => {
            let record = config(b"hvcC")?;
            let said = || hevc::ParameterSets::of_record(record)?.0.first_sps()?.transfer;
            transfer = transfer.or_else(|| said().map(u16::from));
            format!("{code}.{}", super::hevc::profile(record).ok_or_else(cut("hvcC"))?)
        }
        b"av01" => {
            format!("{code}.{}", av1::profile(config(b"av1C")?, colour).ok_or_else(cut("av1C"))?)
        }
        b"vp09" => {
            let (codecs, said) = vp9::profile(config(b"vpcC")?).ok_or_else(cut("vpcC"))?;
            transfer = transfer.or(Some(said));
            format!("{code}.{codecs}")
        }
        _ => return Err(PackagerError::Codec { code }),
    };
    Ok(Coding { codecs, range: VideoRange::of_transfer(transfer.unwrap_or(0)) })
}

/// Of an audio sample entry: AAC and what else `mp4a` holds, AC-3, E-AC-3, Opus or FLAC.
///
/// # Errors
/// When the entry is of another kind, or its configuration is missing or damaged.
pub fn of_sound(entry: &SampleEntry<'_>) -> Result<SoundCoding, PackagerError> {
    let config = |name: &'static [u8; 4]| needed(entry, name, entry.audio_box(name));
    let cut = |record| move || malformed(record, "cut short");
    let fields = entry.audio().map_err(damaged)?;
    let plain = |codecs: &str, channels: u16| SoundCoding {
        codecs: codecs.to_owned(),
        channels,
        sample_rate: None,
        roll: None,
    };
    Ok(match &entry.code() {
        b"mp4a" => return mpeg4(config(b"esds")?, fields.channels),
        b"ac-3" => plain("ac-3", dolby::ac3_channels(config(b"dac3")?).ok_or_else(cut("dac3"))?),
        b"ec-3" => plain("ec-3", dolby::eac3_channels(config(b"dec3")?).ok_or_else(cut("dec3"))?),
        b"Opus" => {
            // Version, then channels (Opus in ISOBMFF 4.3.2).
            let channels = *config(b"dOps")?.get(1).ok_or_else(cut("dOps"))?;
            SoundCoding { roll: Some(OPUS_ROLL), ..plain("Opus", u16::from(channels)) }
        }
        b"fLaC" => plain("fLaC", fields.channels),
        _ => return Err(PackagerError::Codec { code: code(entry) }),
    })
}

/// `mp4a` (RFC 6381 3.3): the object type, and for MPEG-4 audio the audio object type.
fn mpeg4(esds: &[u8], channels: u16) -> Result<SoundCoding, PackagerError> {
    let stream = esds::read(esds).ok_or_else(|| malformed("esds", "cut short"))?;
    if stream.object_type != esds::MPEG4_AUDIO {
        let codecs = format!("mp4a.{:02x}", stream.object_type);
        return Ok(SoundCoding { codecs, channels, sample_rate: None, roll: None });
    }
    let asc = AudioSpecificConfig::parse(stream.specific)?;
    Ok(SoundCoding {
        codecs: format!("mp4a.40.{}", asc.object_type),
        channels: asc.channels.unwrap_or(channels),
        sample_rate: Some(asc.sample_rate),
        roll: Some(AAC_ROLL),
    })
}

/// Primaries, transfer, matrix and full range of a `colr` box of kind `nclx` (12.1.5).
pub(super) type Nclx = [u16; 4];

fn nclx(colr: &[u8]) -> Option<Nclx> {
    let fields = colr.strip_prefix(b"nclx")?.first_chunk::<7>()?;
    let word = |at: usize| u16::from_be_bytes([fields[at], fields[at + 1]]);
    Some([word(0), word(2), word(4), u16::from(fields[6] >> 7)])
}

fn code(entry: &SampleEntry<'_>) -> String {
    entry.code().iter().map(|&b| if b.is_ascii_graphic() { b as char } else { '.' }).collect()
}

fn needed<'a>(
    entry: &SampleEntry<'_>,
    name: &'static [u8; 4],
    found: Result<Option<&'a [u8]>, ReadError>,
) -> Result<&'a [u8], PackagerError> {
    found.map_err(damaged)?.ok_or_else(|| PackagerError::DecoderConfig {
        record: std::str::from_utf8(name).unwrap_or("decoder configuration"),
        problem: format!("there is none in the sample entry {}", code(entry)),
    })
}

fn damaged(error: ReadError) -> PackagerError {
    malformed("sample entry", &error.to_string())
}

fn malformed(record: &'static str, problem: &str) -> PackagerError {
    PackagerError::DecoderConfig { record, problem: problem.to_owned() }
}
