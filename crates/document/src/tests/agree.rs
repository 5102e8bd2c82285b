//! The readers against well-known ones, on documents that are made up and then damaged.

use proptest::prelude::*;

use super::*;

/// An element as both readers see it.
#[derive(Clone, Debug, PartialEq)]
struct Element {
    name: String,
    attributes: Vec<(String, String)>,
    text: String,
    children: Vec<Element>,
}

fn ours(tree: &Tree<'_>, node: NodeId) -> Element {
    let texts = |node: NodeId| (tree.name_text(node).to_owned(), tree.text(node).into_owned());
    assert_eq!(tree.peek(node), tree.text(node));
    Element {
        name: tree.name_text(node).to_owned(),
        attributes: tree.attributes(node).map(texts).collect(),
        text: tree.text(node).into_owned(),
        children: tree.children(node).map(|child| ours(tree, child)).collect(),
    }
}

fn theirs(node: roxmltree::Node<'_, '_>) -> Element {
    let own = node.children().filter(|child| child.is_text());
    let text: String = own.filter_map(|child| child.text()).collect();
    let attributes =
        node.attributes().map(|it| (it.name().to_owned(), it.value().trim().to_owned())).collect();
    Element {
        name: node.tag_name().name().to_owned(),
        attributes,
        text: text.trim().to_owned(),
        children: node.children().filter(|child| child.is_element()).map(theirs).collect(),
    }
}

fn xml(text: &str) -> Result<Element, Error> {
    let tree = parse(text, &BodyFormat::Xml, &NameTable::default(), &Limits::default())?;
    let root = tree.children(tree.root()).next().unwrap();
    assert_eq!(tree.children(tree.root()).count(), 1);
    Ok(ours(&tree, root))
}

/// Element content with everything that XML has and a force may send.
fn content() -> impl Strategy<Value = String> {
    let piece = prop_oneof![
        "[ a-zé\n\t'\"]{0,6}",
        Just("a\r\nb".to_owned()),
        Just("&amp;".to_owned()),
        Just("&lt;&#65;&#xE9;&quot;".to_owned()),
        Just("&#13;".to_owned()),
        Just("<![CDATA[ a<b>&amp;]] ]]>".to_owned()),
        Just("<![CDATA[]]>".to_owned()),
        Just("<!-- a - b -->".to_owned()),
        Just("<?go on?>".to_owned()),
    ];
    prop::collection::vec(piece, 0..4).prop_map(|pieces| pieces.concat())
}

fn element() -> impl Strategy<Value = String> {
    let value = prop_oneof!["[a-z é\n\t]{0,5}", Just("&apos;&gt;\r\n'".to_owned())];
    let name = "(p:)?[A-Cé][a-z0-9._-]{0,3}";
    let start = (name, prop::option::of((name, value))).boxed();
    let leaf = (start.clone(), content()).prop_map(|(start, content)| wrapped(&start, &content));
    leaf.prop_recursive(4, 40, 5, move |inner| {
        let mixed = prop::collection::vec((content(), inner), 0..5);
        (start.clone(), mixed, content()).prop_map(|(start, mixed, last)| {
            let inside: String =
                mixed.into_iter().flat_map(|(text, child)| [text, child]).collect();
            wrapped(&start, &(inside + &last))
        })
    })
}

fn wrapped((name, attribute): &(String, Option<(String, String)>), content: &str) -> String {
    let attribute = match attribute {
        Some((name, value)) => format!(" {name} = \"{value}\""),
        None => String::new(),
    };
    if content.is_empty() {
        format!("<{name}{attribute} />")
    } else {
        format!("<{name}{attribute}>{content}</{name}\n>")
    }
}

const DECLARATION: &str = "<?xml version='1.0' encoding=\"utf-8\"?>";

fn document() -> impl Strategy<Value = String> {
    let prolog = prop_oneof![Just(DECLARATION), Just("")];
    (prolog, "\n?(<!-- c -->)?", element()).prop_map(|(declaration, before, element)| {
        let root = format!("<R xmlns:p='u' xmlns='v'>{element}</R>");
        format!("{declaration}{before}{root}\n<!-- end -->\n")
    })
}

fn json() -> impl Strategy<Value = serde_json::Value> {
    let leaf = prop_oneof![
        Just(serde_json::Value::Null),
        any::<bool>().prop_map(Into::into),
        any::<i64>().prop_map(Into::into),
        "[ -~é\u{1f600}\n\t\u{8}]{0,8}".prop_map(Into::into),
    ];
    leaf.prop_recursive(4, 40, 5, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..5).prop_map(Into::into),
            prop::collection::btree_map("[a-d\"\\\\é]{1,2}", inner, 0..5)
                .prop_map(|map| serde_json::Value::Object(map.into_iter().collect())),
        ]
    })
}

