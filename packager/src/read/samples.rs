//! The samples of a track, one after the other, from tables and runs read in place.

use super::{Problem, ReadError, Track, moof::RunSamples, moov::stbl::TableSamples};

/// One sample: a coded picture, a frame of sound.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Sample {
    /// Where its bytes begin in the file.
    pub offset: u64,
    /// Bytes. They lie inside the file.
    pub size: u32,
    /// When it is decoded, ticks of the track.
    pub decode_time: u64,
    /// Ticks.
    pub duration: u32,
    /// When it is shown less when it is decoded, ticks; before any edit list.
    pub composition_offset: i32,
    /// Whether decoding can start here.
    pub key: bool,
    /// Its sample entry, counted from 0.
    pub entry: u32,
}

/// Walks the samples of a track in decoding order; ends after the first error.
#[derive(Debug, Clone)]
pub struct Samples<'t> {
    tables: TableSamples<'t>,
    runs: std::slice::Iter<'t, super::moof::Run<'t>>,
    run: Option<RunSamples<'t>>,
    decode_time: u64,
    file_length: u64,
    entries: u32,
    ended: bool,
}

impl<'t> Samples<'t> {
    pub(super) fn new(track: &'t Track<'_>) -> Self {
        Self {
            tables: TableSamples::new(&track.tables),
            runs: track.runs.iter(),
            run: None,
            decode_time: 0,
            file_length: track.file_length,
            entries: track.entries.len() as u32,
            ended: false,
        }
    }

    fn advance(&mut self) -> Result<Option<Sample>, ReadError> {
        if let Some(sample) = self.tables.next(self.decode_time)? {
            return Ok(Some(sample));
        }
        loop {
            if let Some(run) = &mut self.run
                && let Some(sample) = run.next(self.decode_time)?
            {
                return Ok(Some(sample));
            }
            let Some(run) = self.runs.next() else { return Ok(None) };
            self.decode_time = run.decode_time.unwrap_or(self.decode_time);
            self.run = Some(run.samples());
        }
    }

    /// What every sample must keep to, wherever it is described.
    fn checked(&mut self, sample: Sample) -> Result<Sample, ReadError> {
        let Sample { offset, size, .. } = sample;
        if offset.saturating_add(u64::from(size)) > self.file_length {
            return Err(ReadError::new(offset, Problem::Outside { offset, size: u64::from(size) }));
        }
        if sample.entry >= self.entries {
            let value = u64::from(sample.entry) + 1;
            let problem = Problem::Value { what: "a sample description index", value };
            return Err(ReadError::new(offset, problem));
        }
        let overflow = Problem::Contradiction("decode times do not fit 64 bits");
        self.decode_time = sample
            .decode_time
            .checked_add(u64::from(sample.duration))
            .ok_or_else(|| ReadError::new(offset, overflow))?;
        Ok(sample)
    }
}

impl Iterator for Samples<'_> {
    type Item = Result<Sample, ReadError>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.ended {
            return None;
        }
        let found = self.advance().transpose()?;
        let found = found.and_then(|sample| self.checked(sample));
        self.ended = found.is_err();
        Some(found)
    }
}
