//! Bodies that were made to hurt. What they may cost is said in nodes and bytes.

use super::*;

fn xml(text: &str) -> Result<Tree<'_>, Error> {
    parse(text, &BodyFormat::Xml, &NameTable::default(), &Limits::default())
}

/// A body of XML with a mistake, and its place.
fn check(text: &str, kind: ErrorKind, line: u32, column: u32) {
    let error = refused(&BodyFormat::Xml, text);
    assert_eq!((error.kind, error.line, error.column), (kind, Some(line), Some(column)), "{text}");
}

#[test]
fn xml_that_is_not_well_formed_is_refused_at_its_place() {
    let malformed = |text, line, column| check(text, ErrorKind::Malformed, line, column);
    malformed("", 1, 1);
    malformed(" \n ", 2, 2);
    malformed("<A>\n <B>é</C>\n</A>", 2, 6);
    malformed("<A>\n</A>\n<B/>", 3, 1);
    malformed("<A/>é", 1, 5);
    malformed("x<A/>", 1, 1);
    malformed("\u{feff}\u{feff}<A/>", 1, 1);
    malformed("\u{feff}\u{feff}\u{feff}m", 1, 1);
    malformed("<A/>&amp;", 1, 5);
    malformed("<A/><![CDATA[]]>", 1, 5);
    malformed("<A><B></A>", 1, 7);
    malformed("<A b=1/>", 1, 6);
    malformed("<A b/>", 1, 5);
    malformed("<A b='1' b='2'/>", 1, 10);
    malformed("<A xmlns:p='u' p:b='1' p:b='2'/>", 1, 24);
    malformed("<A xmlns='u' xmlns='u'/>", 1, 14);
    malformed("<A b='1'c='2'/>", 1, 9);
    malformed("<A b='<'/>", 1, 7);
    malformed("<A b='&'/>", 1, 7);
    malformed("<A b='&x;'/>", 1, 7);
    malformed("<A 1b='1'/>", 1, 4);
    malformed("<1A/>", 1, 2);
    malformed("<:A/>", 1, 2);
    malformed("<a:b:c/>", 1, 5);
    malformed("< A/>", 1, 2);
    malformed("<A>&nbsp;</A>", 1, 4);
    malformed("<A>&amp</A>", 1, 4);
    malformed("<A>&#0;</A>", 1, 4);
    malformed("<A>&#xD800;</A>", 1, 4);
    malformed("<A>&#x110000;</A>", 1, 4);
    malformed("<A>&#+65;</A>", 1, 4);
    malformed("<A>&#;</A>", 1, 4);
    malformed("<A>a]]>b</A>", 1, 5);
    malformed("<A>\n\u{1}</A>", 2, 1);
    malformed("<A>\u{ffff}</A>", 1, 4);
    malformed("<A/><?xml version='1.0'?>", 1, 5);
    malformed(" <?xml version='1.0'?><A/>", 1, 2);
    malformed("<?xml version='2.0'?><A/>", 1, 16);
    malformed("<?xml version='1.0' encoding='<'?><A/>", 1, 31);
    malformed("<?xml version='1.0' standalone='maybe'?><A/>", 1, 33);
    malformed("<?xml encoding='utf-8'?><A/>", 1, 1);
    malformed("<?xml version='1.0' name='x'?><A/>", 1, 21);
    malformed("<A><?1?></A>", 1, 6);
    malformed("<A><?XML x?></A>", 1, 6);
    for unclosed in ["<A", "<A b='", "<A><!--", "<A><![CDATA[", "<A><?a", "<A>", "<A></A"] {
        assert_eq!(refused(&BodyFormat::Xml, unclosed).kind, ErrorKind::Malformed, "{unclosed}");
    }
    assert_eq!(refused(&BodyFormat::Xml, "<A><!-- a -- b --></A>").kind, ErrorKind::Malformed);
}

#[test]
fn what_xml_allows_is_read() {
    let text = "<?xml version=\"1.0\" encoding='x' standalone='yes' ?>\n<?go on?><p:A p:id = '1'\n>\
        <!-- - --><é.1/>&#x10FFFF;<![CDATA[]]]]><![CDATA[>]]></p:A >\n<!-- end -->\n";
    super::check(&BodyFormat::Xml, text, "A=\u{10ffff}]]>\n @id=1\n é.1=\n");
}

#[test]
fn a_document_type_is_refused_before_anything_in_it_is_read() {
    for text in [
        "<!DOCTYPE a><a/>",
        "<!doctype a><a/>",
        "<?xml version='1.0'?><!DOCTYPE a [<!ENTITY b 'bbb'><!ENTITY c '&b;&b;'>]><a>&c;</a>",
        "<!DOCTYPE a SYSTEM 'file:///etc/passwd'><a/>",
        "<!DOCTYPE a [",
        "<a/><!DOCTYPE a>",
    ] {
        assert_eq!(refused(&BodyFormat::Xml, text).kind, ErrorKind::Dtd, "{text}");
    }
}

