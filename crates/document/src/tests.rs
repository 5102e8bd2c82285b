mod agree;
mod cut;
mod hostile;
mod layer;

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

fn check(format: &BodyFormat, text: &str, expected: &str) {
    match parse(text, format, &NameTable::default(), &Limits::default()) {
        Ok(tree) => assert_eq!(shown(&tree), expected),
        Err(error) => panic!("{error} at {:?}:{:?}", error.line, error.column),
    }
}

fn refused(format: &BodyFormat, text: &str) -> Error {
    parse(text, format, &NameTable::default(), &Limits::default()).unwrap_err()
}

#[test]
fn xml_drops_prefixes_and_joins_text_and_cdata() {
    check(
        &BodyFormat::Xml,
        "<?xml version='1.0'?><!-- c --><p:A xmlns:p='u' p:x=' 1 &amp; 2 '> a<!-- c --><![CDATA[<b>]]>&#65;<B/></p:A>\n",
        "A=a<b>A\n @x=1 & 2\n B=\n",
    );
}

#[test]
fn an_entity_is_decoded_exactly_once() {
    check(&BodyFormat::Xml, "<A>&amp;amp;lt;</A>", "A=&amp;lt;\n");
}

#[test]
fn json_arrays_are_no_level_and_numbers_keep_their_text() {
    check(
        &BodyFormat::Json,
        "{\"a\": [1E2, null, [true, \"x\\u0041\\ud83d\\ude00\"]], \"b\": {\"c\": -0.10}, \"d\": []}",
        "a=1E2\na=true\na=xA😀\nb=\n c=-0.10\n",
    );
    check(
        &BodyFormat::Json,
        "[{\"a\": \"044\"}, {\"a\": \"NO\"}]",
        "item=\n a=044\nitem=\n a=NO\n",
    );
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
        assert_eq!(refused(&BodyFormat::Json, text).kind, ErrorKind::Malformed, "{text}");
    }
}

#[test]
fn csv_rows_have_a_child_for_each_column() {
    let options = csv::CsvOptions::default();
    check(
        &BodyFormat::Csv(options),
        "REF,NAME\r\n1,\"O\"\"X, A\nB\"\r\n2,\r\n",
        "row=\n REF=1\n NAME=O\"X, A\nB\nrow=\n REF=2\n NAME=\n",
    );
    let options = csv::CsvOptions { header: false, separator: b';', group: None };
    check(&BodyFormat::Csv(options), "1;2\n", "row=\n column 1=1\n column 2=2\n");
}

#[test]
fn csv_groups_gather_rows_wherever_they_stand() {
    let options = csv::CsvOptions { group: Some("REF".into()), ..csv::CsvOptions::default() };
    check(
        &BodyFormat::Csv(options),
        "REF,N\n1,a\n2,b\n1,c\n",
        "record=\n row=\n  REF=1\n  N=a\n row=\n  REF=1\n  N=c\nrecord=\n row=\n  REF=2\n  N=b\n",
    );
}

#[test]
fn csv_names_ragged_rows_and_bad_headers() {
    let format = BodyFormat::Csv(csv::CsvOptions::default());
    assert_eq!(refused(&format, "A,B\n1,2\n1\n").line, Some(3));
    assert!(refused(&format, "A,A\n").reason.contains("same name"));
    assert!(refused(&format, "A,\n").reason.contains("column 2"));
    assert!(refused(&format, "").reason.contains("header"));
}

fn fixed_format() -> BodyFormat {
    let column =
        |name: &str, width| fixed::Column { name: (name != "-").then(|| name.to_owned()), width };
    let line = |name: &str, text: &str, columns| fixed::FixedLine {
        name: name.into(),
        is: Some(fixed::Is::parse(&format!("1 is {text}")).unwrap()),
        columns,
    };
    BodyFormat::Fixed(fixed::FixedOptions {
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
