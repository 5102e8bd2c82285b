//! A body written from a tree of texts: XML by quick-xml's writer, JSON with its members in the
//! tree's order, CSV as a header and one line. Every text is escaped or quoted here and nowhere
//! else, and none is changed to fit: what a format cannot hold is an error.

use std::borrow::Cow;

use quick_xml::Writer;
use quick_xml::events::attributes::Attribute;
use quick_xml::events::{BytesDecl, BytesEnd, BytesStart, BytesText, Event};
use quick_xml::name::QName;
use serde::ser::{Serialize, SerializeMap, Serializer};

use super::csv;
use super::xml::is_name_character;

/// A named place of a body that is written: it holds a text or further elements, never both. Its
/// `Debug` shows names only.
#[derive(Clone, Default, PartialEq, Eq)]
pub struct Element {
    name: String,
    attributes: Vec<(String, String)>,
    text: Option<String>,
    children: Vec<Element>,
}

impl std::fmt::Debug for Element {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_tuple("Element").field(&self.name).finish_non_exhaustive()
    }
}

impl Element {
    pub fn named(name: &str) -> Element {
        Element { name: name.to_owned(), ..Element::default() }
    }

    /// The element that these names lead to, from this one down; made where it is not there, behind
    /// what is.
    pub fn at(&mut self, steps: &[String]) -> &mut Element {
        let Some((first, rest)) = steps.split_first() else { return self };
        let place = self.children.iter().position(|child| child.name == *first);
        let place = place.unwrap_or_else(|| {
            self.children.push(Element::named(first));
            self.children.len() - 1
        });
        self.children[place].at(rest)
    }

    pub fn set_text(&mut self, text: String) {
        self.text = Some(text);
    }

    /// Adds an attribute behind the others; the name is one that it does not have yet.
    pub fn set_attribute(&mut self, name: &str, text: String) {
        self.attributes.push((name.to_owned(), text));
    }
}

/// A text holds a character that the format has no way to write.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the text of {name} holds a character that XML cannot hold")]
pub struct Unwritable {
    /// Of the element or attribute, as the caller named it.
    pub name: String,
}

/// Whether this can name an element or an attribute that is written: a name of XML 1.0 without a
/// prefix, and not one that begins with `xml`, which the standard keeps for itself.
pub fn is_xml_name(text: &str) -> bool {
    let reserved = text.get(..3).is_some_and(|start| start.eq_ignore_ascii_case("xml"));
    let mut first = true;
    let well_formed = text.chars().all(|character| {
        character != ':' && is_name_character(character, std::mem::take(&mut first))
    });
    !text.is_empty() && well_formed && !reserved
}

/// The element as a whole UTF-8 document with a declaration, indented by two blanks.
pub fn write_xml(root: &Element) -> Result<Vec<u8>, Unwritable> {
    let mut writer = Writer::new_with_indent(Vec::new(), b' ', 2);
    write_event(&mut writer, Event::Decl(BytesDecl::new("1.0", Some("UTF-8"), None)));
    write_element(&mut writer, root)?;
    let mut body = writer.into_inner();
    body.push(b'\n');
    Ok(body)
}

fn write_element(writer: &mut Writer<Vec<u8>>, element: &Element) -> Result<(), Unwritable> {
    let mut start = BytesStart::new(element.name.as_str());
    for (name, text) in &element.attributes {
        let value = escaped(name, text)?;
        start.push_attribute(Attribute { key: QName(name), value });
    }
    let text = element.text.as_deref().unwrap_or_default();
    if text.is_empty() && element.children.is_empty() {
        write_event(writer, Event::Empty(start));
        return Ok(());
    }
    write_event(writer, Event::Start(start));
    if !text.is_empty() {
        let text = escaped(&element.name, text)?;
        write_event(writer, Event::Text(BytesText::from_escaped(text)));
    }
    for child in &element.children {
        write_element(writer, child)?;
    }
    write_event(writer, Event::End(BytesEnd::new(element.name.as_str())));
    Ok(())
}

