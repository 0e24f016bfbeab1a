//! Text tracks of HLS: WebVTT in MP4 is nothing that its players take (RFC 8216bis 3.1.4), so files are
//! made of it.

use std::ops::Range;

use super::{Output, Package, PackageError};
use crate::{
    codec::TextForm,
    delivery::TextSamples,
    read::{Problem, ReadError},
    text::{Cues, MAX_BYTES, WebVtt},
};

/// Why cues could not be read.
#[derive(Debug, thiserror::Error)]
pub enum CuesError<E> {
    /// They are damaged, or too many.
    #[error(transparent)]
    Package(#[from] PackageError),
    /// Their bytes could not be had.
    #[error(transparent)]
    Fetch(E),
}

impl Package<'_> {
    /// Reads the cues of tracks of WebVTT (`wvtt`), so that HLS has them, too: they are among
    /// [`Self::caption_files`] then. `fetch` gives ranges of a source's file ([`super::Source::file`]).
    /// Without it only DASH lists such tracks.
    ///
    /// # Errors
    /// When cues are damaged or too many, and what `fetch` answers.
    pub fn read_cues<E>(
        &mut self,
        mut fetch: impl FnMut(usize, Range<u64>) -> Result<Vec<u8>, E>,
    ) -> Result<(), CuesError<E>> {
        for output in &self.outputs {
            if output.text() != Some(TextForm::WebVtt) {
                continue;
            }
            let text = cues(output, |range| fetch(output.file, range))?;
            self.captions.retain(|(id, _)| *id != output.id);
            self.captions.push((output.id.clone(), text));
            self.delivery.text.insert(output.id.clone(), TextSamples::Dash { files: true });
        }
        Ok(())
    }
}

fn cues<E>(
    output: &Output<'_>,
    mut fetch: impl FnMut(Range<u64>) -> Result<Vec<u8>, E>,
) -> Result<WebVtt, CuesError<E>> {
    let damaged = |error: ReadError| {
        CuesError::Package(PackageError::Read { name: output.name().to_owned(), error })
    };
    let entry = &output.source.track.entries[output.survey.entry as usize];
    let header = entry.text_box(b"vttC").map_err(damaged)?;
    let mut cues = Cues::begin(header.unwrap_or_default());
    let mut bytes = 0_u64;
    for group in output.groups(output.first()) {
        let group = group?;
        bytes = bytes.saturating_add(group.bytes);
        let (count, max) = (bytes, MAX_BYTES as u64);
        if count > max {
            let problem = Problem::TooMany { what: "bytes of cues", count, max };
            let at = group.media.first().map_or(0, |range| range.start);
            return Err(damaged(ReadError::new(at, problem)));
        }
        let mut media = Vec::new();
        for range in group.media.iter().filter(|range| !range.is_empty()) {
            media.push((range.start, fetch(range.clone()).map_err(CuesError::Fetch)?));
        }
        let mut samples = Laid::new(&media);
        let mut decoded = group.decoded;
        for sample in &group.samples {
            let end = decoded.saturating_add(u64::from(sample.duration));
            let (at, sample) = samples.take(sample.size as usize);
            let millis = |ticks: u64| ticks_ms(ticks, output.place.timescale);
            cues.add((millis(decoded), millis(end)), sample, at).map_err(damaged)?;
            decoded = end;
        }
    }
    Ok(cues.finish())
}

fn ticks_ms(ticks: u64, timescale: u32) -> u64 {
    let ticks = i64::try_from(ticks).unwrap_or(i64::MAX);
    kinora_media::ticks::rescale(ticks, u64::from(timescale), 1000).max(0).unsigned_abs()
}

/// Samples as they lie in ranges, none of them in two.
struct Laid<'a> {
    ranges: std::slice::Iter<'a, (u64, Vec<u8>)>,
    at: u64,
    left: &'a [u8],
}

impl<'a> Laid<'a> {
    fn new(ranges: &'a [(u64, Vec<u8>)]) -> Self {
        Self { ranges: ranges.iter(), at: 0, left: &[] }
    }

    /// The next sample and where it lies; what `fetch` left out of it is missing.
    fn take(&mut self, size: usize) -> (u64, &'a [u8]) {
        if self.left.is_empty()
            && size > 0
            && let Some((at, bytes)) = self.ranges.next()
        {
            (self.at, self.left) = (*at, bytes);
        }
        let (sample, left) = self.left.split_at(size.min(self.left.len()));
        let at = self.at;
        (self.at, self.left) = (at.saturating_add(size as u64), left);
        (at, sample)
    }
}
