use proptest::prelude::*;

use super::*;
use cara_document::{BodyFormat, Limits, parse};

const TEXT: &str = "<E n='0'><P role='V'><S>Ann</S></P><P role='S' id='7'><S>Bob</S><C t='M'>1</C>\
    <C t='M'>2</C><C t='H'>3</C></P><D><P><S>Cy</S></P></D></E>";

/// The texts that a path finds from the root element.
fn check(path: &str, expected: &[&str]) {
    check_in(TEXT, path, expected);
}

fn check_in(text: &str, path: &str, expected: &[&str]) {
    let mut names = NameTable::default();
    let path = Path::parse(path, &mut names).unwrap();
    let tree = parse(text, &BodyFormat::Xml, &names, &Limits::default()).unwrap();
    let element = tree.children(tree.root()).next().unwrap();
    let mut found = Vec::new();
    path.select(&tree, element, &mut found);
    let texts: Vec<_> = found.iter().map(|node| tree.text(*node).into_owned()).collect();
    assert_eq!(texts, expected);
}

#[test]
fn steps_predicates_and_attributes() {
    check("P/S", &["Ann", "Bob"]);
    check("P[@role='S']/S", &["Bob"]);
    check("P[@role = \"S\"][S]/C[2]", &["2"]);
    check("P/C[@t='M'][2]", &["2"]);
    check("P[2]/@id", &["7"]);
    check("/E/@n", &["0"]);
    check("P[C]/S", &["Bob"]);
    check("P[S='Bob']/C[@t='H']", &["3"]);
    check("*/S", &["Ann", "Bob"]);
    check("x:P/y:S", &["Ann", "Bob"]);
    check("P/@*", &["V", "S", "7"]);
    check("Nothing/Here", &[]);
}

#[test]
fn depth_parents_and_order() {
    check("//S", &["Ann", "Bob", "Cy"]);
    check("//P[not]", &[]);
    check("P/C/../S", &["Bob"]);
    check("//P//S", &["Ann", "Bob", "Cy"]);
    check("D//S", &["Cy"]);
    check("./P[1]/S", &["Ann"]);
}

#[test]
fn names_may_hold_blanks() {
    let mut names = NameTable::default();
    let path = Path::parse("row/RISK GRADE", &mut names).unwrap();
    assert_eq!(path.steps()[1].name, "RISK GRADE");
    assert_eq!(path.text(), "row/RISK GRADE");
}

/// A path with a mistake, and the underlined part.
fn fault(path: &str, underlined: &str) {
    let fault = Path::parse(path, &mut NameTable::default()).unwrap_err();
    assert_eq!(&path[fault.start..fault.end], underlined, "{}", fault.what);
}

#[test]
fn faults_underline_what_is_wrong() {
    fault("A//", "");
    fault("A[", "");
    fault("A[B", "[B");
    fault("A[0]", "0");
    fault("A[@b='c]", "'c]");
    fault("A[@b=c]", "c");
    fault("A[@b=this]", "this");
    fault("A[B[@c=this/D]]", "this/D");
    fault("this", "this");
    fault("A]", "]");
    fault("A[../B='c']", "..");
    fault("A[/B]", "/");
    fault("A[.//B//C]", "//");
    fault("@a/B", "/B");
    fault("//..", "..");
    fault("A[1][1][1][1][1]", "[");
    fault("", "");
    fault("A//\"B", "\"B");
    fault(&"A/".repeat(40), &"A/".repeat(8));
}

