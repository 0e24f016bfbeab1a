//! WebVTT in MP4 (ISO/IEC 14496-30 clause 6): samples of boxes become cues again.

use super::{Cue, MAX_CUES, WebVtt, decode, lines, vtt};
use crate::read::{BoxRef, Children, Fields, Problem, ReadError};

/// Puts the cues of a track together, sample by sample. A cue that is shown longer than a sample lasts
/// stands in several that follow each other.
#[derive(Debug, Default)]
pub(crate) struct Cues {
    text: WebVtt,
    /// What the sample before showed, and which cue that is.
    shown: Vec<(Shown, usize)>,
    /// When that sample ended.
    end_ms: u64,
}

/// What is equal in all samples of a cue.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Shown {
    /// Which cue it is, where that is said.
    source: Option<u32>,
    id: Option<String>,
    settings: String,
    text: String,
}

impl Cues {
    /// With the styles and regions of a track's header (`vttC`), where it is one.
    pub(crate) fn begin(header: &[u8]) -> Self {
        let header = decode(header).map(lines::numbered).unwrap_or_default();
        let text = vtt::parse(&header).unwrap_or_default();
        Self { text: WebVtt { cues: Vec::new(), ..text }, ..Self::default() }
    }

    /// Adds a sample that lies at `offset` in its file.
    ///
    /// # Errors
    /// When its boxes are damaged, or there are more than [`MAX_CUES`].
    pub(crate) fn add(
        &mut self,
        (start_ms, end_ms): (u64, u64),
        sample: &[u8],
        offset: u64,
    ) -> Result<(), ReadError> {
        let before = std::mem::take(&mut self.shown);
        let goes_on = start_ms <= self.end_ms;
        self.end_ms = end_ms;
        for child in Children(Fields::new(sample, offset)) {
            let child = child?;
            // Others say that nothing is shown, or are notes.
            if child.code != *b"vttc" {
                continue;
            }
            let shown = child.read_with(shown)?;
            let same = before.iter().find(|(other, _)| goes_on && *other == shown);
            let cue = match same {
                Some((_, cue)) => *cue,
                None => self.begin_cue(&shown, start_ms, child.offset)?,
            };
            self.text.cues[cue].end_ms = end_ms;
            self.shown.push((shown, cue));
        }
        Ok(())
    }

    /// All cues, by start.
    pub(crate) fn finish(mut self) -> WebVtt {
        self.text.cues.retain(|cue| cue.start_ms < cue.end_ms && !cue.text.is_empty());
        self.text
    }

    fn begin_cue(&mut self, shown: &Shown, start_ms: u64, at: u64) -> Result<usize, ReadError> {
        let cues = &mut self.text.cues;
        let (count, max) = (cues.len() as u64 + 1, MAX_CUES as u64);
        if count > max {
            return Err(ReadError::new(at, Problem::TooMany { what: "cues", count, max }));
        }
        let Shown { id, settings, text, .. } = shown.clone();
        cues.push(Cue { id, start_ms, end_ms: start_ms, settings, text });
        Ok(cues.len() - 1)
    }
}

fn shown(cue: &BoxRef<'_>) -> Result<Shown, ReadError> {
    let mut shown = Shown { source: None, id: None, settings: String::new(), text: String::new() };
    for child in cue.children() {
        child?.read_with(|child| {
            let mut fields = child.fields();
            let text = || {
                let problem = Problem::Contradiction("it is not UTF-8");
                std::str::from_utf8(fields.rest())
                    .map_err(|_| ReadError::new(fields.offset(), problem))
            };
            match &child.code {
                b"iden" => shown.id = Some(line(text()?)).filter(|id| !id.is_empty()),
                b"sttg" => shown.settings = vtt::settings(text()?),
                b"payl" => shown.text = payload(text()?),
                b"vsid" => shown.source = Some(fields.u32()?),
                _ => {}
            }
            Ok(())
        })?;
    }
    Ok(shown)
}

/// The text of a cue in a file: an empty line or an arrow would end it there.
fn payload(text: &str) -> String {
    let lines = lines::numbered(text);
    let kept = lines.iter().map(|line| self::line(line.text)).filter(|line| !line.is_empty());
    kept.collect::<Vec<_>>().join("\n")
}

fn line(text: &str) -> String {
    text.replace(['\n', '\r'], " ").replace('\0', "\u{fffd}").replace(lines::ARROW, "--&gt;")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn boxed(code: &[u8; 4], body: &[u8]) -> Vec<u8> {
        [&(body.len() as u32 + 8).to_be_bytes()[..], code, body].concat()
    }

    fn cue(text: &str) -> Vec<u8> {
        boxed(b"vttc", &boxed(b"payl", text.as_bytes()))
    }

    #[test]
    fn cues_are_put_together() {
        let header = b"WEBVTT\n\nSTYLE\n::cue { color: lime }\n\nREGION\nid:top\n";
        let mut cues = Cues::begin(header);
        let long = [
            boxed(b"iden", b"one"),
            boxed(b"sttg", b"line:0 bogus:1"),
            boxed(b"payl", b"<i>Long</i>\n\n--> here"),
        ];
        let long = boxed(b"vttc", &long.concat());
        let samples = [
            (0, 1000, boxed(b"vtte", b"")),
            (1000, 2000, long.clone()),
            (2000, 3000, [long.clone(), cue("Short")].concat()),
            (3000, 4000, [boxed(b"vtta", b"a note"), long].concat()),
            (4000, 5000, boxed(b"vtte", b"")),
            (5000, 6000, cue("Short")),
            // Nothing in between: it is the same cue; after a gap it is another.
            (6000, 7000, cue("Short")),
            (8000, 9000, cue("Short")),
        ];
        for (start, end, sample) in samples {
            cues.add((start, end), &sample, 0).unwrap();
        }
        let text = cues.finish();
        insta::assert_snapshot!(text, @r"
        WEBVTT

        STYLE
        ::cue { color: lime }

        REGION
        id:top

        one
        00:00:01.000 --> 00:00:04.000 line:0
        <i>Long</i>
        --&gt; here

        00:00:02.000 --> 00:00:03.000
        Short

        00:00:05.000 --> 00:00:07.000
        Short

        00:00:08.000 --> 00:00:09.000
        Short
        ");
        assert_eq!(crate::text::parse(text.to_string().as_bytes(), None), Ok(text));
    }

    #[test]
    fn sources_keep_equal_cues_apart() {
        let mut cues = Cues::default();
        for (second, source) in [(0, 1_u32), (1, 1), (2, 2)] {
            let body = [boxed(b"vsid", &source.to_be_bytes()), boxed(b"payl", b"Go")].concat();
            cues.add((second * 1000, second * 1000 + 1000), &boxed(b"vttc", &body), 0).unwrap();
        }
        let times: Vec<_> =
            cues.finish().cues.iter().map(|cue| (cue.start_ms, cue.end_ms)).collect();
        assert_eq!(times, [(0, 2000), (2000, 3000)]);
    }

    #[test]
    fn faults_name_the_box_and_the_place() {
        let add = |sample: &[u8]| Cues::default().add((0, 1), sample, 100).unwrap_err();
        let error = add(&boxed(b"vttc", &boxed(b"payl", &[0xff])));
        assert_eq!(error.to_string(), "vttc/payl at byte 116: it is not UTF-8");
        assert_eq!(add(b"\0\0\0\x20vttc").offset, 100);
        let error = add(&boxed(b"vttc", &boxed(b"vsid", &[0])));
        assert_eq!(error.path, "vttc/vsid");
    }
}
