//! SegmentBase (ISO/IEC 23009-1 5.3.9.2): a representation in one file, with an index of its
//! subsegments.

use std::convert::Infallible;

use super::xml::Xml;
use crate::delivery::SingleFile;

pub(super) fn write(xml: &mut Xml, timescale: u32, file: SingleFile, uri: &str) {
    xml.text("BaseURL", uri);
    let timescale = timescale.to_string();
    // Ranges name their last byte.
    let index = format!("{}-{}", file.init, file.media().saturating_sub(1));
    let init = format!("0-{}", file.init.saturating_sub(1));
    let base = [("timescale", &*timescale), ("indexRange", &*index), ("indexRangeExact", "true")];
    let Ok(()) = xml.element("SegmentBase", &base, |xml| {
        xml.empty("Initialization", &[("range", &init)]);
        Ok::<(), Infallible>(())
    });
}
