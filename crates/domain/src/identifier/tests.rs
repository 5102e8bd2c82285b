use proptest::prelude::*;

use super::*;

#[test]
fn every_published_asn_has_its_check_letter() {
    for text in [
        "1101ZD0100000448754K",
        "0800NP0100000000001H",
        "0836FP0100000377244A",
        "2544AA0100000012345W",
        "2552BR0100000000042R",
        "2620C10000000999999K",
    ] {
        let asn = Asn::parse(text).unwrap();
        assert_eq!(asn.as_str(), text);
        assert_eq!(asn.expected_letter(), None, "{text}");
    }
}

#[test]
fn a_short_asn_is_padded_in_its_sequence_only() {
    assert_eq!(Asn::parse("11/01zd/01/448754K").unwrap().as_str(), "1101ZD0100000448754K");
    assert_eq!(Asn::parse("1101ZD/01/448754K").unwrap().as_str(), "1101ZD0100000448754K");
    assert_eq!(Asn::parse("11/01ZD/01/00000448754K").unwrap().as_str(), "1101ZD0100000448754K");
    let bichard_help = Asn::parse("09/88AA/01/123456X").unwrap();
    assert_eq!(bichard_help.expected_letter(), Some('A'));
}

#[test]
fn a_top_level_code_makes_an_asn_21_long_and_does_not_count() {
    let asn = Asn::parse("11A01ZD0100000448754K").unwrap();
    assert_eq!(asn.as_str().len(), 21);
    assert_eq!(asn.expected_letter(), None);
}

#[test]
fn texts_that_are_no_asn_are_refused() {
    for text in [
        "",
        "K",
        "/",
        "1101ZD0100000448754",
        "1101ZD0100000448754I",
        "1101ZD0100000448754KK",
        "AA01ZD0100000448754K",
        "1101ZD01/K",
        "1101ZD01/0000044875412K",
        "11é1ZD0100000448754K",
        "1101ZD01/é",
    ] {
        assert!(Asn::parse(text).is_err(), "{text}");
    }
}

#[test]
fn dummy_asns_are_spotted() {
    for text in [
        "0800NP0100000000001H",
        "0800PP0111111111111A",
        "2544NRPR00000000001A",
        "2512LN0000000000001A",
        "2500NP0000000000001A",
        "2563001100000000001A",
        "2506SS0100000000001A",
        "2500XX0100000000001A",
        "2550110100000000001A",
        "2550SJ0100000000001A",
    ] {
        assert!(Asn::parse(text).unwrap().is_dummy(), "{text}");
    }
    for text in ["1101ZD0100000448754K", "2544AA0100000012345W", "2550AA0100000000001A"] {
        assert!(!Asn::parse(text).unwrap().is_dummy(), "{text}");
    }
}

#[test]
fn every_published_pnc_id_has_its_check_letter() {
    for text in
        ["1981/0000034U", "2002/0073319Z", "1979/0163001B", "2000/0000223R", "1967/9893091D"]
    {
        let id = PncId::parse(text, 2025).unwrap();
        assert_eq!(id.as_str(), text);
        assert_eq!(id.expected_letter(), None, "{text}");
    }
    for text in ["2003/0011985Z", "2023/0583843N", "2001/0171310S"] {
        let wrong = PncId::parse(text, 2025);
        assert!(wrong.is_err() || wrong.unwrap().expected_letter().is_some(), "{text}");
    }
}

#[test]
fn a_pnc_id_is_read_in_every_written_form() {
    for text in ["81/34U", "810000034U", "19810000034u", "1981/0000034U", " 1981/34U "] {
        assert_eq!(PncId::parse(text, 2025).unwrap().as_str(), "1981/0000034U", "{text}");
    }
    assert_eq!(PncId::parse("02/73319Z", 2025).unwrap().as_str(), "2002/0073319Z");
    assert_eq!(PncId::parse("26/1A", 2025).unwrap().as_str(), "1926/0000001A");
    assert_eq!(PncId::parse("26/1A", 2026).unwrap().as_str(), "2026/0000001A");
    for text in ["", "/", "981/34U", "1981/U", "1981/12345678U", "81/34", "1981/34ü", "ü1/34U"] {
        assert!(PncId::parse(text, 2025).is_err(), "{text}");
    }
}

#[test]
fn every_published_cro_number_has_its_check_letter() {
    for text in ["065656/91H", "SF05/482703J", "SF83/50058Z"] {
        let cro = Cro::parse(text).unwrap();
        assert_eq!(cro.as_str(), text);
        assert_eq!(cro.expected_letter(), None, "{text}");
    }
    assert_eq!(Cro::parse("65656/91h").unwrap().as_str(), "065656/91H");
    assert_eq!(Cro::parse("06565691H").unwrap().as_str(), "065656/91H");
    assert_eq!(Cro::parse("065656/91A").unwrap().expected_letter(), Some('H'));
    for text in ["", "/", "SF/1A", "SF05/A", "SF05/1234567A", "1234567/91H", "065656/911H"] {
        assert!(Cro::parse(text).is_err(), "{text}");
    }
}

#[test]
fn a_pti_urn_is_eleven_characters() {
    assert_eq!(PtiUrn::parse("01ZD0303208").unwrap().as_str(), "01ZD0303208");
    assert_eq!(PtiUrn::parse("01/zd/3032/08").unwrap().as_str(), "01ZD0303208");
    for text in ["", "01Z", "01ZD08", "01ZD03032081", "01ZD03A3208"] {
        assert!(PtiUrn::parse(text).is_err(), "{text}");
    }
}