fn write_event(writer: &mut Writer<Vec<u8>>, event: Event<'_>) {
    let Ok(()) = writer.write_event(event) else {
        unreachable!("writing into memory does not fail")
    };
}

/// White space but the blank is written by number, so that no reader takes it for layout.
fn escaped<'t>(name: &str, text: &'t str) -> Result<Cow<'t, str>, Unwritable> {
    let is_plain =
        |c: char| !matches!(c, '<' | '>' | '&' | '"' | '\'' | '\u{fffe}' | '\u{ffff}') && c >= ' ';
    if text.chars().all(is_plain) {
        return Ok(Cow::Borrowed(text));
    }
    let mut out = String::with_capacity(text.len() + 16);
    for character in text.chars() {
        match character {
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '&' => out.push_str("&amp;"),
            '"' => out.push_str("&quot;"),
            '\'' => out.push_str("&apos;"),
            '\t' => out.push_str("&#9;"),
            '\n' => out.push_str("&#10;"),
            '\r' => out.push_str("&#13;"),
            '\u{0}'..='\u{1f}' | '\u{fffe}' | '\u{ffff}' => {
                return Err(Unwritable { name: name.to_owned() });
            }
            plain => out.push(plain),
        }
    }
    Ok(Cow::Owned(out))
}

/// The element's children as one object, inside a member of the element's own name when it has
/// one. Every value is a text.
pub fn write_json(root: &Element) -> Vec<u8> {
    let written = match root.name.is_empty() {
        true => serde_json::to_vec_pretty(&Members(&root.children)),
        false => serde_json::to_vec_pretty(&Members(std::slice::from_ref(root))),
    };
    let Ok(mut body) = written else { unreachable!("keys are texts and memory does not fail") };
    body.push(b'\n');
    body
}

/// Elements as an object's members, in their order.
struct Members<'e>(&'e [Element]);

impl Serialize for Members<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(Some(self.0.len()))?;
        for element in self.0 {
            match &element.text {
                Some(text) => map.serialize_entry(&element.name, text)?,
                None => map.serialize_entry(&element.name, &Members(&element.children))?,
            }
        }
        map.end()
    }
}

/// How a line of CSV ends.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum LineEnd {
    /// As RFC 4180 has it.
    #[default]
    CrLf,
    Lf,
}

/// The header, if the options ask for one, and one line with a cell for each column.
pub fn write_csv(
    columns: &[&str],
    cells: &[&str],
    options: &csv::CsvOptions,
    line_end: LineEnd,
) -> Vec<u8> {
    let mut body = String::new();
    if options.header {
        write_row(&mut body, columns, options.separator, line_end);
    }
    write_row(&mut body, cells, options.separator, line_end);
    body.into_bytes()
}

fn write_row(body: &mut String, cells: &[&str], separator: u8, line_end: LineEnd) {
    let separator = char::from(separator);
    for (index, cell) in cells.iter().enumerate() {
        if index > 0 {
            body.push(separator);
        }
        // A line that is empty would be no row.
        if needs_quotes(cell, separator) || (cells.len() == 1 && cell.is_empty()) {
            body.push('"');
            body.push_str(&cell.replace('"', "\"\""));
            body.push('"');
        } else {
            body.push_str(cell);
        }
    }
    body.push_str(match line_end {
        LineEnd::CrLf => "\r\n",
        LineEnd::Lf => "\n",
    });
}

/// Also what a spreadsheet may take for a formula: the quotes change nothing of the text.
fn needs_quotes(cell: &str, separator: char) -> bool {
    let special = |c: char| c == separator || matches!(c, '"' | '\r' | '\n');
    cell.contains(special)
        || cell.starts_with(['=', '+', '-', '@', '\u{feff}'])
        || cell.trim().len() != cell.len()
}
