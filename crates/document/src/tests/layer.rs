//! What a text carries inside: opened, it reads as if it had never been wrapped.

use proptest::prelude::*;

use super::*;

const XML: Inside = Inside::Xml;

fn named(tree: &Tree<'_>, name: &str) -> Vec<NodeId> {
    tree.subtree(tree.root()).filter(|node| tree.name_text(*node) == name).collect()
}

/// Opens every node of each of these names, one after the other.
fn opened<'t>(
    text: &'t str,
    format: &BodyFormat,
    layers: &[(&str, Inside)],
    limits: &Limits,
) -> Result<Tree<'t>, Error> {
    let mut names = NameTable::default();
    names.intern("@payload");
    let mut tree = parse(text, format, &names, limits)?;
    for (name, inside) in layers {
        let carriers = named(&tree, name);
        open(&mut tree, &carriers, Opening { label: name, inside }, &names, limits)?;
    }
    Ok(tree)
}

/// What is inside the carriers, as indented text.
#[track_caller]
fn inside(format: &BodyFormat, text: &str, layers: &[(&str, Inside)], expected: &str) {
    match opened(text, format, layers, &Limits::default()) {
        Ok(tree) => {
            assert_eq!(shown_from(&tree, &layers[0].0.replace("payload", "@payload")), expected)
        }
        Err(error) => panic!("{error}"),
    }
}

/// Names and texts below the first node of this name.
fn shown_from(tree: &Tree<'_>, name: &str) -> String {
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
    let of = named(tree, name);
    show(tree, *of.first().unwrap_or(&tree.root()), 0, &mut out);
    out
}

fn escaped(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;")
}

#[test]
fn an_element_an_attribute_and_cdata_carry_xml() {
    let expected = "A=1\n @b=2\n";
    inside(&BodyFormat::Xml, "<E><C>&lt;A b='2'>1&lt;/A></C></E>", &[("C", XML)], expected);
    inside(&BodyFormat::Xml, "<E><C><![CDATA[<A b='2'>1</A>]]></C></E>", &[("C", XML)], expected);
    let attribute = "<E x='y' payload='&lt;A b=\"2\">1&lt;/A>' z=''><D/></E>";
    inside(&BodyFormat::Xml, attribute, &[("payload", XML)], expected);
    let tree =
        opened(attribute, &BodyFormat::Xml, &[("payload", XML)], &Limits::default()).unwrap();
    let element = tree.children(tree.root()).next().unwrap();
    let below = |node| tree.children(node).map(|it| tree.name_text(it)).collect::<Vec<_>>();
    assert_eq!(below(element), ["@payload", "D"]);
    assert_eq!(tree.attributes(element).count(), 3);
}

#[test]
fn a_json_string_a_cell_and_a_column_carry_what_they_are_said_to() {
    let json = r#"{"C": "<A b='2'>\"1\"</A>", "d": 1}"#;
    inside(&BodyFormat::Json, json, &[("C", XML)], "A=\"1\"\n @b=2\n");
    let csv = BodyFormat::Csv(csv::CsvOptions::default());
    let cell = "K,C\n1,\"{\"\"a\"\": \"\"x\"\", \"\"l\"\": [1, 2]}\"\n";
    inside(&csv, cell, &[("C", Inside::Json)], "a=x\nl=1\nl=2\n");
    let columns = ["offender 2", "relationship 2"].map(|it| fixed::Column::parse(it).unwrap());
    let packed = Inside::Fixed(columns.to_vec());
    let rows = "row=\n offender=01\n relationship=ST\nrow=\n offender=02\n relationship=RU\n";
    inside(&BodyFormat::Xml, "<E><C>01ST02RU   </C></E>", &[("C", packed.clone())], rows);
    let short = "row=\n offender=0\n";
    inside(&BodyFormat::Xml, "<E><C>0</C></E>", &[("C", packed.clone())], short);
    let lines = "row=\n offender=01\nrow=\n offender=é2\n relationship=RU\n";
    inside(&BodyFormat::Xml, "<E><C>01\n\né2RU\n</C></E>", &[("C", packed)], lines);
}

