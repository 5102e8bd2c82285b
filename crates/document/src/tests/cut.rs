//! Excerpts: the kept record alone, with what stood around the records.

use proptest::prelude::*;

use super::*;

fn records(tree: &Tree<'_>, name: &str) -> Vec<NodeId> {
    tree.subtree(tree.root()).filter(|node| tree.name_text(*node) == name).collect()
}

/// Names and texts of a whole subtree.
fn content(tree: &Tree<'_>, node: NodeId) -> Vec<(String, String)> {
    tree.subtree(node)
        .map(|node| (tree.name_text(node).to_owned(), tree.text(node).into_owned()))
        .collect()
}

/// Cuts out each record and reads it again: the same record, alone, and the rest unchanged.
fn check(format: &BodyFormat, text: &str, record: &str) -> Result<(), TestCaseError> {
    let (names, limits) = (NameTable::default(), Limits::default());
    let tree = parse(text, format, &names, &limits).unwrap();
    let all = records(&tree, record);
    let around = |tree: &Tree<'_>, all: &[NodeId]| -> Vec<(String, String)> {
        tree.subtree(tree.root())
            .filter(|node| !all.iter().any(|record| tree.is_within(*node, *record)))
            .map(|node| (tree.name_text(node).to_owned(), tree.text(node).into_owned()))
            .collect()
    };
    for keep in 0..all.len() {
        let cut = excerpt(text, format, &tree, &all, keep);
        let again = parse(&cut, format, &names, &limits);
        prop_assert!(again.is_ok(), "{:?}\n{}\n{}", again.err(), text, cut);
        let again = again.unwrap();
        let alone = records(&again, record);
        prop_assert_eq!(alone.len(), 1, "{}", cut);
        prop_assert_eq!(content(&again, alone[0]), content(&tree, all[keep]), "{}", cut);
        prop_assert_eq!(around(&again, &alone), around(&tree, &all), "{}", cut);
    }
    Ok(())
}

proptest! {
    #[test]
    fn an_xml_record(
        values in prop::collection::vec("[a-z &;\u{e9}]{0,6}", 1..6),
        space in "[ \n]{0,2}",
        declaration in prop_oneof![Just(""), Just("<?xml version='1.0' encoding='UTF-16'?>")],
    ) {
        let records: Vec<_> = values
            .iter()
            .map(|value| format!("<p:O a='1'><A>{}</A></p:O>", value.replace('&', "&amp;")))
            .collect();
        let text = format!("{declaration}<E><H>x</H>{}<T/></E>", records.join(&space));
        check(&BodyFormat::Xml, &text, "O")?;
    }

    #[test]
    fn a_json_element(
        groups in prop::collection::vec(prop::collection::vec("[a-z,}\\]]{0,4}", 0..5), 1..4),
        space in "[ \n]{0,2}",
    ) {
        let groups: Vec<_> = groups
            .iter()
            .map(|values| {
                let records: Vec<_> =
                    values.iter().map(|value| format!("{{\"a\":[\"{value}\",null]}}")).collect();
                format!("{{\"g\":1,\"o\":{space}[{}]}}", records.join(&format!("{space},{space}")))
            })
            .collect();
        let text = format!("{{\"h\":\"x\",\"groups\":[{}],\"t\":2}}", groups.join(","));
        check(&BodyFormat::Json, &text, "o")?;
    }

    #[test]
    fn a_json_member(count in 1..5_usize, before in any::<bool>(), after in any::<bool>()) {
        let mut objects: Vec<_> =
            (0..count).map(|n| format!("{{\"k\" : {n} , \"o\" : {{ \"a\" : {n} }}}}")).collect();
        if before {
            objects.insert(0, "{\"o\":{\"a\":7},\"x\":null}".to_owned());
        }
        if after {
            objects.push("{\"o\":true}".to_owned());
        }
        check(&BodyFormat::Json, &format!("[{}]", objects.join(" , ")), "o")?;
    }

    #[test]
    fn csv_rows_and_groups(
        rows in prop::collection::vec(("[ab]?", "[a-z\"\n,]{0,3}"), 1..7),
        crlf in any::<bool>(),
    ) {
        let end = if crlf { "\r\n" } else { "\n" };
        let rows: Vec<_> = rows
            .iter()
            .map(|(key, value)| format!("{key},\"{}\",z", value.replace('"', "\"\"")))
            .collect();
        let text = format!("A,B,C{end}{}", rows.join(end));
        check(&BodyFormat::Csv(csv::CsvOptions::default()), &text, "row")?;
        let grouped = csv::CsvOptions { group: Some("A".into()), ..csv::CsvOptions::default() };
        check(&BodyFormat::Csv(grouped), &text, "record")?;
    }

    #[test]
    fn a_fixed_width_record(
        records in prop::collection::vec(("[A-Zé]{1,6}", 0..3_usize), 1..6),
        header in any::<bool>(),
    ) {
        let mut text = if header { "H2026\r\n".to_owned() } else { String::new() };
        for (name, offences) in records {
            text += &format!("C{name:<6}M\n{}", "OAB1\n".repeat(offences));
        }
        check(&fixed_format(), &text, "CASE")?;
    }
}

#[test]
fn a_body_of_one_record_is_kept_as_it_is() {
    let (names, limits) = (NameTable::default(), Limits::default());
    let text = "\u{feff}<?xml version='1.0' encoding='utf-8'?><O>é</O>";
    let tree = parse(text, &BodyFormat::Xml, &names, &limits).unwrap();
    let cut = excerpt(text, &BodyFormat::Xml, &tree, &records(&tree, "O"), 0);
    assert!(matches!(cut, std::borrow::Cow::Borrowed(_)));
    assert_eq!(cut, text.trim_start_matches('\u{feff}'));
}

#[test]
fn a_declaration_that_no_longer_holds_is_left_out() {
    let (names, limits) = (NameTable::default(), Limits::default());
    let text = "<?xml version='1.0' encoding='windows-1252'?><O>é</O>";
    let tree = parse(text, &BodyFormat::Xml, &names, &limits).unwrap();
    let cut = excerpt(text, &BodyFormat::Xml, &tree, &records(&tree, "O"), 0);
    assert_eq!(cut, "<O>é</O>");
    assert_eq!(decode(cut.as_bytes(), None).unwrap(), cut);
}

#[test]
fn a_text_that_begins_like_a_byte_order_mark_is_kept_when_it_comes_first() {
    let format = BodyFormat::Csv(csv::CsvOptions { header: false, ..csv::CsvOptions::default() });
    let text = "a,b\n\u{feff}c,d\n";
    let read = |text: &str| {
        let tree = parse(text, &format, &NameTable::default(), &Limits::default()).unwrap();
        let rows: Vec<_> = tree.children(tree.root()).collect();
        let last = tree.children(*rows.last().unwrap()).next().unwrap();
        (
            tree.text(last).into_owned(),
            excerpt(text, &format, &tree, &rows, rows.len() - 1).into_owned(),
        )
    };
    let (cell, cut) = read(text);
    assert_eq!((cell.as_str(), read(&cut).0.as_str()), ("\u{feff}c", "\u{feff}c"));
    let (cell, cut) = read("\u{feff}\u{feff}c,d\n");
    assert_eq!((cell.as_str(), read(&cut).0.as_str()), ("\u{feff}c", "\u{feff}c"));
}
