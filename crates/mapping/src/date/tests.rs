use jiff::civil::{Date, date};
use jiff::tz::TimeZone;
use proptest::prelude::*;

use super::{DateFormat, Formats, Piece, Window};

fn formats(texts: &[&str]) -> Formats {
    let window = Some(Window::parse("1930-2029").unwrap());
    Formats::parse(texts, window, TimeZone::get("Europe/London").unwrap()).unwrap()
}

#[track_caller]
fn check(format: &str, text: &str, expected: Option<Date>) {
    assert_eq!(formats(&[format]).date(text), expected, "{format} on {text}");
}

#[test]
fn every_letter_reads_what_it_says() {
    let day = Some(date(2025, 3, 7));
    check("DD/MM/YYYY", "07/03/2025", day);
    check("D/M/YYYY", "7/3/2025", day);
    check("D/M/YYYY", "07/03/2025", day);
    check("YYYYMMDD", "20250307", day);
    check("DDMMYYYY", "07032025", day);
    check("D MMM YYYY", "7 MAR 2025", day);
    check("DD-MMM-YY", "07-Mar-25", day);
    check("DMMMYYYY", "7mar2025", day);
    check("YYYY-MM-DDThh:mm:ssZ", "2025-03-07T12:00:00Z", day);
    check("YYYY-MM-DDThh:mm:ssZ", "2025-03-07T12:00:00.123456+00:00", day);
    check("DD.MM.YYYY hh:mm", "07.03.2025 23:59", day);
}

#[test]
fn what_is_not_in_the_format_is_not_read() {
    for text in [
        "7/3/2025",
        "07/03/25",
        "07-03-2025",
        "32/03/2025",
        "29/02/2025",
        "07/13/2025",
        "",
        "07/03/2025 ",
        "07/03/0120",
        "07/03/2101",
        "+7/03/2025",
        "०७/03/2025",
        "07/03/2025é",
    ] {
        check("DD/MM/YYYY", text, None);
    }
    check("YYYY-MM-DDThh:mmZ", "2025-03-07T24:00Z", None);
    check("YYYY-MM-DDThh:mmZ", "2025-03-07T10:00+15:00", None);
    check("YYYY-MM-DDThh:mmZ", "2025-03-07T10:00+01:", None);
    check("YYYY-MM-DDThh:mm:ss", "2025-03-07T10:00:00.", None);
}

#[test]
fn two_digits_lie_within_the_window() {
    check("DD/MM/YY", "01/01/30", Some(date(1930, 1, 1)));
    check("DD/MM/YY", "01/01/29", Some(date(2029, 1, 1)));
    check("DD/MM/YY", "01/01/00", Some(date(2000, 1, 1)));
    assert!(DateFormat::parse("DD/MM/YY", None).unwrap_err().what.contains("years"));
    let wide = Window::parse("1930-2030").unwrap_err();
    assert_eq!(wide.suggestion.as_deref(), Some("1930-2029"));
    assert!(Window::parse("30-29").is_err() && Window::parse("long ago").is_err());
}

#[test]
fn a_time_in_a_date_field_is_the_day_in_the_time_zone() {
    // Half past eleven in the evening, UTC, is the next day in a London summer.
    check("YYYY-MM-DDThh:mmZ", "2025-07-01T23:30Z", Some(date(2025, 7, 2)));
    check("YYYY-MM-DDThh:mmZ", "2025-01-01T23:30Z", Some(date(2025, 1, 1)));
    check("YYYY-MM-DDThh:mm", "2025-07-01T23:30", Some(date(2025, 7, 1)));
}

#[test]
fn an_instant_is_local_time_unless_it_has_an_offset() {
    let read = |format: &str, text: &str| formats(&[format]).instant(text).map(|at| at.to_string());
    let local = "DD/MM/YYYY hh:mm:ss";
    assert_eq!(read(local, "01/07/2025 10:00:00").as_deref(), Some("2025-07-01T09:00:00Z"));
    assert_eq!(read(local, "01/01/2025 10:00:00").as_deref(), Some("2025-01-01T10:00:00Z"));
    // The hour that the clocks repeat is the first one; the hour that they skip is pushed on.
    assert_eq!(read(local, "26/10/2025 01:30:00").as_deref(), Some("2025-10-26T00:30:00Z"));
    assert_eq!(read(local, "30/03/2025 01:30:00").as_deref(), Some("2025-03-30T01:30:00Z"));
    assert_eq!(
        read("YYYY-MM-DDThh:mm:ssZ", "2025-07-01T10:00:00+02:00").as_deref(),
        Some("2025-07-01T08:00:00Z")
    );
    assert_eq!(read("DD/MM/YYYY", "01/07/2025").as_deref(), Some("2025-06-30T23:00:00Z"));
}