#[test]
fn every_layer_is_decoded_exactly_once() {
    let inner = "<B>&amp;amp;lt; &lt;</B>";
    let middle = format!("<D>{}</D>", escaped(inner));
    let text = format!("<E><C>{}</C></E>", escaped(&middle));
    let found = format!("D={inner}\n B=&amp;lt; <\n");
    inside(&BodyFormat::Xml, &text, &[("C", XML), ("D", XML)], &found);
    // The same name again and again: each step opens what the one before it uncovered.
    let text = format!("<E><C>{}</C></E>", escaped(&middle.replace('D', "C")));
    inside(&BodyFormat::Xml, &text, &[("C", XML), ("C", XML)], &found.replace('D', "C"));
}

#[test]
fn blanks_marks_comments_and_a_declaration_may_come_first() {
    for before in [
        "",
        "\n  ",
        "\u{feff}",
        "<?xml version='1.0' encoding='utf-16'?>",
        "\r\n\t<!-- made by -->\n<!---->\u{feff}<?xml version='1.0'?>\n<!-- c -->",
    ] {
        let text = format!("<E><C>{}</C></E>", escaped(&format!("{before}<A>1</A>\n<!-- end -->")));
        inside(&BodyFormat::Xml, &text, &[("C", XML)], "A=1\n");
    }
    inside(&BodyFormat::Xml, "<E><C>\u{feff} {\"a\": 1}</C></E>", &[("C", Inside::Json)], "a=1\n");
}

#[test]
fn what_is_blank_or_not_there_is_not_opened() {
    for text in ["<E/>", "<E><C/></E>", "<E><C> \n </C></E>", "<E payload=''/>"] {
        let tree =
            opened(text, &BodyFormat::Xml, &[("C", XML), ("payload", XML)], &Limits::default());
        let plain =
            parse(text, &BodyFormat::Xml, &NameTable::default(), &Limits::default()).unwrap();
        assert_eq!(shown(&tree.unwrap()), shown(&plain));
    }
}

fn error_of(text: &str, layers: &[(&str, Inside)], limits: &Limits) -> String {
    let error = opened(text, &BodyFormat::Xml, layers, limits).err().unwrap();
    format!("{error} ({:?} at {:?})", error.kind, error.line)
}

#[test]
fn an_error_names_the_layer_and_the_line_in_it() {
    let text = "<E>\n<F/><C>&lt;A>\n\n&lt;B>x&lt;/A></C></E>";
    assert_eq!(
        error_of(text, &[("C", XML)], &Limits::default()),
        "inside C, line 3: the end tag does not match the element that is open (Malformed at Some(2))"
    );
    let inner = "<D>\n\n{\"a\": 1,\n}</D>";
    let text = format!("<E>\n<C>{}</C></E>", escaped(inner));
    assert_eq!(
        error_of(&text, &[("C", XML), ("D", Inside::Json)], &Limits::default()),
        "inside D, line 4: a key in double quotes is expected here (Malformed at Some(2))"
    );
    let text = "<E><C>&lt;!DOCTYPE A>&lt;A/></C></E>";
    assert_eq!(
        error_of(text, &[("C", XML)], &Limits::default()),
        "inside C, line 1: a document type definition (<!DOCTYPE) is not accepted (Dtd at Some(1))"
    );
}

