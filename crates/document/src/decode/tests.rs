use super::super::ErrorKind;
use super::decode;

fn check(bytes: &[u8], declared: Option<&str>, expected: &str) {
    assert_eq!(decode(bytes, declared).unwrap(), expected);
}

fn refused(bytes: &[u8], declared: Option<&str>) -> (Option<u32>, Option<u32>) {
    let error = decode(bytes, declared).unwrap_err();
    assert_eq!(error.kind, ErrorKind::Encoding);
    (error.line, error.column)
}

/// A text in UTF-16.
fn utf16(text: &str, little: bool, mark: bool) -> Vec<u8> {
    let mark = if mark { "\u{feff}" } else { "" };
    format!("{mark}{text}")
        .encode_utf16()
        .flat_map(|unit| if little { unit.to_le_bytes() } else { unit.to_be_bytes() })
        .collect()
}

#[test]
fn a_byte_order_mark_decides() {
    check(b"\xef\xbb\xbf\xc3\xa9", None, "é");
    check(b"\xef\xbb\xbf\xc3\xa9", Some("windows-1252"), "é");
    for little in [true, false] {
        check(&utf16("é😀", little, true), None, "é😀");
        check(&utf16("é😀", little, true), Some("utf-8"), "é😀");
    }
}

#[test]
fn utf16_without_a_mark_is_seen_by_its_first_character() {
    for little in [true, false] {
        check(&utf16("<é/>", little, false), None, "<é/>");
        let declared = "<?xml version='1.0' encoding='UTF-16'?><é/>";
        check(&utf16(declared, little, false), Some("utf-16"), declared);
    }
}

#[test]
fn the_mapping_or_the_xml_declaration_names_the_encoding() {
    check(b"\x80 \xe9", Some("Windows-1252"), "€ é");
    check(b"\xe9", Some("ISO-8859-1"), "é");
    let xml = b"<?xml version='1.0' encoding = \"windows-1252\"?><a>\xe9</a>";
    assert!(decode(xml, None).unwrap().ends_with("<a>é</a>"));
    assert!(decode(xml, Some("windows-1252")).unwrap().ends_with("<a>é</a>"));
    check(b"{\"encoding\": \"\xc3\xa9\"}", None, "{\"encoding\": \"é\"}");
}

#[test]
fn statements_that_contradict_each_other_are_refused() {
    let said = |encoding: &str| format!("<?xml version='1.0' encoding='{encoding}'?><a/>");
    refused(said("windows-1252").as_bytes(), Some("utf-8"));
    refused(said("utf-16").as_bytes(), None);
    refused(&[b"\xef\xbb\xbf", said("windows-1252").as_bytes()].concat(), None);
    refused(&utf16(&said("utf-8"), true, true), None);
    check(said("us-ascii").as_bytes(), Some("utf-8"), &said("us-ascii"));
}

#[test]
fn an_unknown_encoding_is_refused_without_repeating_it() {
    let error = decode(b"<?xml version='1.0' encoding='secret'?><a/>", None).unwrap_err();
    assert!(!error.reason.contains("secret"));
    refused(b"a", Some("ebcdic"));
}

#[test]
fn bytes_that_are_no_text_are_refused_at_their_place() {
    assert_eq!(refused(b"ab\n\xc3\xa9\xff", None), (Some(2), Some(2)));
    assert_eq!(refused(b"ab\n\xc3\xa9\xff", Some("utf-8")), (Some(2), Some(2)));
    assert_eq!(refused(b"\xe9\xe9\x81", Some("windows-1252")), (Some(1), Some(3)));
    assert_eq!(refused(b"ab\xc3\xa9", Some("us-ascii")), (Some(1), Some(3)));
    assert_eq!(refused(b"\xff\xfea\0\n\0b", None), (Some(2), Some(1)));
    assert_eq!(refused(b"\xff\xfea\0\0\xd8", None), (Some(1), Some(2)));
    assert_eq!(refused(b"ab\0", None), (Some(1), Some(3)));
    assert_eq!(refused(b"\0\0\0", None), (Some(1), Some(1)));
}
