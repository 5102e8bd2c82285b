//! What is put into each force's example, text by text, to make it another case.

use jiff::civil::Date;

use super::{SandboxCase, Twist};

/// What stands in the example, and what is written there instead.
type Swaps = Vec<(&'static str, String)>;

fn day(date: Date, format: &str) -> String {
    date.strftime(format).to_string()
}

pub(super) fn hampshire(case: &SandboxCase) -> Swaps {
    let slashed = |date| day(date, "%d/%m/%Y");
    let SandboxCase { offender, victim, .. } = case;
    let mut swaps = vec![
        ("HX-20250913-0447", format!("HX-{}", case.body)),
        ("2025-09-13T06:15:00Z", case.written_at.strftime("%Y-%m-%dT%H:%M:%SZ").to_string()),
        ("status=\"NEW\"", format!("status=\"{}\"", if case.amended { "UPD" } else { "NEW" })),
        ("44250391882", format!("44{:09}", case.serial)),
        ("MG14-391882-1", format!("MG14-{}", case.serial)),
        ("P881204", format!("P{}", offender.number)),
        ("P881207", format!("P{}", victim.number)),
        ("O'CONNELL-BRIGHT", offender.family_name.to_uppercase()),
        ("Gideon", offender.given_name.clone()),
        ("07700 900417", offender.phone.clone()),
        ("gideon.ocb", offender.mailbox.clone()),
        ("Wears a hearing aid", case.needs().to_owned()),
        ("ASHDOWN-VANE", victim.family_name.to_uppercase()),
        ("Petra", victim.given_name.clone()),
        ("07700 900862", victim.phone.clone()),
        ("marigold", victim.code_word.clone()),
        ("28/08/2025", slashed(case.before(24))),
        ("30/08/2025", slashed(case.before(22))),
        ("31/08/2025", slashed(case.before(21))),
        ("10/09/2025", slashed(case.before(5))),
        ("12/09/2025", slashed(case.before(3))),
        ("19/12/2025", slashed(case.after(95))),
        ("28/02/2026", slashed(case.after(160))),
    ];
    match case.twist {
        Twist::None => {}
        Twist::NoBirthDate => swaps.push(("04/11/1991", "XXXX/XX".to_owned())),
        Twist::UnlistedCode => swaps.push(("type=\"PARTNER\"", "type=\"EXPAR\"".to_owned())),
    }
    swaps
}

pub(super) fn west_midlands(case: &SandboxCase) -> Swaps {
    let iso = |date| day(date, "%Y-%m-%d");
    let worded = |date| day(date, "%-d %b %Y");
    let SandboxCase { offender, victim, .. } = case;
    let state = if case.amended { "changed" } else { "open" };
    let mut swaps = vec![
        ("WM-2025-10-07-01", format!("WM-{}", case.body)),
        (
            "2025-10-07T05:30:12.481Z",
            case.written_at.strftime("%Y-%m-%dT%H:%M:%S.000Z").to_string(),
        ),
        ("\"state\": \"open\"", format!("\"state\": \"{state}\"")),
        ("20DA/77214/25", format!("20DA/{}/25", case.serial)),
        ("CC-77214-A", format!("CC-{}-A", case.serial)),
        ("9001442", offender.number.to_string()),
        ("9001450", victim.number.to_string()),
        ("Hexley-Brook", offender.family_name.clone()),
        ("Bartholomew", offender.given_name.clone()),
        ("\"Bart\"", "\"unknown\"".to_owned()),
        ("+44 (0)7700 900121", offender.phone.clone()),
        ("bart.hb", offender.mailbox.clone()),
        ("Step-free  access", case.needs().to_owned()),
        ("Fairwater", victim.family_name.clone()),
        ("Roisin", victim.given_name.clone()),
        ("\"number\": null", format!("\"number\": \"{}\"", victim.phone)),
        ("roisin.f", victim.mailbox.clone()),
        ("lighthouse", victim.code_word.clone()),
        ("2025-09-20", iso(case.before(24))),
        ("2025-09-21", iso(case.before(23))),
        ("22 Sep 2025", worded(case.before(22))),
        ("23 Sep 2025", worded(case.before(21))),
        ("1 Oct 2025", worded(case.before(6))),
        ("2025-10-06", iso(case.before(2))),
        ("2026-01-12", iso(case.after(96))),
    ];
    match case.twist {
        Twist::None => {}
        Twist::NoBirthDate => swaps.push(("\"9 Mar 1985\"", "null".to_owned())),
        Twist::UnlistedCode => swaps.push(("\"code\": \"BFG\"", "\"code\": \"EXB\"".to_owned())),
    }
    swaps
}

pub(super) fn leicestershire(case: &SandboxCase) -> Swaps {
    let slashed = |date| day(date, "%d/%m/%Y");
    let SandboxCase { offender, victim, .. } = case;
    let serial = format!("{:011}", case.serial);
    let mut swaps = vec![
        // Before the incident's number, which is a part of them.
        ("25000518830 S1", format!("{serial} S{}", offender.number)),
        ("25000518830 V1", format!("{serial} V{}", victim.number)),
        ("25000518830", serial),
        ("LE0351", format!("LE{}", case.body)),
        ("20251103 0615", case.london().strftime("%Y%m%d %H%M").to_string()),
        (";I;", format!(";{};", if case.amended { "U" } else { "I" })),
        ("25*518830", format!("25*{}", case.serial)),
        ("LC-518830-CC", format!("LC-{}-CC", case.serial)),
        ("MÉNDEZ-HALLAM, Caspian", format!("{}, {}", offender.family_name, offender.given_name)),
        (";Cas;", ";;".to_owned()),
        ("07700 900655", offender.phone.clone()),
        ("cas.mh", offender.mailbox.clone()),
        ("Steep outside stairs", case.needs().to_owned()),
        ("Bellweather, Anneliese", format!("{}, {}", victim.family_name, victim.given_name)),
        ("07700 900781", victim.phone.clone()),
        ("17/10/2025", slashed(case.before(24))),
        ("18/10/2025", slashed(case.before(23))),
        ("19/10/2025", slashed(case.before(21))),
        ("28/10/2025", slashed(case.before(5))),
        ("30/10/2025", slashed(case.before(3))),
        ("05/02/2026", slashed(case.after(95))),
        ("18/04/2026", slashed(case.after(160))),
    ];
    match case.twist {
        Twist::None => {}
        Twist::NoBirthDate => swaps.push(("17-MAY-88", "N/K".to_owned())),
        Twist::UnlistedCode => swaps.push((";PARTNER;", ";LODGER;".to_owned())),
    }
    swaps
}

pub(super) fn norfolk(case: &SandboxCase) -> Swaps {
    let digits = |date| day(date, "%d%m%Y");
    let SandboxCase { offender, victim, .. } = case;
    let case_number = format!("36/{}/25", case.serial);
    let action = if case.amended { "A" } else { "N" };
    let mut swaps = vec![
        ("NK0000017701", format!("NK{:010}", case.body)),
        ("20251120053000", case.london().strftime("%Y%m%d%H%M%S").to_string()),
        (
            "36/28817/25     N36/28817/25/1   ",
            format!("{case_number:<16}{action}{case_number:<16}"),
        ),
        ("NK-28817-CC         ", format!("{:<20}", format!("NK-{}-CC", case.serial))),
        ("PN40117   ", format!("{:<10}", format!("PN{}", offender.number))),
        ("PN40118   ", format!("{:<10}", format!("PN{}", victim.number))),
        (
            "Ravensgate                         Dorian Kit            ",
            format!("{:<35}{:<22}", offender.family_name, offender.given_name),
        ),
        ("07700900904", offender.phone.clone()),
        ("dorian.r", offender.mailbox.clone()),
        ("Reads large print", case.needs().to_owned()),
        (
            "Lindqvist-Moor                     Saskia                ",
            format!("{:<35}{:<22}", victim.family_name, victim.given_name),
        ),
        ("07700 900951", format!("{:<12}", victim.phone)),
        ("heron", victim.code_word.chars().take(20).collect()),
        ("02112025", digits(case.before(24))),
        ("01112025", digits(case.before(25))),
        ("03112025", digits(case.before(21))),
        ("12112025", digits(case.before(5))),
        ("17112025", digits(case.before(3))),
        ("27022026", digits(case.after(95))),
        ("02052026", digits(case.after(160))),
    ];
    match case.twist {
        Twist::None => {}
        Twist::NoBirthDate => swaps.push(("23051983", "00000000".to_owned())),
        Twist::UnlistedCode => swaps.push(("141019862CO", "141019862ZZ".to_owned())),
    }
    swaps
}

/// The days of a case as its example has them: of the offence, of the grade, of the victim's views,
/// of the caution, and its deadline.
fn days(case: &SandboxCase, texts: [&'static str; 5], show: impl Fn(Date) -> String) -> Swaps {
    let days = [case.before(22), case.before(21), case.before(5), case.before(3), case.after(95)];
    texts.into_iter().zip(days.map(show)).collect()
}

/// When the body was written and whether its case was sent before, as the base has them.
fn header(case: &SandboxCase) -> Swaps {
    let status = if case.amended { "UPD" } else { "NEW" };
    vec![
        ("2025-09-13T06:15:00Z", case.written_at.strftime("%Y-%m-%dT%H:%M:%SZ").to_string()),
        ("status=\"NEW\"", format!("status=\"{status}\"")),
    ]
}

/// One text in the place of another where the case is odd in this way.
fn odd(case: &SandboxCase, of: [(Twist, &'static str, &str); 2]) -> Swaps {
    let odd = of.into_iter().filter(|(twist, ..)| *twist == case.twist);
    odd.map(|(_, from, to)| (from, to.to_owned())).collect()
}

pub(super) fn thames_valley(case: &SandboxCase) -> Swaps {
    let SandboxCase { offender, victim, .. } = case;
    let name = |family: &str, given: &str| format!("{}, {given}", family.to_uppercase());
    let own = vec![
        ("TV-000817", format!("TV-{}", case.body)),
        ("43250020817", format!("43{:09}", case.serial)),
        ("CC-20817", format!("CC-{}", case.serial)),
        ("TV-51180", format!("TV-{}", offender.number)),
        ("TV-51181", format!("TV-{}", victim.number)),
        ("WINTERBOURNE-LEE, Alistair John", name(&offender.family_name, &offender.given_name)),
        ("07700 900208", offender.phone.clone()),
        ("alistair.wl", offender.mailbox.clone()),
        ("Reads large print", case.needs().to_owned()),
        ("KESTREL, Noor", name(&victim.family_name, &victim.given_name)),
        ("07700 900219", victim.phone.clone()),
        ("bluebell", victim.code_word.clone()),
        ("2026-02-28", day(case.after(160), "%Y-%m-%d")),
    ];
    let days = days(
        case,
        ["2025-08-30", "2025-08-31", "2025-09-10", "2025-09-12", "2025-12-19"],
        |date| day(date, "%Y-%m-%d"),
    );
    let odd = odd(
        case,
        [
            (Twist::NoBirthDate, "1988-02-06", "Not known"),
            (Twist::UnlistedCode, "\"Boyfriend\"", "\"Lodger\""),
        ],
    );
    [header(case), own, days, odd].concat()
}

pub(super) fn avon_and_somerset(case: &SandboxCase) -> Swaps {
    let SandboxCase { offender, victim, .. } = case;
    let own = vec![
        ("HUB-07", format!("HUB-{}", case.body)),
        ("52-25-020817", format!("52-25-{}", case.serial)),
        ("AS-CC-20817", format!("AS-CC-{}", case.serial)),
        ("AS-70311", format!("AS-{}", offender.number)),
        ("AS-70312", format!("AS-{}", victim.number)),
        ("MERRIWEATHER", offender.family_name.to_uppercase()),
        ("Callum", offender.given_name.clone()),
        ("07700 900274", offender.phone.clone()),
        ("callum.m", offender.mailbox.clone()),
        ("Uses a stick", case.needs().to_owned()),
        ("LANYON", victim.family_name.to_uppercase()),
        ("Tegan", victim.given_name.clone()),
        ("07700 900281", victim.phone.clone()),
        ("harvest", victim.code_word.clone()),
    ];
    let days = days(
        case,
        ["30/08/2025", "31/08/2025", "10/09/2025", "12/09/2025", "19/12/2025"],
        |date| day(date, "%d/%m/%Y"),
    );
    let odd = odd(
        case,
        [
            (Twist::NoBirthDate, "23/05/1985", "N/A"),
            (Twist::UnlistedCode, "type=\"20\"", "type=\"77\""),
        ],
    );
    [header(case), own, days, odd].concat()
}

pub(super) fn dorset(case: &SandboxCase) -> Swaps {
    let SandboxCase { offender, victim, .. } = case;
    let own = vec![
        ("D-817", format!("D-{}", case.body)),
        ("55250020817", format!("55{:09}", case.serial)),
        ("D-CC-20817", format!("D-CC-{}", case.serial)),
        ("818201", offender.number.to_string()),
        ("818202", victim.number.to_string()),
        ("TREGARTHEN", offender.family_name.to_uppercase()),
        ("Jasper Noel", offender.given_name.clone()),
        ("07700 900442", offender.phone.clone()),
        ("jasper.t", offender.mailbox.clone()),
        ("Keeps bees", case.needs().to_owned()),
        ("HAVERING", victim.family_name.to_uppercase()),
        ("Isolde Ruth", victim.given_name.clone()),
        ("07700 900451", victim.phone.clone()),
        ("pebble", victim.code_word.clone()),
    ];
    let days = days(
        case,
        ["2025-08-30T", "2025-08-31T", "2025-09-10T", "2025-09-12T", "2025-12-19T"],
        |date| day(date, "%Y-%m-%dT"),
    );
    let odd = odd(
        case,
        [
            (Twist::NoBirthDate, "1983-04-18T", "1900-01-01T"),
            (Twist::UnlistedCode, "\"Partners\"", "\"Tenants\""),
        ],
    );
    [header(case), own, days, odd].concat()
}

pub(super) fn west_yorkshire(case: &SandboxCase) -> Swaps {
    let shown = |date| day(date, "%d-%b-%Y").to_uppercase();
    let SandboxCase { offender, victim, .. } = case;
    let own = vec![
        ("WY/817", format!("WY/{}", case.body)),
        ("13250020817", format!("13{:09}", case.serial)),
        ("WY-CC-20817", format!("WY-CC-{}", case.serial)),
        ("N204417", format!("N{}", offender.number)),
        ("N204418", format!("N{}", victim.number)),
        ("STONECHAT", offender.family_name.to_uppercase()),
        ("Desmond", offender.given_name.clone()),
        ("07700 900553", offender.phone.clone()),
        ("des.stonechat", offender.mailbox.clone()),
        ("Step-free access", case.needs().to_owned()),
        ("AMBLER", victim.family_name.to_uppercase()),
        ("Celeste", victim.given_name.clone()),
        ("07700 900562", victim.phone.clone()),
        ("lantern", victim.code_word.clone()),
        ("28-FEB-2026", shown(case.after(160))),
    ];
    let days = days(
        case,
        ["30-AUG-2025", "31-AUG-2025", "10-SEP-2025", "12-SEP-2025", "19-DEC-2025"],
        shown,
    );
    let odd = odd(
        case,
        [
            (Twist::NoBirthDate, "27-NOV-1990", "N/K"),
            (Twist::UnlistedCode, "tool=\"DASH\"", "tool=\"OTHER\""),
        ],
    );
    [header(case), own, days, odd].concat()
}

pub(super) fn cambridgeshire(case: &SandboxCase) -> Swaps {
    let SandboxCase { offender, victim, .. } = case;
    let state = if case.amended { "CHANGED" } else { "NEW" };
    let own = vec![
        ("CB-000817", format!("CB-{}", case.body)),
        ("2025-09-13T06:15:00Z", case.written_at.strftime("%Y-%m-%dT%H:%M:%SZ").to_string()),
        ("state=\"NEW\"", format!("state=\"{state}\"")),
        ("35/20817/25", format!("35/{}/25", case.serial)),
        ("CB-CC-20817", format!("CB-CC-{}", case.serial)),
        ("640113", offender.number.to_string()),
        ("640114", victim.number.to_string()),
        ("Quarrington &amp;amp; Moss", offender.family_name.clone()),
        ("Leander", offender.given_name.clone()),
        ("07700 900615", offender.phone.clone()),
        ("leander.q", offender.mailbox.clone()),
        ("Cannot climb stairs", case.needs().to_owned()),
        ("Fairweather", victim.family_name.clone()),
        ("Xanthe", victim.given_name.clone()),
        ("07700 900627", victim.phone.clone()),
        ("reedmace", victim.code_word.clone()),
    ];
    let days = days(
        case,
        ["2025-08-30", "2025-08-31", "2025-09-10", "2025-09-12", "2025-12-19"],
        |date| day(date, "%Y-%m-%d"),
    );
    let odd = odd(
        case,
        [
            (Twist::NoBirthDate, "born=\"1986-05-29\"", "born=\"Not Entered\""),
            (Twist::UnlistedCode, "kind=\"PARTNER\"", "kind=\"LODGER\""),
        ],
    );
    [own, days, odd].concat()
}