#[test]
fn limits_count_across_layers() {
    let text = format!("<E><C>{}</C></E>", escaped("<A><B x='1'/></A>"));
    let small = |limits: Limits| error_of(&text, &[("C", XML)], &limits);
    let exact =
        Limits { depth_max: 4, nodes_max: 5, text_bytes_max: text.len() + 17, ..Limits::default() };
    assert!(opened(&text, &BodyFormat::Xml, &[("C", XML)], &exact).is_ok());
    assert_eq!(
        small(Limits { depth_max: 3, ..exact.clone() }),
        "inside C, line 1: nested deeper than 3 levels (Limit(\"depth\") at Some(1))"
    );
    assert_eq!(
        small(Limits { nodes_max: 4, ..exact.clone() }),
        "inside C, line 1: more than 4 elements and attributes (Limit(\"nodes\") at Some(1))"
    );
    assert_eq!(
        small(Limits { text_bytes_max: exact.text_bytes_max - 1, ..exact }),
        "inside C: the body is larger than the limit with what it carries (Limit(\"bytes\") at Some(1))"
    );
    let attribute = format!("<E payload=\"{}\"/>", escaped("<A><B/></A>"));
    let exact = Limits { depth_max: 4, nodes_max: 5, ..Limits::default() };
    let layers = [("payload", XML)];
    assert!(opened(&attribute, &BodyFormat::Xml, &layers, &exact).is_ok());
    for less in [Limits { depth_max: 3, ..exact.clone() }, Limits { nodes_max: 4, ..exact }] {
        assert!(opened(&attribute, &BodyFormat::Xml, &layers, &less).is_err());
    }
}

/// The line of each node of a name.
#[track_caller]
fn lines(format: &BodyFormat, text: &str, layers: &[(&str, Inside)], name: &str, expected: &[u32]) {
    let tree = opened(text, format, layers, &Limits::default()).unwrap();
    let found: Vec<u32> = named(&tree, name).into_iter().map(|node| tree.line(node)).collect();
    assert_eq!(found, expected, "{text}");
}

#[test]
fn a_line_is_where_the_node_stands_in_the_body_or_where_its_carrier_does() {
    let literal = "<E>\n<C\nx=''>\n  &lt;A>\n&lt;B/>&lt;/A>\n</C>\n<C>&lt;A/></C></E>";
    lines(&BodyFormat::Xml, literal, &[("C", XML)], "A", &[4, 7]);
    lines(&BodyFormat::Xml, literal, &[("C", XML)], "B", &[5]);
    let cdata = "<E>\n<C>\n<![CDATA[\n<?xml version='1.0'?>\n<A>\n<B/></A>]]>\n</C></E>";
    lines(&BodyFormat::Xml, cdata, &[("C", XML)], "B", &[6]);
    let made = "<E>\n<C>&lt;A>&#10;&#10;&lt;B/>&lt;/A></C></E>";
    lines(&BodyFormat::Xml, made, &[("C", XML)], "B", &[2]);
    let attribute = "<E>\n<F\n payload='&lt;A>\n\n&lt;B/>&lt;/A>'/></E>";
    lines(&BodyFormat::Xml, attribute, &[("payload", XML)], "B", &[3]);
    let json = "{\"x\": 1,\n\"C\": \"<A>\\n\\n<B/></A>\"}";
    lines(&BodyFormat::Json, json, &[("C", XML)], "B", &[2]);
    let csv = BodyFormat::Csv(csv::CsvOptions::default());
    lines(&csv, "K,C\n1,\"<A>\n<B/></A>\"\n2,<B/>\n", &[("C", XML)], "B", &[3, 4]);
    let twice = format!("<E>\n<C>{}</C></E>", escaped("<D>\n&lt;B>\n&lt;A/>&lt;/B></D>"));
    lines(&BodyFormat::Xml, &twice, &[("C", XML), ("D", XML)], "A", &[4]);
}

/// Elements that hold texts; `C` and `D` carry.
fn document() -> impl Strategy<Value = String> {
    let text = prop_oneof![Just(String::new()), "[a-z&é\n]{1,6}".prop_map(|it| escaped(&it))];
    let leaf = (text, "[ABR]", any::<bool>()).prop_map(|(text, name, attribute)| {
        let attribute = if attribute { " x='&lt;'" } else { "" };
        format!("<{name}{attribute}>{text}</{name}>")
    });
    let tree = leaf.prop_recursive(3, 16, 4, |inner| {
        (prop::collection::vec(inner, 1..4), "[ABR]", any::<bool>()).prop_map(
            |(all, name, carried)| {
                let all = all.concat();
                match carried {
                    true => format!("<{name}><C>\u{1}{all}\u{2}</C></{name}>"),
                    false => format!("<{name}>{all}</{name}>"),
                }
            },
        )
    });
    prop::collection::vec(tree, 1..4).prop_map(|all| format!("<E>{}</E>", all.concat()))
}

