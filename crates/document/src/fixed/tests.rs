use super::{Column, FixedLine, FixedOptions, Is};
use crate::{BodyFormat, Error, Limits, NameTable, Tree, parse};

fn format(lines: &[(&str, Option<&str>, &[&str])]) -> BodyFormat {
    let line = |(name, is, columns): &(&str, Option<&str>, &[&str])| FixedLine {
        name: (*name).to_owned(),
        is: is.map(|is| Is::parse(is).unwrap()),
        columns: columns.iter().map(|column| Column::parse(column).unwrap()).collect(),
    };
    BodyFormat::Fixed(FixedOptions {
        lines: lines.iter().map(line).collect(),
        record: "PERSON".into(),
    })
}

fn read<'t>(text: &'t str, format: &BodyFormat) -> Result<Tree<'t>, Error> {
    parse(text, format, &NameTable::default(), &Limits::default())
}

/// The columns of the first line.
fn check(format: &BodyFormat, text: &str, expected: &[(&str, &str)]) {
    let tree = read(text, format).unwrap();
    let line = tree.children(tree.root()).next().unwrap();
    let found: Vec<_> =
        tree.children(line).map(|node| (tree.name_text(node), tree.peek(node))).collect();
    assert_eq!(found, expected);
}

#[test]
fn columns_are_cut_by_characters_and_a_short_line_lacks_the_rest() {
    let columns: &[&str] = &["length 2", "- 1", "given name 4", "surname 4"];
    let format = format(&[("PERSON", None, columns)]);
    let all = [("length", "1"), ("given name", "ZOË"), ("surname", "ÉMIL")];
    check(&format, " 1xZOË ÉMILtail\r\n", &all);
    check(&format, " 1xZOE EMIL", &[all[0], ("given name", "ZOE"), ("surname", "EMIL")]);
    check(&format, " 1xZOË É\n", &[all[0], all[1], ("surname", "É")]);
    check(&format, " 1xZOË \n", &all[..2]);
    check(&format, " 1x\n", &all[..1]);
    check(&format, "1\n", &all[..1]);
}

#[test]
fn a_line_is_of_the_first_kind_it_fits() {
    let format = format(&[
        ("HEAD", Some("1-2 is H"), &["- 2", "day 2"]),
        ("PERSON", Some("5 is 1"), &["- 5", "name 3"]),
        ("OFFENCE", Some("5-6 is 'É2'"), &["- 6", "code 3"]),
    ]);
    let tree = read("H 26\nREFX1ANN\n\nREFXÉ2CD1\nREFX1BOB\n", &format).unwrap();
    let names = |node| tree.children(node).map(|it| tree.name_text(it)).collect::<Vec<_>>();
    assert_eq!(names(tree.root()), ["HEAD", "PERSON", "PERSON"]);
    let person = tree.children(tree.root()).nth(1).unwrap();
    assert_eq!(names(person), ["name", "OFFENCE"]);
    assert_eq!((tree.line(person), tree.span(person)), (2, 5..26));

    let error = read("H 26\nREFX3secret\n", &format).unwrap_err();
    assert_eq!(error.line, Some(2));
    assert_eq!(error.reason, "line 2 is of no kind that the mapping knows");
    assert!(read("REFX", &format).is_err(), "a line that ends before the place");
}

#[test]
fn phrases_are_read_or_underlined() {
    assert_eq!(Column::parse("- 12").unwrap(), Column { name: None, width: 12 });
    let given = Column { name: Some("given name".into()), width: 3 };
    assert_eq!(Column::parse(" given name  3 ").unwrap(), given);
    let column = |text: &'static str| text.get(Column::parse(text).unwrap_err().at).unwrap();
    assert_eq!(column("surname"), "surname");
    assert_eq!(column("surname x"), "x");
    assert_eq!(column("surname 0"), "0");
    assert_eq!(column("surname 9999999"), "9999999");
    assert_eq!(column(" 30"), " 30");
    let is = |text: &'static str| text.get(Is::parse(text).unwrap_err().at).unwrap();
    assert_eq!(is("5 = 1"), "5 = 1");
    assert_eq!(is("0 is 1"), "0");
    assert_eq!(is("7-5 is 1"), "7-5");
    assert_eq!(is("5 is 12"), "12");
}