#[test]
fn a_join_ties_what_only_a_reference_connects() {
    let text = "<R><Link><of>2</of><to>x1</to></Link><Link><of>1</of><to>x9</to></Link>\
        <Persons><P id='1'><S>Ann</S></P><P id=' 2 '><S>Bob</S></P><P id=''><S>Cy</S></P></Persons>\
        <V ref='1'><none/></V></R>";
    let mut names = NameTable::default();
    let path = |text: &str, names: &mut NameTable| Path::parse(text, names).unwrap();
    let victim = path("V", &mut names);
    let of_record = [
        ("Persons/P[@id = this/V/@ref]/S", vec!["Ann"]),
        ("Persons/P[@id = //Link/of]/S", vec!["Ann", "Bob"]),
        ("//P[@id = this/Link[to = 'x1']/of]/S", vec!["Bob"]),
        // What is not there ties nothing, not even to what is blank.
        ("Persons/P[@id = this/V/none]/S", vec![]),
        ("Persons/P[@id = //Link/of][2]/S", vec!["Bob"]),
        ("this/Persons/P[1]/S", vec!["Ann"]),
    ];
    let of_victim = [
        ("//P[@id = this/@ref]/S", vec!["Ann"]),
        ("//P[@id = ../Link/of]/S", vec!["Ann", "Bob"]),
        ("../Persons/P[@id = //Link[of = this/@ref]/of]/S", vec!["Ann"]),
    ];
    let asked: Vec<_> = of_record.iter().map(|(text, _)| path(text, &mut names)).collect();
    let asked_there: Vec<_> = of_victim.iter().map(|(text, _)| path(text, &mut names)).collect();
    let tree = parse(text, &BodyFormat::Xml, &names, &Limits::default()).unwrap();
    let record = tree.children(tree.root()).next().unwrap();
    let mut found = Vec::new();
    victim.select(&tree, record, &mut found);
    let item = found[0];
    let texts = |path: &Path, place: PathStart| {
        let mut found = Vec::new();
        path.select(&tree, place, &mut found);
        found.iter().map(|node| tree.text(*node).into_owned()).collect::<Vec<_>>()
    };
    for (path, (text, expected)) in asked.iter().zip(&of_record) {
        assert_eq!(texts(path, record.into()), *expected, "{text}");
    }
    for (path, (text, expected)) in asked_there.iter().zip(&of_victim) {
        assert_eq!(texts(path, PathStart { record, item }), *expected, "{text}");
    }
    // Without its tie the same path says where it ends.
    let dead = path("Persons/P[@id = this/V/none]/S", &mut names);
    assert_eq!(dead.dead_end(&tree, record).unwrap().name, "P");
}

#[test]
fn two_slashes_stay_inside_the_record_and_one_leads_to_the_top() {
    let text = "<B><H>x</H><R><A><P id='1'/></A></R><R><A><P id='2'/></A></R></B>";
    let mut names = NameTable::default();
    let records = Path::parse("/B/R", &mut names).unwrap();
    let items = Path::parse("A", &mut names).unwrap();
    let anywhere = Path::parse("//P/@id", &mut names).unwrap();
    let ids = Path::parse("//@id", &mut names).unwrap();
    let header = Path::parse("/B/H", &mut names).unwrap();
    let tree = parse(text, &BodyFormat::Xml, &names, &Limits::default()).unwrap();
    let select = |path: &Path, from: PathStart| {
        let mut found = Vec::new();
        path.select(&tree, from, &mut found);
        found
    };
    for (record, id) in select(&records, tree.root().into()).into_iter().zip(["1", "2"]) {
        let item = select(&items, record.into())[0];
        for path in [&anywhere, &ids] {
            let found = select(path, PathStart { record, item });
            assert_eq!(found.iter().map(|node| tree.peek(*node)).collect::<Vec<_>>(), [id]);
        }
        assert_eq!(select(&header, PathStart { record, item }).len(), 1);
    }
    assert_eq!(select(&anywhere, tree.root().into()).len(), 2);
}

#[test]
fn the_lone_slash_is_the_body() {
    let mut names = NameTable::default();
    let path = Path::parse("/", &mut names).unwrap();
    let tree = parse("{\"a\": 1}", &BodyFormat::Json, &names, &Limits::default()).unwrap();
    let mut found = Vec::new();
    path.select(&tree, tree.root(), &mut found);
    assert_eq!(found, [tree.root()]);
}

#[test]
fn positions_count_under_one_parent() {
    let text = "<E><G><A>1</A><A>2</A></G><G><A>3</A><B/><A>4</A></G></E>";
    check_in(text, "G/A[2]", &["2", "4"]);
    check_in(text, "//A[1]", &["1", "3"]);
    check_in(text, "G[2]/A[1]", &["3"]);
    check_in(text, "G[B][1]/A[2]", &["4"]);
}