/// The nodes that a value becomes, under a name.
fn nodes(name: &str, value: &serde_json::Value) -> Vec<Element> {
    use serde_json::Value;
    let node = |text: &str, children| Element {
        name: name.to_owned(),
        attributes: Vec::new(),
        text: text.trim().to_owned(),
        children,
    };
    match value {
        Value::Null => Vec::new(),
        Value::Array(items) => items.iter().flat_map(|item| nodes(name, item)).collect(),
        Value::Object(members) => {
            vec![node("", members.iter().flat_map(|(key, value)| nodes(key, value)).collect())]
        }
        Value::String(text) => vec![node(text, Vec::new())],
        other => vec![node(&other.to_string(), Vec::new())],
    }
}

/// A text with a few bytes put in, taken out or exchanged.
fn damaged(text: String) -> impl Strategy<Value = String> {
    let sting = "[<>/&;!?'\"=\\[\\]{}:,0-9ae\\\\ \n\r\u{1}\u{fffe}-]{0,3}";
    prop::collection::vec((any::<prop::sample::Index>(), 0..4_usize, sting), 0..3).prop_map(
        move |strokes| {
            let mut characters: Vec<char> = text.chars().collect();
            for (at, taken, put) in strokes {
                let at = at.index(characters.len() + 1);
                let end = (at + taken).min(characters.len());
                characters.splice(at..end, put.chars());
            }
            characters.into_iter().collect()
        },
    )
}

proptest! {

    #[test]
    fn xml_is_read_as_roxmltree_reads_it(text in document()) {
        // Two prefixes may give one element the same local name twice; roxmltree keeps both too.
        let reference = roxmltree::Document::parse(&text);
        prop_assert!(reference.is_ok(), "{:?} {}", reference.err(), text);
        let reference = theirs(reference.unwrap().root_element());
        match xml(&text) {
            Ok(element) => prop_assert_eq!(element, reference),
            Err(error) => prop_assert!(false, "{:?} {}", error, text),
        }
    }

    #[test]
    fn damaged_xml_is_refused_where_roxmltree_refuses_it(
        text in document().prop_flat_map(damaged)
    ) {
        match (xml(&text), roxmltree::Document::parse(&text)) {
            (Ok(element), Ok(reference)) => {
                prop_assert_eq!(unified(element), unified(theirs(reference.root_element())));
            }
            (Err(error), Err(_)) => prop_assert!(error.line.is_some()),
            (Ok(_), Err(error)) => prop_assert!(is_about_namespaces(&error), "{error} {text}"),
            (Err(error), Ok(_)) => prop_assert!(is_stricter(&error, &text), "{:?} {}", error, text),
        }
    }

    #[test]
    fn json_is_read_as_serde_json_reads_it(value in json(), pretty in any::<bool>()) {
        let text = if pretty {
            serde_json::to_string_pretty(&value).unwrap()
        } else {
            value.to_string()
        };
        let read = parse(&text, &BodyFormat::Json, &NameTable::default(), &Limits::default());
        if !(value.is_object() || value.is_array()) {
            prop_assert!(read.is_err());
            return Ok(());
        }
        let tree = read.unwrap();
        let found: Vec<_> = tree.children(tree.root()).map(|node| ours(&tree, node)).collect();
        let expected = match &value {
            serde_json::Value::Object(_) => nodes("", &value).remove(0).children,
            _ => nodes("item", &value),
        };
        prop_assert_eq!(found, expected);
    }

    #[test]
    fn damaged_json_is_refused_where_serde_json_refuses_it(
        text in json().prop_map(|value| value.to_string()).prop_flat_map(damaged)
    ) {
        let reference = serde_json::from_str::<serde_json::Value>(&text);
        match parse(&text, &BodyFormat::Json, &NameTable::default(), &Limits::default()) {
            Ok(tree) => match reference {
                Ok(value) => {
                    let leaves = |value: &serde_json::Value| nodes("item", value).len();
                    prop_assert!(leaves(&value) <= tree.len());
                }
                // Numbers beyond an f64 keep their text here.
                Err(error) => prop_assert!(error.to_string().contains("number out of range"), "{error} {text}"),
            },
            Err(error) => {
                let container = reference.is_ok_and(|it| it.is_object() || it.is_array());
                prop_assert!(!container || error.reason.contains("twice"), "{error} {text}");
            }
        }
    }

    #[test]
    fn csv_is_read_as_it_was_written(
        rows in prop::collection::vec(prop::collection::vec("[a-z,;\"\r\n é]{0,6}", 3), 1..8),
        crlf in any::<bool>(),
        quoted in any::<bool>(),
    ) {
        let mut writer = ::csv::WriterBuilder::new()
            .quote_style(if quoted { ::csv::QuoteStyle::Always } else { ::csv::QuoteStyle::Necessary })
            .terminator(if crlf { ::csv::Terminator::CRLF } else { ::csv::Terminator::Any(b'\n') })
            .from_writer(Vec::new());
        writer.write_record(["a", "b", "c d"]).unwrap();
        for row in &rows {
            writer.write_record(row).unwrap();
        }
        let text = String::from_utf8(writer.into_inner().unwrap()).unwrap();
        let format = BodyFormat::Csv(csv::CsvOptions::default());
        let tree = parse(&text, &format, &NameTable::default(), &Limits::default()).unwrap();
        let found: Vec<Vec<String>> = tree
            .children(tree.root())
            .map(|row| tree.children(row).map(|cell| tree.text(cell).into_owned()).collect())
            .collect();
        let expected: Vec<Vec<String>> =
            rows.iter().map(|row| row.iter().map(|cell| cell.trim().to_owned()).collect()).collect();
        prop_assert_eq!(found, expected);
    }

    #[test]
    fn nothing_makes_a_reader_panic(bytes in prop::collection::vec(any::<u8>(), 0..120)) {
        for declared in [None, Some("utf-16"), Some("windows-1252")] {
            if let Ok(text) = decode(&bytes, declared) {
                read_all_ways(&text);
            }
        }
    }

    #[test]
    fn no_damaged_document_makes_another_reader_panic(
        text in prop_oneof![
            document(),
            json().prop_map(|value| value.to_string()),
            Just("A,\"B\"\r\n1,\"2\"\"\n\"\r\n".to_owned()),
            Just("H2026\r\nCÉCOLE M\r\nOAB1\nCSMITH\n".to_owned()),
        ].prop_flat_map(damaged)
    ) {
        read_all_ways(&text);
    }
}

