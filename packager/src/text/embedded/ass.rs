//! Advanced SubStation Alpha, as far as WebVTT can follow it: text, bold, italic, underline, and
//! where it stands.

use std::collections::BTreeMap;

use crate::text::markup;

/// Fields before the text of a line in Matroska: ReadOrder, Layer, Style, Name, MarginL, MarginR,
/// MarginV, Effect.
const FIELDS_BEFORE_TEXT: usize = 8;
/// The field that names the style.
const STYLE_FIELD: usize = 2;
/// Styles remembered, at most.
const MAX_STYLES: usize = 1000;
/// Height scripts are written for when they do not say (as players assume).
const USUAL_SIZE: (u32, u32) = (384, 288);
/// The nine places are numbered as on a keypad; this is the usual one, bottom centre.
const USUAL_PLACE: u8 = 2;

/// What the script's header says of all lines.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AssHeader {
    /// Pixels that positions count in.
    size: (u32, u32),
    /// The place of each style.
    places: BTreeMap<String, u8>,
}

impl AssHeader {
    /// Reads `[Script Info]` and the styles; what is not understood is passed over.
    pub fn read(script: &str) -> Self {
        let mut header = Self { size: USUAL_SIZE, places: BTreeMap::new() };
        let mut format: Vec<String> = Vec::new();
        let mut old = false;
        for line in script.lines().map(str::trim) {
            let Some((key, value)) = line.split_once(':') else {
                if line.starts_with('[') {
                    old = line.eq_ignore_ascii_case("[V4 Styles]");
                }
                continue;
            };
            let number = || value.trim().parse().ok().filter(|n| *n > 0);
            match key {
                "PlayResX" => header.size.0 = number().unwrap_or(header.size.0),
                "PlayResY" => header.size.1 = number().unwrap_or(header.size.1),
                "Format" if header.places.is_empty() => {
                    format = value.split(',').map(|name| name.trim().to_owned()).collect();
                }
                "Style" if header.places.len() < MAX_STYLES => {
                    let fields: Vec<&str> = value.split(',').map(str::trim).collect();
                    let field = |name: &str| {
                        format.iter().position(|f| f == name).and_then(|at| fields.get(at))
                    };
                    let place = field("Alignment").and_then(|text| text.parse().ok());
                    let place = place.map(|n| if old { from_old(n) } else { n });
                    if let (Some(name), Some(place @ 1..=9)) = (field("Name"), place) {
                        header.places.insert((*name).trim_start_matches('*').to_owned(), place);
                    }
                }
                _ => {}
            }
        }
        header
    }
}

/// SubStation Alpha 4 counts 1 to 3 at the bottom, 5 to 7 at the top, 9 to 11 in the middle.
fn from_old(place: u8) -> u8 {
    match place {
        5..=7 => place + 2,
        9..=11 => place - 5,
        other => other,
    }
}

/// The text and the settings of a line; `None` if it is none.
pub(super) fn read(header: &AssHeader, line: &str) -> Option<(String, String)> {
    let mut fields = line.splitn(FIELDS_BEFORE_TEXT + 1, ',');
    let style = fields.nth(STYLE_FIELD)?.trim_start_matches('*');
    let text = fields.nth(FIELDS_BEFORE_TEXT - STYLE_FIELD - 1)?;
    let place = header.places.get(style).copied().unwrap_or(USUAL_PLACE);
    let mut reading = Reading { place, ..Reading::default() };
    let mut rest = text;
    while let Some((before, tail)) = rest.split_once('{') {
        reading.text(before);
        let Some((overrides, after)) = tail.split_once('}') else {
            rest = "";
            reading.text("{");
            reading.text(tail);
            break;
        };
        overrides.split('\\').skip(1).for_each(|command| reading.command(command));
        rest = after;
    }
    reading.text(rest);
    Some(reading.finish(header.size))
}

/// The settings of the first `{\an…}` of a text that is no script: SubRip files borrow it.
pub(super) fn place_in(text: &str) -> String {
    let found = text.split_once("{\\an").and_then(|(_, after)| after.split_once('}'));
    let place = found.and_then(|(place, _)| place.parse().ok()).filter(|n| (1..=9).contains(n));
    settings(place.unwrap_or(USUAL_PLACE))
}

#[derive(Default)]
struct Reading {
    out: String,
    /// Tags that are open, in order.
    open: Vec<char>,
    place: u8,
    position: Option<(u32, u32)>,
    drawing: bool,
}

impl Reading {
    fn text(&mut self, text: &str) {
        if self.drawing {
            return;
        }
        let text = text.replace("\\N", "\n").replace("\\n", "\n").replace("\\h", "\u{a0}");
        let lines: Vec<_> = text.split('\n').map(markup::escape).collect();
        self.out.push_str(&lines.join("\n"));
    }

    fn command(&mut self, command: &str) {
        let command = command.trim();
        if let Some(place) = command.strip_prefix("an") {
            self.place = place.parse().ok().filter(|n| (1..=9).contains(n)).unwrap_or(self.place);
        } else if let Some(at) = command.strip_prefix("pos(") {
            let numbers = at.trim_end_matches(')').split_once(',');
            let whole = |text: &str| text.trim().split('.').next()?.parse().ok();
            self.position = numbers.and_then(|(x, y)| Some((whole(x)?, whole(y)?)));
        } else if command == "r" {
            self.close(0);
        } else if let Some(scale) = command.strip_prefix('p')
            && let Ok(scale) = scale.parse::<u32>()
        {
            self.drawing = scale > 0;
        } else if let Some(tag) = command.chars().next().filter(|tag| "biu".contains(*tag)) {
            match &command[1..] {
                "" | "0" => self.end(tag),
                // Bold by weight.
                weight if weight.bytes().all(|b| b.is_ascii_digit()) => self.begin(tag),
                _ => {}
            }
        }
    }

