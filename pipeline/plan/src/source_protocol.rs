//! How a child reads its source: ranges over the Unix stream socket that is its standard input.
//!
//! A request is 16 bytes, two little-endian `u64`: offset and length (1 to [`MAX_LENGTH`]). The
//! answer is a little-endian `i64`, then that many bytes: fewer than asked only at the end of the
//! source; negative means the read failed and nothing follows. One request at a time. The worker
//! closes the socket to take the source away.
//!
//! A child that was started with `--series` asks for its next task the same way: the request is
//! [`NEXT_TASK`], the answer's bytes are an [`EncoderSpec`](crate::encoder::EncoderSpec) as JSON. No
//! bytes, or a negative answer, are the end of the series.

/// The longest range of one request, bytes.
pub const MAX_LENGTH: u64 = 4 << 20;
/// The longest task sent over the socket, bytes: that of a long film whose every frame is a key
/// frame.
pub const MAX_TASK: u64 = 64 << 20;
/// Bytes of a request.
pub const REQUEST_LEN: usize = 16;
/// Bytes before the data of an answer.
pub const ANSWER_LEN: usize = 8;
/// The answer when the worker could not read the source.
pub const READ_FAILED: i64 = -1;
/// The answer to a request longer than [`MAX_LENGTH`] or of length 0.
pub const BAD_REQUEST: i64 = -2;
/// The request for the next task. As a range it would be [refused](BAD_REQUEST).
pub const NEXT_TASK: [u8; REQUEST_LEN] =
    [0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0, 0, 0, 0, 0, 0, 0, 0];

/// A request for `length` bytes from `offset`.
pub fn encode_request(offset: u64, length: u64) -> [u8; REQUEST_LEN] {
    let mut request = [0; REQUEST_LEN];
    request[..8].copy_from_slice(&offset.to_le_bytes());
    request[8..].copy_from_slice(&length.to_le_bytes());
    request
}

/// The offset and length of a request; `None` if the length is out of bounds.
pub fn decode_request(request: [u8; REQUEST_LEN]) -> Option<(u64, u64)> {
    let (offset, length) = request.split_at(8);
    let number = |bytes: &[u8]| bytes.try_into().map(u64::from_le_bytes).ok();
    let (offset, length) = (number(offset)?, number(length)?);
    (1..=MAX_LENGTH).contains(&length).then_some((offset, length))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn requests_survive_the_wire_and_are_bounded() {
        assert_eq!(decode_request(encode_request(7, 9)), Some((7, 9)));
        assert_eq!(decode_request(encode_request(0, 0)), None);
        assert_eq!(encode_request(u64::MAX, 0), NEXT_TASK);
        assert_eq!(decode_request(NEXT_TASK), None, "it is no range");
        assert_eq!(decode_request(encode_request(0, MAX_LENGTH + 1)), None);
    }
}