fn read_all_ways(text: &str) {
    let grouped =
        csv::CsvOptions { header: false, group: Some("column 1".into()), separator: b';' };
    for format in [
        BodyFormat::Xml,
        BodyFormat::Json,
        BodyFormat::Csv(csv::CsvOptions::default()),
        BodyFormat::Csv(grouped),
        fixed_format(),
    ] {
        match parse(text, &format, &NameTable::default(), &Limits::default()) {
            Ok(tree) => {
                for node in tree.subtree(tree.root()) {
                    assert!(text.len() >= tree.span(node).end);
                    assert!(tree.line(node) as usize <= text.matches('\n').count() + 1);
                }
            }
            Err(error) => assert!(error.line.is_some() && error.column.is_some()),
        }
    }
}

/// What is well-formed XML, and refused by a reader that resolves namespaces.
fn is_about_namespaces(error: &roxmltree::Error) -> bool {
    use roxmltree::Error;
    matches!(
        error,
        Error::UnknownNamespace(..)
            | Error::DuplicatedNamespace(..)
            | Error::UnexpectedXmlUri(_)
            | Error::UnexpectedXmlnsUri(_)
            | Error::InvalidXmlPrefixUri(_)
            | Error::InvalidElementNamePrefix(_)
    )
}

/// What roxmltree lets through: declarations that contradict XML 1.0 section 2.8,
/// instructions whose name is not one, a namespace
/// declared twice in one element, names that begin or end with a colon.
fn is_stricter(error: &Error, text: &str) -> bool {
    let known = ["declaration", "instruction", "attribute twice"]
        .iter()
        .any(|part| error.reason.contains(part));
    let ends_name = |c: Option<char>| c.is_none_or(|c| !c.is_alphabetic());
    let lone_colon = text.match_indices(':').any(|(at, _)| {
        ends_name(text[..at].chars().next_back()) || ends_name(text[at + 1..].chars().next())
    });
    let declaration_hit = text.starts_with("<?") && !text.starts_with(DECLARATION);
    known || declaration_hit || lone_colon
}

/// A carriage return alone, just before a reference, is kept by roxmltree; XML 1.0 section 2.11
/// makes it a line feed.
fn unified(mut element: Element) -> Element {
    element.text = element.text.replace('\r', "\n");
    element.children = element.children.into_iter().map(unified).collect();
    element
}