#[test]
fn several_formats_are_tried_in_order() {
    let formats = formats(&["DD/MM/YYYY", "YYYY-MM-DD", "D MMM YYYY"]);
    for text in ["07/03/2025", "2025-03-07", "7 Mar 2025"] {
        assert_eq!(formats.date(text), Some(date(2025, 3, 7)));
    }
    assert!(formats.clashes().is_empty());
}

#[test]
fn two_formats_that_read_one_text_differently_are_found() {
    for (first, second) in [
        ("DD/MM/YYYY", "MM/DD/YYYY"),
        ("D/M/YYYY", "MM/DD/YYYY"),
        ("DD/MM/YY", "YY/MM/DD"),
        ("DDMMYY", "YYMMDD"),
        ("YYYYDDMM", "YYYYMMDD"),
        ("DD/MM/YYYY hh:mm", "MM/DD/YYYY hh:mm"),
    ] {
        let formats = formats(&[first, second]);
        let clashes = formats.clashes();
        assert_eq!(clashes.len(), 1, "{first} and {second}");
        let read = |format: &DateFormat| {
            format.read(&clashes[0].text, formats.window).map(|found| found.date)
        };
        let (one, other) = (read(&formats.formats[0]), read(&formats.formats[1]));
        assert!(one.is_some() && other.is_some() && one != other, "{first} and {second}");
    }
}

#[test]
fn formats_that_cannot_be_confused_do_not_clash() {
    for list in [
        &["DD/MM/YYYY", "D/M/YYYY"][..],
        &["DD/MM/YYYY", "YYYY-MM-DD", "YYYYMMDD", "DD/MM/YYYY hh:mm:ss"],
        &["DDMMYYYY", "YYYYMMDD"],
        &["D MMM YYYY", "DD/MM/YY"],
    ] {
        assert_eq!(formats(list).clashes(), [], "{list:?}");
    }
}

#[test]
fn a_mistake_in_a_format_is_underlined() {
    let fault = |text: &str| DateFormat::parse(text, None).unwrap_err();
    let small = fault("dd/MM/YYYY");
    assert_eq!((small.start, small.end), (0, 2));
    assert_eq!(small.suggestion.as_deref(), Some("DD/MM/YYYY"));
    assert_eq!(fault("YYYY-MM-DD HH:mm").suggestion.as_deref(), Some("YYYY-MM-DD hh:mm"));
    for wrong in ["", "DD/MM", "DD/MM/YYYY hh", "DMYYYY", "DD/MM/YYYY Z", "DD/DD/YYYY", "YYYYYY"] {
        fault(wrong);
    }
    let faults = Formats::parse(&["DD/MM/YYYY", "dd/mm"], None, TimeZone::UTC).unwrap_err();
    assert_eq!(faults.len(), 1);
    assert_eq!(faults[0].0, 1);
}

const WRITTEN: [&str; 8] = [
    "DD/MM/YYYY",
    "D/M/YYYY",
    "YYYYMMDD",
    "D MMM YYYY",
    "YYYY-MM-DDThh:mm:ss",
    "DD-MMM-YY",
    "YYMMDDhhmm",
    "hh:mm D.M.YYYY",
];

proptest! {
    #[test]
    fn what_a_format_writes_it_reads_again(
        year in 1930i16..2030, month in 1i8..13, day in 1i8..29, hour in 0i8..24, minute in 0i8..60,
        padded: bool,
    ) {
        let moment = date(year, month, day).at(hour, minute, 7, 0);
        for text in WRITTEN {
            let formats = formats(&[text]);
            let format = &formats.formats[0];
            let found = format.read(&format.write(moment, padded), formats.window);
            prop_assert_eq!(found.map(|found| found.date), Some(moment.date()), "{}", text);
            if format.pieces.contains(&Piece::Second) {
                prop_assert_eq!(found.and_then(|found| found.time), Some(moment.time()));
            }
        }
    }

    #[test]
    fn no_text_makes_reading_panic(text in "\\PC{0,30}|[0-9/:TZ+. -]{0,30}") {
        for format in WRITTEN {
            let formats = formats(&[format]);
            prop_assert_eq!(formats.date(&text).is_some(), formats.instant(&text).is_some());
        }
    }

    #[test]
    fn no_format_makes_parsing_panic(text in "\\PC{0,20}|[DMYhmsTZ/: .-]{0,20}") {
        if let Err(fault) = DateFormat::parse(&text, None) {
            prop_assert!(text.get(fault.start..fault.end).is_some());
        }
    }
}
