use proptest::prelude::*;

use super::*;

/// The tree as indented text: names, attributes with @, own texts.
fn shown(tree: &Tree<'_>) -> String {
    fn show(tree: &Tree<'_>, node: NodeId, depth: usize, out: &mut String) {
        for child in tree.attributes(node).chain(tree.children(node)) {
            let mark = if tree.is_attribute(child) { "@" } else { "" };
            let (name, text) = (tree.name_text(child), tree.text(child));
            out.push_str(&format!("{}{mark}{name}={text}\n", " ".repeat(depth)));
            if !tree.is_attribute(child) {
                show(tree, child, depth + 1, out);
            }
        }
    }
    let mut out = String::new();
    show(tree, tree.root(), 0, &mut out);
    out
}

fn check(format: &Format, text: &str, expected: &str) {
    match parse(text, format, &Names::default(), &Limits::default()) {
        Ok(tree) => assert_eq!(shown(&tree), expected),
        Err(error) => panic!("{error} at {:?}:{:?}", error.line, error.column),
    }
}

fn refused(format: &Format, text: &str) -> Error {
    parse(text, format, &Names::default(), &Limits::default()).unwrap_err()
}

#[test]
fn xml_drops_prefixes_and_joins_text_and_cdata() {
    check(
        &Format::Xml,
        "<?xml version='1.0'?><!-- c --><p:A xmlns:p='u' p:x=' 1 &amp; 2 '> a<!-- c --><![CDATA[<b>]]>&#65;<B/></p:A>\n",
        "A=a<b>A\n @x=1 & 2\n B=\n",
    );
}

#[test]
fn an_entity_is_decoded_exactly_once() {
    check(&Format::Xml, "<A>&amp;amp;lt;</A>", "A=&amp;lt;\n");
}

#[test]
fn what_is_not_well_formed_is_named_with_its_place() {
    for text in [
        "",
        "text",
        "<A>",
        "<A></B>",
        "<A/><B/>",
        "<A/>x",
        "<A x=1/>",
        "<A x='1' x='2'/>",
        "<A>&nbsp;</A>",
        "<A>&#0;</A>",
        "<A",
        "</A>",
        "<A><!-- ",
        "<A>&amp</A>",
    ] {
        let error = refused(&Format::Xml, text);
        assert_eq!(error.kind, ErrorKind::Malformed, "{text}");
        assert!(error.line.is_some(), "{text}");
    }
    let error = refused(&Format::Xml, "<A>\n  <B></C></A>");
    assert_eq!(error.line, Some(2));
}

#[test]
fn a_dtd_is_refused() {
    let error = refused(&Format::Xml, "<!DOCTYPE a [<!ENTITY b 'c'>]><a>&b;</a>");
    assert_eq!(error.kind, ErrorKind::Dtd);
}

#[test]
fn depth_and_nodes_are_bounded() {
    let deep = "<a>".repeat(100_000);
    assert_eq!(refused(&Format::Xml, &deep).kind, ErrorKind::Limit("depth"));
    let deep = "[".repeat(100_000);
    assert_eq!(refused(&Format::Json, &deep).kind, ErrorKind::Limit("depth"));
    let wide = format!("<a>{}</a>", "<b/>".repeat(250_000));
    assert_eq!(refused(&Format::Xml, &wide).kind, ErrorKind::Limit("nodes"));
    let wide = format!("[{}1]", "1,".repeat(250_000));
    assert_eq!(refused(&Format::Json, &wide).kind, ErrorKind::Limit("nodes"));
}

#[test]
fn json_arrays_are_no_level_and_numbers_keep_their_text() {
    check(
        &Format::Json,
        "{\"a\": [1E2, null, [true, \"x\\u0041\\ud83d\\ude00\"]], \"b\": {\"c\": -0.10}, \"d\": []}",
        "a=1E2\na=true\na=xA😀\nb=\n c=-0.10\n",
    );
    check(&Format::Json, "[{\"a\": \"044\"}, {\"a\": \"NO\"}]", "item=\n a=044\nitem=\n a=NO\n");
}