/// The document with what is carried written out, and with it escaped: what stands between the
/// marks is a document `<W>…</W>` of its own.
fn both(document: &str) -> (String, String) {
    fn wrapped(text: &str) -> String {
        let Some(start) = text.rfind('\u{1}') else { return text.to_owned() };
        let end = start + text[start..].find('\u{2}').unwrap();
        let inner = escaped(&format!("<W>{}</W>", &text[start + 1..end]));
        wrapped(&format!("{}{inner}{}", &text[..start], &text[end + 1..]))
    }
    (document.replace('\u{1}', "<W>").replace('\u{2}', "</W>"), wrapped(document))
}

/// Names and texts, carriers' own texts left out.
fn content(tree: &Tree<'_>, node: NodeId) -> Vec<(String, String, usize, usize)> {
    let told = |it: NodeId| {
        let name = tree.name_text(it).to_owned();
        let text = if name == "C" { String::new() } else { tree.text(it).into_owned() };
        (name, text, tree.attributes(it).count(), tree.children(it).count())
    };
    tree.subtree(node).map(told).collect()
}

proptest! {
    #[test]
    fn whatever_is_carried_is_opened_or_refused(
        carried in prop::collection::vec(
            prop::sample::select(&[
                "<A>", "</A>", "<A b='", "'/>", "<!--", "-->", "<?xml", "?>", "&amp;", "&#10;", "\n",
                " ", "é", "{", "}", "\"", ":", ",", "1", "[", "]", "\\n", "xmlns='u'", "\u{feff}",
            ][..]),
            0..12,
        ).prop_map(|pieces| pieces.concat()),
        again in any::<bool>(),
    ) {
        let column = fixed::Column::parse("b 2").unwrap();
        let twice = escaped(&format!("<C>{}</C>", escaped(&carried)));
        let quoted = serde_json::Value::from(carried.as_str()).to_string();
        let bodies = [
            (BodyFormat::Xml, format!("<E><C>{}</C><C>{twice}</C></E>", escaped(&carried))),
            (BodyFormat::Json, format!("{{\"C\": [{quoted}, \"x\"]}}")),
            (BodyFormat::Csv(csv::CsvOptions::default()), format!("C\n\"{}\"\n", carried.replace('"', "\"\""))),
        ];
        for (format, body) in bodies {
            for inside in [XML, Inside::Json, Inside::Fixed(vec![column.clone()])] {
                let mut layers = vec![("C", inside)];
                if again {
                    layers.push(("C", XML));
                }
                let Ok(tree) = opened(&body, &format, &layers, &Limits::default()) else { continue };
                let all: Vec<NodeId> = tree.subtree(tree.root()).skip(1).collect();
                for (keep, node) in all.iter().enumerate() {
                    prop_assert!(tree.line(*node) as usize <= body.matches('\n').count() + 1);
                    let alone = [all[0], *node];
                    excerpt(&body, &format, &tree, &alone, keep % 2);
                }
            }
        }
    }

    #[test]
    fn opened_or_never_wrapped_is_the_same(document in document()) {
        let (plain, wrapped) = both(&document);
        let plain = parse(&plain, &BodyFormat::Xml, &NameTable::default(), &Limits::default()).unwrap();
        let layers = [("C", XML), ("C", XML), ("C", XML), ("C", XML)];
        let tree = opened(&wrapped, &BodyFormat::Xml, &layers, &Limits::default()).unwrap();
        prop_assert_eq!(content(&tree, tree.root()), content(&plain, plain.root()));
        for (node, other) in tree.subtree(tree.root()).zip(plain.subtree(plain.root())) {
            prop_assert_eq!(tree.parent(node), plain.parent(other));
        }
    }

    #[test]
    fn a_record_inside_is_cut_out_alone(document in document()) {
        let (_, wrapped) = both(&document);
        let layers = [("C", XML), ("C", XML), ("C", XML), ("C", XML)];
        let tree = opened(&wrapped, &BodyFormat::Xml, &layers, &Limits::default()).unwrap();
        let all = named(&tree, "R");
        for keep in 0..all.len() {
            let cut = excerpt(&wrapped, &BodyFormat::Xml, &tree, &all, keep);
            let again = opened(&cut, &BodyFormat::Xml, &layers, &Limits::default()).unwrap();
            let kept = named(&again, "R");
            // Only what holds the kept one, or stands in it, is left with it.
            let family = |it: &&NodeId| tree.is_within(**it, all[keep]) || tree.is_within(all[keep], **it);
            prop_assert_eq!(kept.len(), all.iter().filter(family).count(), "{}", cut);
            let place = all[..keep].iter().filter(family).count();
            prop_assert_eq!(content(&again, kept[place]), content(&tree, all[keep]), "{}", cut);
        }
    }
}