    fn begin(&mut self, tag: char) {
        if !self.open.contains(&tag) {
            self.open.push(tag);
            self.out.extend(['<', tag, '>']);
        }
    }

    /// Tags nest: what was opened after it is closed with it and opened again.
    fn end(&mut self, tag: char) {
        if let Some(at) = self.open.iter().position(|open| *open == tag) {
            let after = self.open[at + 1..].to_vec();
            self.close(at);
            after.into_iter().for_each(|tag| self.begin(tag));
        }
    }

    fn close(&mut self, down_to: usize) {
        for tag in self.open.drain(down_to..).rev() {
            self.out.extend(['<', '/', tag, '>']);
        }
    }

    fn finish(mut self, size: (u32, u32)) -> (String, String) {
        self.close(0);
        let empty = |line: &&str| {
            ["<b>", "</b>", "<i>", "</i>", "<u>", "</u>"]
                .iter()
                .fold((*line).to_owned(), |line, tag| line.replace(tag, ""))
                .trim()
                .is_empty()
        };
        let lines: Vec<&str> = self.out.lines().map(str::trim).collect();
        let text = match lines.iter().all(empty) {
            true => String::new(),
            false => {
                lines.into_iter().filter(|line| !line.is_empty()).collect::<Vec<_>>().join("\n")
            }
        };
        let settings = match self.position {
            Some(position) => positioned(self.place, position, size),
            None => settings(self.place),
        };
        (text, settings)
    }
}

/// Cue settings (WebVTT 4.4) of one of the nine places.
fn settings(place: u8) -> String {
    let line = match place {
        4..=6 => "line:50%",
        7..=9 => "line:0",
        _ => "",
    };
    let column = match place % 3 {
        1 => "position:5% align:left",
        0 => "position:95% align:right",
        _ => "",
    };
    [line, column].into_iter().filter(|part| !part.is_empty()).collect::<Vec<_>>().join(" ")
}

/// Cue settings of a point, which is where the place's corner or middle stands.
fn positioned(place: u8, (x, y): (u32, u32), (width, height): (u32, u32)) -> String {
    let percent = |part: u32, whole: u32| (u64::from(part) * 100 / u64::from(whole)).min(100);
    let anchor = match place {
        4..=6 => "center",
        7..=9 => "start",
        _ => "end",
    };
    let align = match place % 3 {
        1 => "left",
        0 => "right",
        _ => "center",
    };
    format!("line:{}%,{anchor} position:{}% align:{align}", percent(y, height), percent(x, width))
}

#[cfg(test)]
mod tests {
    use super::*;

    const SCRIPT: &str = "[Script Info]\r\nPlayResX: 640\r\nPlayResY: 360\r\n\r\n[V4+ Styles]\r\n\
        Format: Name, Fontname, Fontsize, Alignment, MarginL\r\n\
        Style: Default,Arial,20,2,10\r\nStyle: Sign,Arial,20,7,10\r\n\r\n[Events]\r\n\
        Format: Layer, Start, End, Style, Name, MarginL, MarginR, MarginV, Effect, Text\r\n";

    fn shown(line: &str) -> (String, String) {
        read(&AssHeader::read(SCRIPT), line).unwrap()
    }

    #[test]
    fn text_and_emphasis_stay() {
        let line = "0,0,Default,,0,0,0,,{\\i1}Hello,{\\b1\\c&H0000FF&} {\\i0}you{\\r}\\Nand < me";
        assert_eq!(
            shown(line),
            ("<i>Hello,<b> </b></i><b>you</b>\nand &lt; me".into(), String::new())
        );
    }

    #[test]
    fn places_come_from_styles_and_overrides() {
        assert_eq!(shown("0,0,Sign,,0,0,0,,EXIT").1, "line:0 position:5% align:left");
        assert_eq!(shown("0,0,Default,,0,0,0,,{\\an8}Up").1, "line:0");
        assert_eq!(
            shown("0,0,Default,,0,0,0,,{\\an5\\pos(320,90)}x").1,
            "line:25%,center position:50% align:center"
        );
        assert_eq!(shown("0,0,Nobody,,0,0,0,,x").1, "");
    }

    #[test]
    fn drawings_and_comments_show_nothing() {
        assert_eq!(shown("0,0,Default,,0,0,0,,{\\p1}m 0 0 l 9 9{\\p0}").0, "");
        assert_eq!(shown("0,0,Default,,0,0,0,,{\\i1}{\\i0}").0, "");
        assert_eq!(shown("0,0,Default,,0,0,0,,{a note}seen").0, "seen");
        assert_eq!(read(&AssHeader::read(""), "no fields"), None);
    }

    #[test]
    fn old_scripts_count_places_otherwise() {
        let script = "[V4 Styles]\nFormat: Name, Alignment\nStyle: Top,6\nStyle: Mid,10\n";
        let header = AssHeader::read(script);
        assert_eq!((header.places["Top"], header.places["Mid"]), (8, 5));
    }
}
