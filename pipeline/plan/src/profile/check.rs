//! Collecting what is wrong with values that are of the right type.

use std::fmt::Display;
use std::ops::RangeInclusive;

/// Faults by key path, `video.steps.1.crf`.
#[derive(Debug, Default)]
pub(super) struct Faults(pub(super) Vec<(String, String)>);

impl Faults {
    pub(super) fn add(&mut self, key: &str, message: String) {
        self.0.push((key.to_owned(), message));
    }

    pub(super) fn range<T: PartialOrd + Display>(
        &mut self,
        key: &str,
        value: T,
        range: RangeInclusive<T>,
    ) {
        if !range.contains(&value) {
            let (least, most) = range.into_inner();
            self.add(key, format!("{value} is out of range: expected {least} to {most}"));
        }
    }
}