/// Cuts each record out and reads the rest again.
#[track_caller]
fn cut(
    format: &BodyFormat,
    text: &str,
    layers: &[(&str, Inside)],
    record: &str,
    expected: &[&str],
) {
    let tree = opened(text, format, layers, &Limits::default()).unwrap();
    let all = named(&tree, record);
    let rest: Vec<_> =
        (0..all.len()).map(|keep| excerpt(text, format, &tree, &all, keep)).collect();
    assert_eq!(rest, expected);
    for (keep, rest) in rest.iter().enumerate() {
        let again = opened(rest, format, layers, &Limits::default()).unwrap();
        let alone = named(&again, record);
        assert_eq!(alone.len(), 1, "{rest}");
        assert_eq!(content(&again, alone[0]), content(&tree, all[keep]), "{rest}");
    }
}

#[test]
fn an_excerpt_is_put_back_as_its_carrier_needs_it() {
    cut(
        &BodyFormat::Xml,
        "<E><C>&lt;M>&lt;R>a&amp;amp;b&lt;/R>&lt;R>2&lt;/R>&lt;/M></C></E>",
        &[("C", XML)],
        "R",
        &[
            "<E><C>&lt;M&gt;&lt;R&gt;a&amp;amp;b&lt;/R&gt;&lt;/M&gt;</C></E>",
            "<E><C>&lt;M&gt;&lt;R&gt;2&lt;/R&gt;&lt;/M&gt;</C></E>",
        ],
    );
    // A document of which nothing is left is put back empty; the others are not touched.
    cut(
        &BodyFormat::Xml,
        "<E><C><![CDATA[<?xml version='1.0'?><R>1</R>]]></C><C k='>'>&lt;R>2&lt;/R></C></E>",
        &[("C", XML)],
        "R",
        &[
            "<E><C><![CDATA[<?xml version='1.0'?><R>1</R>]]></C><C k='>'></C></E>",
            "<E><C></C><C k='>'>&lt;R>2&lt;/R></C></E>",
        ],
    );
    cut(
        &BodyFormat::Xml,
        "<E y='' payload = '&lt;M>&lt;R>\"&amp;apos;&lt;/R>&lt;R/>&lt;/M>'/>",
        &[("payload", XML)],
        "R",
        &[
            "<E y='' payload = '&lt;M&gt;&lt;R&gt;&quot;&amp;apos;&lt;/R&gt;&lt;/M&gt;'/>",
            "<E y='' payload = '&lt;M&gt;&lt;R/&gt;&lt;/M&gt;'/>",
        ],
    );
    cut(
        &BodyFormat::Json,
        r#"{"a\"": 1, "C" : "{\"R\": [1, \"\\n\"]}", "l": [["x"]]}"#,
        &[("C", Inside::Json)],
        "R",
        &[
            r#"{"a\"": 1, "C" : "{\"R\": [1]}", "l": [["x"]]}"#,
            r#"{"a\"": 1, "C" : "{\"R\": [ \"\\n\"]}", "l": [["x"]]}"#,
        ],
    );
    cut(
        &BodyFormat::Csv(csv::CsvOptions::default()),
        "K,C\n1,\"<M><R a=\"\"1\"\"/><R/></M>\"\n",
        &[("C", XML)],
        "R",
        &["K,C\n1,\"<M><R a=\"\"1\"\"/></M>\"\n", "K,C\n1,\"<M><R/></M>\"\n"],
    );
    let column = fixed::Column::parse("n 2").unwrap();
    cut(
        &BodyFormat::Xml,
        "<E><C>0102</C></E>",
        &[("C", Inside::Fixed(vec![column]))],
        "row",
        &["<E><C>01</C></E>", "<E><C>02</C></E>"],
    );
}

