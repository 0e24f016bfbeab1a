//! Content codings: which one a client takes (RFC 9110 12.5.3), and the bytes in it.

use std::io::{self, Write as _};

use bytes::Bytes;
use http::{HeaderMap, header};

/// A form of the bytes of a manifest.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) enum Coding {
    Identity,
    Gzip,
    Brotli,
    Zstd,
}

/// Best first: manifests are encoded once and sent often, so the smallest wins.
const PREFERRED: [Coding; 3] = [Coding::Brotli, Coding::Zstd, Coding::Gzip];

/// Longer fields are not worth reading.
const MOST_BYTES: usize = 1024;

impl Coding {
    /// What to send to a client that sends `headers`: of what it takes with the greatest weight,
    /// the smallest. Identity where it takes nothing else, even if it refuses that too, for a
    /// manifest that cannot be read helps more than none.
    pub(crate) fn accepted(headers: &HeaderMap) -> Self {
        let fields = headers.get_all(header::ACCEPT_ENCODING).into_iter();
        let fields: Vec<_> = fields.filter_map(|value| value.to_str().ok()).collect();
        if fields.iter().map(|field| field.len()).sum::<usize>() > MOST_BYTES {
            return Self::Identity;
        }
        let weight = |name: &str| {
            let listed = || fields.iter().flat_map(|field| field.split(',')).map(weighted);
            let of = |name: &str| {
                listed().find(|(token, _)| token.eq_ignore_ascii_case(name)).map(|(_, q)| q)
            };
            of(name).or_else(|| of("*")).unwrap_or(0)
        };
        let mut best = (Self::Identity, 0);
        for coding in PREFERRED {
            let weight = weight(coding.token().unwrap_or_default());
            if weight > best.1 {
                best = (coding, weight);
            }
        }
        best.0
    }

    /// As Content-Encoding says it; identity is not said.
    pub(crate) fn token(self) -> Option<&'static str> {
        match self {
            Self::Identity => None,
            Self::Gzip => Some("gzip"),
            Self::Brotli => Some("br"),
            Self::Zstd => Some("zstd"),
        }
    }

    /// `bytes` in this coding.
    pub(crate) fn encode(self, bytes: Bytes) -> io::Result<Bytes> {
        let encoded = match self {
            Self::Identity => return Ok(bytes),
            Self::Gzip => {
                let level = flate2::Compression::new(6);
                let mut encoder = flate2::write::GzEncoder::new(Vec::new(), level);
                encoder.write_all(&bytes)?;
                encoder.finish()?
            }
            Self::Brotli => {
                // Its slowest levels take a hundred times as long for a tenth less.
                let mut encoder = brotli::CompressorWriter::new(Vec::new(), 4096, 5, 20);
                encoder.write_all(&bytes)?;
                encoder.into_inner()
            }
            Self::Zstd => zstd::bulk::compress(&bytes, 9)?,
        };
        Ok(encoded.into())
    }
}

/// A coding and its weight in thousandths; what cannot be read weighs nothing.
fn weighted(element: &str) -> (&str, u32) {
    let mut pieces = element.split(';').map(str::trim);
    let token = pieces.next().unwrap_or_default();
    let weight = pieces.find_map(|piece| {
        let (name, value) = piece.split_once('=')?;
        name.trim().eq_ignore_ascii_case("q").then(|| value.trim().parse::<f32>().ok())?
    });
    let weight = weight.unwrap_or(if element.contains(';') { 0.0 } else { 1.0 });
    (token, (weight.clamp(0.0, 1.0) * 1000.0) as u32)
}

#[cfg(test)]
mod tests {
    use std::io::Read as _;

    use http::HeaderValue;

    use super::*;

    #[test]
    fn weights_decide_and_then_size() {
        let cases = [
            (None, Coding::Identity),
            (Some(""), Coding::Identity),
            (Some("identity"), Coding::Identity),
            (Some("gzip"), Coding::Gzip),
            (Some("GZIP"), Coding::Gzip),
            (Some("gzip, deflate, br, zstd"), Coding::Brotli),
            (Some("gzip, deflate, zstd"), Coding::Zstd),
            (Some("gzip;q=1, br;q=0.5"), Coding::Gzip),
            (Some("gzip ; q=0.5, br;q=0"), Coding::Gzip),
            (Some("br;q=0, *"), Coding::Zstd),
            (Some("*"), Coding::Brotli),
            (Some("*;q=0"), Coding::Identity),
            (Some("gzip;q=nonsense"), Coding::Identity),
            (Some("gzip;q=NaN"), Coding::Identity),
            (Some("gzip;q=9"), Coding::Gzip),
            (Some("deflate, compress"), Coding::Identity),
        ];
        for (value, coding) in cases {
            let field =
                value.map(|value| (header::ACCEPT_ENCODING, HeaderValue::from_static(value)));
            let headers: HeaderMap = field.into_iter().collect();
            assert_eq!(Coding::accepted(&headers), coding, "{value:?}");
        }
        let long = HeaderValue::from_str(&"gzip,".repeat(1000)).unwrap();
        let headers = HeaderMap::from_iter([(header::ACCEPT_ENCODING, long)]);
        assert_eq!(Coding::accepted(&headers), Coding::Identity, "not worth reading");
    }

    #[test]
    fn what_is_encoded_decodes() {
        let text = Bytes::from("#EXTINF:2.0,\n".repeat(1000));
        for coding in PREFERRED {
            let encoded = coding.encode(text.clone()).unwrap();
            assert!(encoded.len() * 10 < text.len(), "{coding:?} {}", encoded.len());
            let mut decoded = Vec::new();
            match coding {
                Coding::Identity => unreachable!("not among them"),
                Coding::Gzip => {
                    flate2::read::GzDecoder::new(&encoded[..]).read_to_end(&mut decoded).unwrap();
                }
                Coding::Brotli => {
                    brotli::Decompressor::new(&encoded[..], 4096)
                        .read_to_end(&mut decoded)
                        .unwrap();
                }
                Coding::Zstd => decoded = zstd::bulk::decompress(&encoded, text.len()).unwrap(),
            }
            assert_eq!(decoded, text, "{coding:?}");
        }
    }
}
