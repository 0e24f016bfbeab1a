//! The sample tables `stts`, `stsc`, `stsz`, `stco` (14496-12 8.6.1.2, 8.7.3 to 8.7.5): required
//! in every track, and empty where all samples are in fragments.

use super::BoxWriter;

pub(crate) fn write_empty(w: &mut BoxWriter) {
    w.full_box(b"stts", 0, 0, |w| w.u32(0));
    w.full_box(b"stsc", 0, 0, |w| w.u32(0));
    w.full_box(b"stsz", 0, 0, |w| w.zeros(8)); // sample_size, sample_count
    w.full_box(b"stco", 0, 0, |w| w.u32(0));
}

#[cfg(test)]
mod tests {
    #[test]
    fn four_tables_without_entries() {
        let bytes = crate::boxes::written(super::write_empty);
        assert_eq!(bytes.len(), 16 + 16 + 20 + 16);
        assert_eq!(bytes[48..52], [0, 0, 0, 0]);
    }
}
