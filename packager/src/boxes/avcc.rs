//! AVC configuration (14496-15 5.4.2.1).

use super::BoxWriter;

pub(crate) fn write(w: &mut BoxWriter, record: &[u8]) {
    w.boxed(b"avcC", |w| w.bytes(record));
}

#[cfg(test)]
mod tests {
    #[test]
    fn holds_the_record_as_it_is() {
        assert_eq!(crate::boxes::written(|w| super::write(w, &[1, 2])), b"\0\0\0\x0aavcC\x01\x02");
    }
}