#[test]
fn postcodes_follow_bs_7666() {
    for (text, canonical) in [
        ("so171bj", "SO17 1BJ"),
        ("M1 1AE", "M1 1AE"),
        ("EC1A1BB", "EC1A 1BB"),
        ("w1a 0ax", "W1A 0AX"),
        ("GIR 0AA", "GIR 0AA"),
        ("bfpo58", "BFPO 58"),
    ] {
        assert_eq!(Postcode::parse(text).unwrap().as_str(), canonical);
    }
    for text in ["", "1AE", "QX1 1AA", "AI1 1AA", "M1 1AC", "ZZ99 3VZ", "GIR 0AB", "BFPO", "SO17"] {
        assert!(Postcode::parse(text).is_err(), "{text}");
    }
}

#[test]
fn telephone_numbers_have_one_canonical_form() {
    for text in [
        "07700 900123",
        "+44 7700 900123",
        "+44 (0)7700-900123",
        "0044 7700 900 123",
        "(07700) 900.123",
    ] {
        assert_eq!(Phone::parse(text).unwrap().as_str(), "+447700900123", "{text}");
    }
    assert_eq!(Phone::parse("02380 123456").unwrap().as_str(), "+442380123456");
    assert_eq!(Phone::parse("+48 601 234 567").unwrap().as_str(), "+48601234567");
    for text in
        ["", "+", "0", "7700900123", "07700 90012", "none", "07700 900123 x4", "+0123456789"]
    {
        assert!(Phone::parse(text).is_err(), "{text}");
    }
}

#[test]
fn email_addresses_keep_their_local_part() {
    let email = Email::parse(" J.O'Neil+x@Mail.Example.ORG ").unwrap();
    assert_eq!(email.as_str(), "J.O'Neil+x@mail.example.org");
    assert_eq!(email.domain(), "mail.example.org");
    for text in ["", "@", "a@", "@b.org", "a b@c.org", "a@b", "a@b..org", ".a@b.org", "a@-b.org"] {
        assert!(Email::parse(text).is_err(), "{text}");
    }
}

#[test]
fn offence_codes_have_two_or_four_letters() {
    for text in ["CJ88116", "cj88116", "CD71039A", "COML025", "COML025B"] {
        assert_eq!(OffenceCode::parse(text).unwrap().as_str(), text.to_uppercase());
    }
    for text in ["", "CJ8811", "C788116", "CJ881166", "CJ88116AB", "CJA8116"] {
        assert!(OffenceCode::parse(text).is_err(), "{text}");
    }
}

#[test]
fn force_codes_are_those_of_forces() {
    assert_eq!(ForceCode::parse("44").unwrap().slug(), "hampshire");
    assert_eq!(ForceCode::parse("01").unwrap().to_string(), "01");
    assert_eq!(ForceCode::from_slug("norfolk").unwrap().number(), 36);
    for text in ["00", "4", "044", "99", "4x", ""] {
        assert!(ForceCode::parse(text).is_err(), "{text}");
    }
    for code in ForceCode::all() {
        assert_eq!(ForceCode::parse(&code.to_string()), Ok(code));
        assert_eq!(ForceCode::from_slug(code.slug()).unwrap().slug(), code.slug());
    }
}

#[test]
fn neither_debug_nor_errors_show_a_text() {
    let shown = format!("{:?}", Phone::parse("07700900123").unwrap());
    assert_eq!(shown, "Phone(…)");
    let error = serde_json::from_str::<Postcode>("\"SECRET\"").unwrap_err();
    assert!(!error.to_string().contains("SECRET"));
}

fn survives_json<T>(value: &T)
where
    T: serde::Serialize + serde::de::DeserializeOwned + PartialEq + std::fmt::Debug,
{
    let json = serde_json::to_string(value).unwrap();
    assert_eq!(&serde_json::from_str::<T>(&json).unwrap(), value);
}

proptest! {
    #[test]
    fn what_is_read_reads_back_the_same(
        asn in "[0-9]{2}[A-Z0-9]{6,7}[0-9]{11}[A-HJ-NP-RT-Z]",
        pnc in "[0-9]{2}/[0-9]{1,7}[A-HJ-NP-RT-Z]",
        cro in "([0-9]{1,6}/[0-9]{2}|SF[0-9]{2}/[1-9][0-9]{0,5})[A-HJ-NP-RT-Z]",
        urn in "[A-Z0-9]{4}[0-9]{3,7}",
        phone in "(0|\\+44 ?(\\(0\\))?|0044)[1235][0-9]{2}[ -]?[0-9]{6,7}",
    ) {
        survives_json(&Asn::parse(&asn).unwrap());
        survives_json(&PncId::parse(&pnc, 2025).unwrap());
        survives_json(&Cro::parse(&cro).unwrap());
        survives_json(&PtiUrn::parse(&urn).unwrap());
        survives_json(&Phone::parse(&phone).unwrap());
    }

    #[test]
    fn a_changed_digit_is_caught_by_the_letter(serial in 0u32..9_999_999, year in 0u32..99) {
        let right = check::letter(&[&format!("{year:02}"), &format!("{serial:07}")]);
        let id = PncId::parse(&format!("20{year:02}/{serial:07}{right}"), 2025).unwrap();
        prop_assert_eq!(id.expected_letter(), None);
        let other = PncId::parse(&format!("20{year:02}/{:07}{right}", serial + 1), 2025).unwrap();
        prop_assert!(other.expected_letter().is_some());
    }

    #[test]
    fn no_text_makes_a_parser_panic(text in "\\PC{0,30}") {
        let _ = (Asn::parse(&text), PncId::parse(&text, 2025), Cro::parse(&text));
        let _ = (PtiUrn::parse(&text), Postcode::parse(&text), Phone::parse(&text));
        let _ = (Email::parse(&text), OffenceCode::parse(&text), ForceCode::parse(&text));
    }
}