#[test]
fn depth_nodes_and_attributes_are_bounded() {
    let depth = ErrorKind::Limit("depth");
    assert_eq!(refused(&BodyFormat::Xml, &"<a>".repeat(100_000)).kind, depth);
    let closed = format!("{}{}", "<a>".repeat(100_000), "</a>".repeat(100_000));
    check(&closed, depth, 1, 3 * 128 + 1);
    assert_eq!(refused(&BodyFormat::Json, &"[".repeat(100_000)).kind, depth);
    assert_eq!(refused(&BodyFormat::Json, &"{\"a\":".repeat(100_000)).kind, depth);
    let nodes = ErrorKind::Limit("nodes");
    let wide = format!("<a>{}</a>", "<b/>".repeat(300_000));
    assert_eq!(refused(&BodyFormat::Xml, &wide).kind, nodes);
    assert_eq!(refused(&BodyFormat::Json, &format!("[{}1]", "1,".repeat(300_000))).kind, nodes);
    let rows = format!("a\n{}", "1\n".repeat(300_000));
    assert_eq!(refused(&BodyFormat::Csv(csv::CsvOptions::default()), &rows).kind, nodes);
    assert_eq!(
        refused(&BodyFormat::Csv(csv::CsvOptions::default()), &",".repeat(300_000)).kind,
        nodes
    );
    assert_eq!(refused(&fixed_format(), &"CX\n".repeat(300_000)).kind, nodes);
    let attributes: String = (0..300).map(|n| format!(" a{n}=''")).collect();
    let kind = refused(&BodyFormat::Xml, &format!("<a{attributes}/>")).kind;
    assert_eq!(kind, ErrorKind::Limit("attributes"));
    let small = Limits { text_bytes_max: 10, ..Limits::default() };
    let error = parse("<a>1234</a>", &BodyFormat::Xml, &NameTable::default(), &small).unwrap_err();
    assert_eq!(error.kind, ErrorKind::Limit("bytes"));
}

#[test]
fn a_tree_costs_forty_bytes_a_node() {
    assert_eq!(Tree::node_bytes(), 40);
    let text = format!("<a>{}</a>", "<b/>".repeat(200_000));
    assert_eq!(xml(&text).unwrap().len(), 200_002);
}

#[test]
fn white_space_costs_nothing() {
    let space = " ".repeat(1 << 20);
    let text = format!("{space}<a{space}b='1'{space}>{space}<c/>{space}</a{space}>{space}");
    let tree = xml(&text).unwrap();
    assert_eq!((tree.len(), tree.made_bytes()), (4, 0));
    let text = format!("{space}{{{space}\"a\"{space}:{space}1{space}}}{space}");
    let tree = parse(&text, &BodyFormat::Json, &NameTable::default(), &Limits::default()).unwrap();
    assert_eq!(tree.len(), 2);
}

#[test]
fn text_in_many_pieces_is_copied_once() {
    let pieces = "a<b>x&amp;y</b><![CDATA[c]]>&#65;<!-- -->".repeat(20_000);
    let text = format!("<r>{pieces}</r>");
    let tree = xml(&text).unwrap();
    assert!(tree.made_bytes() < text.len());
    let root = tree.children(tree.root()).next().unwrap();
    assert_eq!(tree.text(root), "acA".repeat(20_000));
}

#[test]
fn a_key_twice_is_found_among_many_and_behind_escapes() {
    let many: String = (0..50_000).map(|n| format!("\"k{n}\":null,")).collect();
    let error = refused(&BodyFormat::Json, &format!("{{\n{many}\n\"\\u006b7\":1}}"));
    assert_eq!((error.kind, error.line, error.column), (ErrorKind::Malformed, Some(3), Some(1)));
    assert!(!error.reason.contains("k7"));
    super::check(&BodyFormat::Json, "{\"a\":{\"b\":1},\"b\":{\"a\":2}}", "a=\n b=1\nb=\n a=2\n");
}

#[test]
fn json_is_refused_at_its_place() {
    for (text, line, column) in [
        ("{\"a\":\n 044}", 2, 3),
        ("[1,\n]", 2, 1),
        ("[\"é\u{1}\"]", 1, 4),
        ("[\"\\ud83d\"]", 1, 3),
        ("[\"\\u00g0\"]", 1, 3),
        ("[+1]", 1, 2),
        ("[.5]", 1, 2),
        ("[1e]", 1, 4),
        ("[NaN]", 1, 2),
        ("{\"a\" 1}", 1, 6),
        ("[1]]", 1, 4),
        ("[1", 1, 3),
        ("{\"a", 1, 4),
        ("1", 1, 1),
    ] {
        let error = refused(&BodyFormat::Json, text);
        assert_eq!((error.line, error.column), (Some(line), Some(column)), "{text}");
    }
}

#[test]
fn csv_names_row_and_column_of_a_mistake() {
    let reason = |text| {
        let error = refused(&BodyFormat::Csv(csv::CsvOptions::default()), text);
        assert_eq!(error.kind, ErrorKind::Malformed);
        error.reason
    };
    assert_eq!(reason("A,B\n1,2\n\n1\n"), "row 3 has 1 columns where 2 are expected");
    assert_eq!(reason("A,B,A\n"), "row 1, columns 1 and 3 have the same name");
    assert_eq!(reason("A, ,B\n"), "row 1, column 2 has no name");
    assert_eq!(reason("A\n\"secret"), "row 2: a quote is not closed");
    assert_eq!(reason("A\n\"x\"secret"), "row 2, column 1: something follows the closing quote");
    assert_eq!(reason("A\nsec\"ret"), "row 2: a quote inside a field without quotes");
    let grouped = csv::CsvOptions { group: Some("REF".into()), ..csv::CsvOptions::default() };
    let error = refused(&BodyFormat::Csv(grouped), "A\n1\n");
    assert_eq!(error.reason, "there is no column named REF, which groups the rows");
}

#[test]
fn csv_rows_without_a_group_are_never_put_together() {
    let options = csv::CsvOptions { group: Some("REF".into()), ..csv::CsvOptions::default() };
    let text = "\u{feff}REF,N\r\n,a\r\n ,b\r\n";
    let expected = "record=\n row=\n  REF=\n  N=a\nrecord=\n row=\n  REF=\n  N=b\n";
    super::check(&BodyFormat::Csv(options), text, expected);
}
