//! Made-up records in the shapes of the four forces: each force's own example, with other people,
//! numbers and days put in.

use jiff::civil::Date;
use jiff::{Timestamp, ToSpan as _};

use super::people::Person;

/// How one force writes its records.
#[derive(Debug)]
pub struct Shape {
    pub force: &'static str,
    /// Home Office code.
    pub code: &'static str,
    pub provider: &'static str,
    pub media_type: &'static str,
    /// The file beside the mapping that the records are made from.
    example: &'static str,
    /// What is before the first record, how a record ends, and what stands between two.
    frame: Frame,
    swaps: fn(&Case) -> Vec<(&'static str, String)>,
}

#[derive(Debug)]
struct Frame {
    record_starts: &'static str,
    record_ends: &'static str,
    between: &'static str,
}

/// One case, as a force would enter it.
#[derive(Clone, Debug)]
pub struct Case {
    /// Unlike that of any other case of the force: nine digits.
    pub serial: u64,
    /// Unlike that of any other body: nine digits.
    pub body: u64,
    pub offender: Person,
    pub victim: Person,
    pub written_at: Timestamp,
    pub today: Date,
    /// Sent before; this is what changed since.
    pub amended: bool,
    pub twist: Twist,
}

/// What is odd about a record.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Twist {
    None,
    /// The offender's birth date is left out.
    NoBirthDate,
    /// The relationship has a code that the mapping does not list.
    UnlistedCode,
}

pub const SHAPES: [Shape; 4] = [
    Shape {
        force: "hampshire",
        code: "44",
        provider: "harbour",
        media_type: "application/xml",
        example: include_str!("../../mappings/hampshire/examples/full.xml"),
        frame: Frame {
            record_starts: "  <Occurrence status",
            record_ends: "</Occurrence>",
            between: "\n",
        },
        swaps: hampshire,
    },
    Shape {
        force: "west-midlands",
        code: "20",
        provider: "harbour",
        media_type: "application/json",
        example: include_str!("../../mappings/west-midlands/examples/full.json"),
        frame: Frame { record_starts: "    {\n", record_ends: "\n    }", between: ",\n" },
        swaps: west_midlands,
    },
    Shape {
        force: "leicestershire",
        code: "33",
        provider: "harbour",
        media_type: "text/csv",
        example: include_str!("../../mappings/leicestershire/examples/full.csv"),
        frame: Frame { record_starts: "25000518830 S1;O", record_ends: "\n", between: "" },
        swaps: leicestershire,
    },
    Shape {
        force: "norfolk",
        code: "36",
        provider: "fenland",
        media_type: "text/plain",
        example: include_str!("../../mappings/norfolk/examples/full.txt"),
        frame: Frame { record_starts: "1036", record_ends: "assault\r\n", between: "" },
        swaps: norfolk,
    },
];

impl Shape {
    /// One body with these cases; all of one body carry its number.
    pub fn body(&self, cases: &[Case]) -> String {
        let Frame { record_starts, record_ends, between } = &self.frame;
        let start = self.example.find(record_starts).unwrap_or_default();
        let end = self.example.rfind(record_ends).map_or(start, |at| at + record_ends.len());
        let (head, rest) = self.example.split_at(start);
        let (record, tail) = rest.split_at(end - start);
        let Some(first) = cases.first() else { return self.example.to_owned() };
        let records: Vec<_> = cases.iter().map(|case| self.fill(record, case)).collect();
        let count = format!("99{:06}", cases.len());
        let tail = tail.replace("99000001", &count);
        format!("{}{}{tail}", self.fill(head, first), records.join(between))
    }

    fn fill(&self, text: &str, case: &Case) -> String {
        let swaps = (self.swaps)(case);
        let mut filled = String::with_capacity(text.len() + 256);
        let mut rest = text;
        // One pass, so that what was put in is not taken for something to replace.
        while let Some(first) = rest.chars().next() {
            match swaps.iter().find(|(from, _)| rest.starts_with(from)) {
                Some((from, to)) => {
                    filled.push_str(to);
                    rest = &rest[from.len()..];
                }
                None => {
                    filled.push(first);
                    rest = &rest[first.len_utf8()..];
                }
            }
        }
        filled
    }
}

impl Case {
    fn before(&self, days: i32) -> Date {
        self.today.saturating_sub(days.days())
    }

    fn after(&self, days: i32) -> Date {
        self.today.saturating_add(days.days())
    }

    fn london(&self) -> jiff::civil::DateTime {
        match self.written_at.in_tz("Europe/London") {
            Ok(zoned) => zoned.datetime(),
            Err(_) => unreachable!("the time zone database is compiled in"),
        }
    }

    /// Changes with an amendment, so that the offender's side of the case does.
    fn needs(&self) -> &'static str {
        if self.amended { "Step-free access, and a seat by the door" } else { "Reads large print" }
    }
}

fn day(date: Date, format: &str) -> String {
    date.strftime(format).to_string()
}

fn hampshire(case: &Case) -> Vec<(&'static str, String)> {
    let slashed = |date| day(date, "%d/%m/%Y");
    let Case { offender, victim, .. } = case;
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

fn west_midlands(case: &Case) -> Vec<(&'static str, String)> {
    let iso = |date| day(date, "%Y-%m-%d");
    let worded = |date| day(date, "%-d %b %Y");
    let Case { offender, victim, .. } = case;
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

fn leicestershire(case: &Case) -> Vec<(&'static str, String)> {
    let slashed = |date| day(date, "%d/%m/%Y");
    let Case { offender, victim, .. } = case;
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

fn norfolk(case: &Case) -> Vec<(&'static str, String)> {
    let digits = |date| day(date, "%d%m%Y");
    let Case { offender, victim, .. } = case;
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

#[cfg(test)]
mod tests;
