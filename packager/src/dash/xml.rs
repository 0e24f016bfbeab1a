//! Nested elements over quick-xml's event writer.

use quick_xml::{
    Writer,
    events::{BytesDecl, BytesEnd, BytesStart, BytesText, Event},
};

use crate::label::printable;

/// An XML document in the making.
pub(super) struct Xml {
    writer: Writer<Vec<u8>>,
}

impl Xml {
    /// A document that begins with the XML declaration.
    pub(super) fn document() -> Self {
        let mut xml = Self { writer: Writer::new_with_indent(Vec::new(), b' ', 2) };
        xml.event(Event::Decl(BytesDecl::new("1.0", Some("UTF-8"), None)));
        xml
    }

    /// An element with what `children` writes inside.
    pub(super) fn element<E>(
        &mut self,
        name: &str,
        attributes: &[(&str, &str)],
        children: impl FnOnce(&mut Self) -> Result<(), E>,
    ) -> Result<(), E> {
        self.event(Event::Start(start(name, attributes)));
        children(self)?;
        self.event(Event::End(BytesEnd::new(name)));
        Ok(())
    }

    /// An element without content.
    pub(super) fn empty(&mut self, name: &str, attributes: &[(&str, &str)]) {
        self.event(Event::Empty(start(name, attributes)));
    }

    /// An element with text.
    pub(super) fn text(&mut self, name: &str, text: &str) {
        self.event(Event::Start(BytesStart::new(name)));
        self.event(Event::Text(BytesText::new(&printable(text))));
        self.event(Event::End(BytesEnd::new(name)));
    }

    pub(super) fn finish(self) -> String {
        let mut text = String::from_utf8(self.writer.into_inner())
            .expect("quick-xml writes the UTF-8 it was given");
        text.push('\n');
        text
    }

    fn event(&mut self, event: Event<'_>) {
        self.writer.write_event(event).expect("a Vec takes any bytes");
    }
}

fn start<'a>(name: &'a str, attributes: &[(&str, &str)]) -> BytesStart<'a> {
    let mut start = BytesStart::new(name);
    for (key, value) in attributes {
        start.push_attribute((*key, printable(value).as_str()));
    }
    start
}

#[cfg(test)]
mod tests {
    use std::convert::Infallible;

    use super::*;

    #[test]
    fn markup_in_names_is_escaped() {
        let mut xml = Xml::document();
        let Ok(()) = xml.element("A", &[("lang", "\"<&")], |xml| {
            xml.text("Label", "</A>\u{1}&");
            Ok::<(), Infallible>(())
        });
        insta::assert_snapshot!(xml.finish(), @r#"
        <?xml version="1.0" encoding="UTF-8"?>
        <A lang="&quot;&lt;&amp;">
          <Label>&lt;/A&gt;&amp;</Label>
        </A>
        "#);
    }
}
