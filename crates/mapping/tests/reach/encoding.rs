//! Every encoding in every format that can carry it: the same record in all of them.

use super::check;

const NAME: &str = "officer.name = ÉLODIE O’DELL €";

fn mapping(source: &str, rest: &str) -> String {
    format!(
        "[source]\ndates = [\"DD/MM/YYYY\"]\n{source}\n{rest}\n[fields]\nofficer.name = {{ from = \"NAME\" }}\n"
    )
}

fn utf16(text: &str, little: bool, mark: bool) -> Vec<u8> {
    let mark = if mark { "\u{feff}" } else { "" };
    let units = mark.encode_utf16().chain(text.encode_utf16());
    let bytes = |unit: u16| if little { unit.to_le_bytes() } else { unit.to_be_bytes() };
    units.flat_map(bytes).collect()
}

/// The record's own characters in windows-1252.
fn windows_1252(text: &str) -> Vec<u8> {
    let byte = |character: char| match character {
        '€' => 0x80,
        '’' => 0x92,
        other => u8::try_from(other).unwrap(),
    };
    text.chars().map(byte).collect()
}

#[track_caller]
fn in_every_encoding(source: &str, rest: &str, body: &str) {
    let expected: &[&[&str]] = &[&[NAME]];
    let plain = mapping(source, rest);
    for body in [body.to_owned(), body.replace('\n', "\r\n"), format!("\u{feff}{body}")] {
        check(&plain, &body, expected);
        for little in [true, false] {
            let body = body.trim_start_matches('\u{feff}');
            check(&plain, utf16(body, little, true), expected);
            check(&plain, utf16(body, little, false), expected);
            let declared = if little { "utf-16le" } else { "utf-16be" };
            let named = mapping(&format!("{source}\nencoding = \"{declared}\""), rest);
            check(&named, utf16(body, little, false), expected);
        }
    }
    let named = mapping(&format!("{source}\nencoding = \"windows-1252\""), rest);
    check(&named, windows_1252(body), expected);
}

#[test]
fn xml() {
    let source = "type = \"xml\"\nrecord = \"/Case\"";
    in_every_encoding(source, "", "<Case>\n<NAME>ÉLODIE\u{20}O’DELL\u{20}€</NAME>\n</Case>");
    let declared =
        "<?xml version='1.0' encoding='windows-1252'?><Case><NAME>ÉLODIE O’DELL €</NAME></Case>";
    check(&mapping(source, ""), windows_1252(declared), &[&[NAME]]);
}

#[test]
fn json() {
    let source = "type = \"json\"\nmatch = \"/cases\"\nrecord = \"/cases\"";
    in_every_encoding(source, "", "{\"cases\": [\n{\"NAME\": \"ÉLODIE O’DELL €\"}\n]}\n");
}

#[test]
fn csv() {
    in_every_encoding("type = \"csv\"", "", "REF,NAME\n1,\"ÉLODIE O’DELL €\"\n");
}

#[test]
fn fixed() {
    let line = "[[line]]\nname = \"CASE\"\ncolumns = [\"ref 3\", \"NAME 20\", \"end 1\"]";
    in_every_encoding("type = \"fixed\"\nrecord = \"CASE\"", line, "001ÉLODIE O’DELL €     X\n");
}

#[test]
fn xml_inside_json() {
    let source = "type = \"json\"\nmatch = \"/case\"\nrecord = \"/case/Case\"";
    let unwrap = "[[unwrap]]\nat = \"/case\"\nas = \"xml\"";
    in_every_encoding(
        source,
        unwrap,
        "{\"case\":\n\"<Case><NAME>ÉLODIE O’DELL €</NAME></Case>\"\n}",
    );
}