#[test]
fn json_is_strict() {
    for text in [
        "",
        "1",
        "\"a\"",
        "{",
        "[1,]",
        "[,1]",
        "{\"a\":1,}",
        "{\"a\":044}",
        "{\"a\":1 \"b\":2}",
        "{\"a\":1,\"a\":2}",
        "[1][2]",
        "[\"\n\"]",
        "[\"\\x\"]",
        "[\"\\ud800\"]",
        "[tru]",
        "[1.]",
        "{a:1}",
        "[1 2]",
        "['a']",
    ] {
        assert_eq!(refused(&Format::Json, text).kind, ErrorKind::Malformed, "{text}");
    }
}

#[test]
fn csv_rows_have_a_child_for_each_column() {
    let options = csv::Options::default();
    check(
        &Format::Csv(options),
        "REF,NAME\r\n1,\"O\"\"X, A\nB\"\r\n2,\r\n",
        "row=\n REF=1\n NAME=O\"X, A\nB\nrow=\n REF=2\n NAME=\n",
    );
    let options = csv::Options { header: false, separator: b';', group: None };
    check(&Format::Csv(options), "1;2\n", "row=\n column 1=1\n column 2=2\n");
}

#[test]
fn csv_groups_gather_rows_wherever_they_stand() {
    let options = csv::Options { group: Some("REF".into()), ..csv::Options::default() };
    check(
        &Format::Csv(options),
        "REF,N\n1,a\n2,b\n1,c\n",
        "record=\n row=\n  REF=1\n  N=a\n row=\n  REF=1\n  N=c\nrecord=\n row=\n  REF=2\n  N=b\n",
    );
}

#[test]
fn csv_names_ragged_rows_and_bad_headers() {
    let format = Format::Csv(csv::Options::default());
    assert_eq!(refused(&format, "A,B\n1,2\n1\n").line, Some(3));
    assert!(refused(&format, "A,A\n").reason.contains("same name"));
    assert!(refused(&format, "A,\n").reason.contains("column 2"));
    assert!(refused(&format, "").reason.contains("header"));
}

fn fixed_format() -> Format {
    let column =
        |name: &str, width| fixed::Column { name: (name != "-").then(|| name.to_owned()), width };
    let line = |name: &str, text: &str, columns| fixed::Line {
        name: name.into(),
        is: Some(fixed::Is::parse(&format!("1 is {text}")).unwrap()),
        columns,
    };
    Format::Fixed(fixed::Options {
        lines: vec![
            line("HEAD", "H", vec![column("-", 1), column("date", 4)]),
            line("CASE", "C", vec![column("-", 1), column("sur name", 6), column("sex", 1)]),
            line("OFF", "O", vec![column("-", 1), column("code", 3)]),
        ],
        record: "CASE".into(),
    })
}

#[test]
fn fixed_lines_hang_on_their_record() {
    check(
        &fixed_format(),
        "H2026\r\nCÉCOLE M\r\nOAB1\nCSMITH\n\nOCD2\n",
        "HEAD=\n date=2026\nCASE=\n sur name=ÉCOLE\n sex=M\n OFF=\n  code=AB1\nCASE=\n sur name=SMITH\n OFF=\n  code=CD2\n",
    );
    let error = refused(&fixed_format(), "H2026\nX\n");
    assert_eq!(error.line, Some(2));
}

#[test]
fn bytes_are_decoded_by_mark_declaration_or_mapping() {
    assert_eq!(decode(b"\xef\xbb\xbfa", None).unwrap(), "a");
    assert_eq!(decode(b"\xff\xfea\0", None).unwrap(), "a");
    assert_eq!(decode(b"\xe9", Some("windows-1252")).unwrap(), "é");
    let declared = b"<?xml version='1.0' encoding='windows-1252'?><a>\xe9</a>";
    assert!(decode(declared, None).unwrap().ends_with("<a>é</a>"));
    let error = decode(b"a\n\xff", None).unwrap_err();
    assert_eq!((error.kind, error.line), (ErrorKind::Encoding, Some(2)));
    assert!(decode(b"<?xml version='1.0' encoding='x-none'?><a/>", None).is_err());
}

