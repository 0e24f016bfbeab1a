//! Pango markup as WebVTT's (WebVTT 4.2.2).

use crate::text::markup;

/// Tags both have.
const KEPT: [&str; 6] = ["b", "/b", "i", "/i", "u", "/u"];
/// Longest entity: `&#x10ffff;`.
const ENTITY_CHARS: usize = 10;

/// Bold, italic and underline stay; other tags and ASS overrides (`{\an8}`) go.
pub(super) fn to_vtt(text: &str) -> String {
    let mut out = String::with_capacity(text.len() + 8);
    let mut plain = String::new();
    let last = |close| text.rfind(close).unwrap_or_default();
    let (last_tag, last_brace) = (last('>'), last('}'));
    let mut rest = text;
    while let Some(c) = rest.chars().next() {
        let tail = &rest[c.len_utf8()..];
        let at = text.len() - rest.len();
        rest = match c {
            // What never ends is not looked for again at each beginning.
            '<' if at > last_tag => {
                plain.push(c);
                tail
            }
            '{' if at > last_brace => {
                plain.push(c);
                tail
            }
            '<' if let Some((name, after)) = tail.split_once('>') => {
                flush(&mut plain, &mut out);
                if KEPT.contains(&name) {
                    out.extend(["<", name, ">"]);
                }
                after
            }
            '{' if let Some((_, after)) =
                tail.strip_prefix('\\').and_then(|o| o.split_once('}')) =>
            {
                after
            }
            '&' => match entity(tail) {
                Some((c, after)) => {
                    plain.push(c);
                    after
                }
                None => {
                    plain.push('&');
                    tail
                }
            },
            c => {
                plain.push(c);
                tail
            }
        };
    }
    flush(&mut plain, &mut out);
    out
}

fn flush(plain: &mut String, out: &mut String) {
    let lines: Vec<_> = plain.split('\n').map(markup::escape).collect();
    out.push_str(&lines.join("\n"));
    plain.clear();
}

/// What stands for a character after `&`, and what follows it.
fn entity(tail: &str) -> Option<(char, &str)> {
    let end = tail.bytes().take(ENTITY_CHARS).position(|byte| byte == b';')?;
    let (name, after) = (&tail[..end], &tail[end + 1..]);
    let c = match name {
        "amp" => '&',
        "lt" => '<',
        "gt" => '>',
        "quot" => '"',
        "apos" => '\'',
        "nbsp" => '\u{a0}',
        _ => {
            let digits = name.strip_prefix('#')?;
            let code = match digits.strip_prefix(['x', 'X']) {
                Some(hex) => u32::from_str_radix(hex, 16),
                None => digits.parse(),
            };
            code.ok().and_then(char::from_u32)?
        }
    };
    Some((c, after))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn markup_is_reduced_to_what_webvtt_has() {
        for (from, to) in [
            ("<i>a</i> <b>b</b>", "<i>a</i> <b>b</b>"),
            ("<span foreground=\"red\">a</span>", "a"),
            ("Tom &amp; &lt;Jerry&gt; &apos;&#39;&#x27;", "Tom &amp; &lt;Jerry&gt; '''"),
            ("a & b < c", "a &amp; b &lt; c"),
            ("{\\an8}up {sic}", "up {sic}"),
            ("one\ntwo", "one\ntwo"),
            ("&unknown; &", "&amp;unknown; &amp;"),
        ] {
            assert_eq!(to_vtt(from), to, "{from}");
        }
    }
}