#[test]
fn what_an_attribute_carries_goes_with_the_attribute() {
    let text = "<E a='1' payload = '&lt;A/>' z='2'><R/></E>";
    let tree = opened(text, &BodyFormat::Xml, &[("payload", XML)], &Limits::default()).unwrap();
    let records: Vec<NodeId> = tree.children(named(&tree, "E")[0]).collect();
    assert_eq!(excerpt(text, &BodyFormat::Xml, &tree, &records, 1), "<E a='1'  z='2'><R/></E>");
}

#[test]
fn columns_behind_a_cut_stay_where_they_are() {
    let line = fixed::FixedLine {
        name: "L".into(),
        is: None,
        columns: ["C 8", "n 2"].map(|it| fixed::Column::parse(it).unwrap()).to_vec(),
    };
    let format = BodyFormat::Fixed(fixed::FixedOptions { lines: vec![line], record: "L".into() });
    let pair = Inside::Fixed(vec![fixed::Column::parse("p 4").unwrap()]);
    cut(&format, "é1ST02RU99\n", &[("C", pair)], "row", &["é1ST    99\n", "02RU    99\n"]);
}

#[test]
fn namespaces_are_those_of_each_document_by_itself() {
    let mut names = NameTable::default();
    assert!(names.declare("p", "urn:p") && names.declare("also", "urn:p"));
    assert!(names.declare("q", "urn:q"));
    let spaces = |text: &str| {
        let mut tree = parse(text, &BodyFormat::Xml, &names, &Limits::default()).unwrap();
        let carriers = named(&tree, "C");
        let opening = Opening { label: "C", inside: &XML };
        open(&mut tree, &carriers, opening, &names, &Limits::default()).unwrap();
        let told = tree
            .subtree(tree.root())
            .skip(1)
            .map(|node| format!("{}{}", tree.name_text(node), tree.space(node)));
        told.collect::<Vec<_>>().join(" ")
    };
    assert_eq!(
        spaces("<A xmlns='urn:p' a='' x:b='' xmlns:x='urn:q'><x:B/><C/></A>"),
        "A1 a0 b3 B3 C1"
    );
    assert_eq!(spaces("<A xmlns='urn:p'><B xmlns=''><D/></B><E/></A>"), "A1 B0 D0 E1");
    assert_eq!(spaces("<A><x:B xmlns:x='urn:p'/><x:B xmlns:x='urn:q'/><x:B/></A>"), "A0 B1 B3 B0");
    assert_eq!(spaces("<A xmlns='urn:other' xml:lang='en'/>"), "A0 lang0");
    assert_eq!(
        spaces("<A xmlns='&#117;rn:p'><C>&lt;D>&lt;E xmlns='urn:q'/>&lt;/D></C></A>"),
        "A1 C1 D0 E3"
    );
}