/// Cuts out each record and reads it again: the same record with the same surroundings.
fn check_excerpts(format: &Format, text: &str, record: &str) {
    let names = Names::default();
    let limits = Limits::default();
    let records_of = |tree: &Tree<'_>| -> Vec<NodeId> {
        let mut found = Vec::new();
        let mut waiting = vec![tree.root()];
        while let Some(node) = waiting.pop() {
            if tree.name_text(node) == record {
                found.push(node);
            } else {
                let mut children: Vec<_> = tree.children(node).collect();
                children.reverse();
                waiting.extend(children);
            }
        }
        found.sort();
        found
    };
    let one = |tree: &Tree<'_>, node: NodeId| -> Vec<String> {
        tree.children(node)
            .flat_map(|child| {
                let inner = tree.children(child).map(|it| tree.text(it).into_owned());
                std::iter::once(tree.text(child).into_owned()).chain(inner).collect::<Vec<_>>()
            })
            .collect()
    };
    let tree = parse(text, format, &names, &limits).unwrap();
    let records = records_of(&tree);
    assert!(records.len() > 1);
    for keep in 0..records.len() {
        let cut = excerpt(text, format, &tree, &records, keep);
        let again = parse(&cut, format, &names, &limits).unwrap();
        let alone = records_of(&again);
        assert_eq!(alone.len(), 1, "{cut}");
        assert_eq!(one(&again, alone[0]), one(&tree, records[keep]), "{cut}");
    }
}

#[test]
fn an_excerpt_is_the_same_record_alone() {
    check_excerpts(&Format::Xml, "<E><H>x</H><O><A>1</A></O> <O><A>2</A></O></E>", "O");
    check_excerpts(&Format::Json, "{\"h\":1,\"o\":[{\"a\":1}, {\"a\":[2]} ,{\"a\":3}]}", "o");
    check_excerpts(&Format::Json, "[{\"a\":1},{\"a\":2}]", "item");
    check_excerpts(&Format::Csv(csv::Options::default()), "A,B\n1,2\n3,4\n", "row");
    let grouped = csv::Options { group: Some("A".into()), ..csv::Options::default() };
    check_excerpts(&Format::Csv(grouped), "A,B\n1,2\n3,4\n1,5\n", "record");
    check_excerpts(&fixed_format(), "H2026\nCA     M\nOAB1\nCB     F\nOCD2\nOEF3", "CASE");
}

proptest! {
    #[test]
    fn no_reader_panics(text in "(<[a-c/!?&;'\"= ]{0,6}>?|[\\[\\]{}:,\"0-9a-e\\\\ ]{0,6}|HOC\n){0,20}") {
        let (names, limits) = (Names::default(), Limits::default());
        for format in [Format::Xml, Format::Json, Format::Csv(csv::Options::default()), fixed_format()] {
            let _ = parse(&text, &format, &names, &limits);
        }
    }

    #[test]
    fn no_bytes_panic(bytes in proptest::collection::vec(any::<u8>(), 0..80)) {
        if let Ok(text) = decode(&bytes, None) {
            let _ = parse(&text, &Format::Xml, &Names::default(), &Limits::default());
        }
    }

    #[test]
    fn json_agrees_with_serde_json_on_what_is_json(text in "[\\[\\]{}:,\"0-9a-e\\\\ .+-]{0,24}") {
        let ours = parse(&text, &Format::Json, &Names::default(), &Limits::default()).is_ok();
        let theirs = serde_json::from_str::<serde_json::Value>(&text);
        // Duplicate keys and scalars at the top are JSON, and refused here.
        let container = theirs.as_ref().is_ok_and(|value| value.is_object() || value.is_array());
        prop_assert!(!ours || container, "{}", text);
    }

    #[test]
    fn xml_is_no_laxer_than_roxmltree(text in "(<a>|</a>|<b x='1'/>|&lt;|&x;|text|]]>|<!-- -->|<![CDATA[c]]>){0,8}") {
        let ours = parse(&text, &Format::Xml, &Names::default(), &Limits::default()).is_ok();
        let theirs = roxmltree::Document::parse(&text).is_ok();
        if theirs {
            prop_assert!(ours, "{}", text);
        } else if ours {
            // "]]>" in text is the one thing that is let through: it can mean nothing else.
            prop_assert!(text.contains("]]>"), "{}", text);
        }
    }
}
