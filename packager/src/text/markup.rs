//! SubRip's markup as WebVTT's (WebVTT 4.2.2).

/// Tags both formats have.
const KEPT: [&str; 6] = ["b", "/b", "i", "/i", "u", "/u"];
/// Entities SubRip files use and WebVTT knows.
const ENTITIES: [&str; 5] = ["&amp;", "&lt;", "&gt;", "&nbsp;", "&quot;"];

/// One line: bold, italic and underline stay, `font` and ASS overrides (`{\an8}`) go, all else
/// is text.
pub(super) fn to_vtt(line: &str) -> String {
    let mut out = String::with_capacity(line.len() + 8);
    let last_brace = line.rfind('}').unwrap_or_default();
    let mut rest = line;
    while let Some(c) = rest.chars().next() {
        let tail = &rest[c.len_utf8()..];
        // What never ends is not looked for again at each beginning.
        let ends = line.len() - rest.len() < last_brace;
        rest = match c {
            '<' => tag(tail, &mut out),
            '{' => match tail.strip_prefix('\\').filter(|_| ends).and_then(|o| o.split_once('}')) {
                Some((_override, after)) => after,
                None => {
                    out.push('{');
                    tail
                }
            },
            '&' => {
                let known = ENTITIES.iter().any(|entity| rest.starts_with(entity));
                out.push_str(if known { "&" } else { "&amp;" });
                tail
            }
            '>' => {
                out.push_str("&gt;");
                tail
            }
            '\0' => {
                out.push('\u{fffd}');
                tail
            }
            _ => {
                out.push(c);
                tail
            }
        };
    }
    out
}

/// Plain text as WebVTT cue text, on one line.
pub(super) fn escape(text: &str) -> String {
    let mut out = String::with_capacity(text.len() + 8);
    for c in text.chars() {
        match c {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '\0' => out.push('\u{fffd}'),
            c if c.is_control() => out.push(' '),
            c => out.push(c),
        }
    }
    out
}

/// What follows a `<` of which `tail` is the rest of the line; what comes after it. No tag holds
/// another `<`, so the line is looked through once.
fn tag<'a>(tail: &'a str, out: &mut String) -> &'a str {
    let end = tail.find(['<', '>']).filter(|&end| tail[end..].starts_with('>'));
    if let Some(end) = end {
        let (name, after) = (tail[..end].to_ascii_lowercase(), &tail[end + 1..]);
        if KEPT.contains(&name.as_str()) {
            out.push('<');
            out.push_str(&name);
            out.push('>');
            return after;
        }
        if name == "font" || name == "/font" || name.starts_with("font ") {
            return after;
        }
    }
    out.push_str("&lt;");
    tail
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keeps_what_webvtt_knows() {
        for (from, to) in [
            ("<I>a</I> <b>b</b>", "<i>a</i> <b>b</b>"),
            ("<font face='x'>a</font>", "a"),
            ("{\\an8}a {b}", "a {b}"),
            ("a < b > c & d &amp; e", "a &lt; b &gt; c &amp; d &amp; e"),
            ("<c.x>", "&lt;c.x&gt;"),
            ("<", "&lt;"),
            ("{\\", "{\\"),
        ] {
            assert_eq!(to_vtt(from), to);
        }
    }
}