#[test]
fn a_node_that_several_ways_lead_to_is_found_once() {
    let text = "<E><A><A><B>1</B></A><B>2</B></A><C/><C/></E>";
    check_in(text, "//A//B", &["1", "2"]);
    check_in(text, "//A/B", &["1", "2"]);
    check_in(text, "C/../A/B", &["2"]);
    check_in(text, "C/..//B[1]", &["1", "2"]);
}

#[test]
fn a_prefix_matches_with_and_without() {
    let mut names = NameTable::default();
    let path = Path::parse("x:a", &mut names).unwrap();
    for text in ["{\"x:a\": 1}", "{\"a\": 1}"] {
        let tree = parse(text, &BodyFormat::Json, &names, &Limits::default()).unwrap();
        let mut found = Vec::new();
        path.select(&tree, tree.root(), &mut found);
        assert_eq!(found.len(), 1, "{text}");
    }
}

#[test]
fn a_name_in_double_quotes_may_hold_anything() {
    let mut names = NameTable::default();
    let path = Path::parse("row/\"Date/Time [UTC]\"", &mut names).unwrap();
    let text = "Date/Time [UTC],B\n1,2\n";
    let format = BodyFormat::Csv(cara_document::csv::CsvOptions::default());
    let tree = parse(text, &format, &names, &Limits::default()).unwrap();
    let mut found = Vec::new();
    path.select(&tree, tree.root(), &mut found);
    assert_eq!(found.len(), 1);
}

#[test]
fn a_dead_end_names_the_step_and_what_is_there() {
    let dead_end = |path: &str| {
        let mut names = NameTable::default();
        let path = Path::parse(path, &mut names).unwrap();
        let tree = parse(TEXT, &BodyFormat::Xml, &names, &Limits::default()).unwrap();
        path.dead_end(&tree, tree.root()).map(|end| (end.at, end.name, end.present.join(" ")))
    };
    assert_eq!(dead_end("/E/P/S"), None);
    assert_eq!(dead_end("E/Q/S"), Some((2..3, "Q".into(), "P D".into())));
    assert_eq!(dead_end("E/P[@role='X']/S"), Some((3..14, "P".into(), "P D".into())));
    assert_eq!(dead_end("E/P/@rolle"), Some((5..10, "rolle".into(), "role id".into())));
}

#[test]
fn work_is_bounded_by_the_nodes_of_the_tree() {
    // Every way from an A to a B would be 3.6 billion; every node once is 120 thousand.
    let text = format!("<E>{}</E>", "<A/><B/>".repeat(60_000));
    let mut names = NameTable::default();
    let path = Path::parse("A/../B", &mut names).unwrap();
    let tree = parse(&text, &BodyFormat::Xml, &names, &Limits::default()).unwrap();
    let mut found = Vec::new();
    path.select(&tree, tree.children(tree.root()).next().unwrap(), &mut found);
    assert_eq!((found.len(), found.capacity() < 200_000), (60_000, true));
}

proptest! {
    #[test]
    fn no_path_panics_and_faults_stand_in_the_text(text in "[A-C/@.*\\[\\]='\"0-2 é]{0,16}") {
        let mut names = NameTable::default();
        match Path::parse(&text, &mut names) {
            Ok(path) => {
                let tree = parse(TEXT, &BodyFormat::Xml, &names, &Limits::default()).unwrap();
                let mut found = Vec::new();
                path.select(&tree, tree.root(), &mut found);
                prop_assert!(found.windows(2).all(|two| two[0] < two[1]));
                prop_assert_eq!(path.dead_end(&tree, tree.root()).is_none(), !found.is_empty());
                for step in path.steps() {
                    prop_assert!(text.get(step.at.clone()).is_some());
                    prop_assert!(text.get(step.brackets_at.clone()).is_some());
                }
            }
            Err(fault) => prop_assert!(text.get(fault.start..fault.end).is_some()),
        }
    }
}

#[test]
fn a_fault_beside_a_letter_of_two_bytes_takes_the_whole_letter() {
    let text = "0[*/\"]\"é";
    let fault = Path::parse(text, &mut NameTable::default()).unwrap_err();
    assert!(text.get(fault.start..fault.end).is_some());
}
