//! Made-up records in the four forces' shapes, each its own case.

/// What a record is meant to show.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Sort {
    /// A new case.
    Good,
    /// A case that was sent before, changed.
    Amended,
    /// A mandatory field is missing: the force must mend it.
    Faulty,
    /// A code that the mapping does not list: the operators clear it.
    Unlisted,
}

/// One force's shape: its full example, and where it is changed.
#[derive(Debug)]
pub struct Shape {
    pub force: &'static str,
    pub media_type: &'static str,
    text: &'static str,
    /// The number of the case, and the same with a place for another, as many digits.
    case: (&'static str, &'static str, usize),
    /// The number of the sending, in the same way.
    message: (&'static str, &'static str, usize),
    amended: (&'static str, &'static str),
    faulty: (&'static str, &'static str),
    unlisted: (&'static str, &'static str),
    /// What only the victim's side may hold.
    pub victim_marks: &'static [&'static str],
}

pub static SHAPES: [Shape; 4] = [
    Shape {
        force: "hampshire",
        media_type: "application/xml",
        text: include_str!("../../mappings/hampshire/examples/full.xml"),
        case: ("44250391882", "44{}", 9),
        message: ("HX-20250913-0447", "HX-{}", 9),
        amended: ("with an open hand", "with a closed hand"),
        faulty: ("<Deadline>19/12/2025</Deadline>", ""),
        unlisted: ("<RiskGrade>STD", "<RiskGrade>XHI"),
        victim_marks: &["ASHDOWN-VANE", "Petra", "marigold", "900862"],
    },
    Shape {
        force: "west-midlands",
        media_type: "application/json",
        text: include_str!("../../mappings/west-midlands/examples/full.json"),
        case: ("20DA/77214/25", "20DA/{}/25", 5),
        message: ("WM-2025-10-07-01", "WM-{}", 9),
        amended: ("Aston Offender Hub", "Handsworth Offender Hub"),
        faulty: ("\"shoulderNumber\": \"60517\"", "\"shoulderNumber\": \"\""),
        unlisted: ("\"level\": 2", "\"level\": 9"),
        victim_marks: &["Fairwater", "Roisin", "lighthouse"],
    },
    Shape {
        force: "leicestershire",
        media_type: "text/csv",
        text: include_str!("../../mappings/leicestershire/examples/full.csv"),
        case: ("25000518830", "2500{}", 7),
        message: ("LE0351", "LE{}", 9),
        amended: ("Loughborough OOCD Team", "Melton OOCD Team"),
        faulty: ("oocd@leicestershire.example", ""),
        unlisted: (";DASH;S;", ";DASH;X;"),
        victim_marks: &["Bellweather", "Anneliese", "900781"],
    },
    Shape {
        force: "norfolk",
        media_type: "text/plain",
        text: include_str!("../../mappings/norfolk/examples/full.txt"),
        case: ("36/28817/25", "36/{}/25", 5),
        message: ("NK0000017701", "NK{}", 10),
        amended: ("Norwich Offender Team", "Thetford Offender Uni"),
        faulty: ("cara@norfolk.example", "                    "),
        unlisted: ("40DA2", "40DA9"),
        victim_marks: &["Lindqvist-Moor", "Saskia", "heron", "900951"],
    },
];

impl Shape {
    /// Case `case` as sending `message`.
    pub fn record(&self, sort: Sort, case: u64, message: u64) -> String {
        let number = |(sought, with, digits): (&str, &str, usize), number: u64, text: &str| {
            text.replace(sought, &with.replace("{}", &format!("{number:0digits$}")))
        };
        let text = number(self.case, case, self.text);
        let text = number(self.message, message, &text);
        let change = |(from, to): (&str, &str)| text.replace(from, to);
        match sort {
            Sort::Good => text,
            Sort::Amended => change(self.amended),
            Sort::Faulty => change(self.faulty),
            Sort::Unlisted => change(self.unlisted),
        }
    }
}

#[cfg(test)]
mod tests {
    use cara_record::document::{Limits, parse};
    use cara_record::domain::{Context, Kind, Validated, validate};
    use cara_record::mapping::compile;

    use super::*;

    fn judged(shape: &Shape, sort: Sort) -> Validated {
        let folder = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("mappings");
        let folder = folder.join(shape.force);
        let text = std::fs::read_to_string(folder.join("referral.toml")).unwrap();
        let open = |name: &str| std::fs::read(folder.join(name)).ok();
        let plan = compile("referral.toml", &text, &open).plan.unwrap();
        let record = shape.record(sort, 7, 8);
        let tree = parse(&record, plan.format(), plan.names(), &Limits::default()).unwrap();
        let records = plan.records(&tree);
        assert_eq!(records.len(), 1, "{}", shape.force);
        let clock = crate::clock::Clock::system();
        let domains = [format!("{}.example", shape.force)];
        let context =
            Context { now: clock.now(), today: clock.today(), compliance_domains: &domains };
        validate(plan.translate(&tree, records[0]).draft, &context)
    }

    #[test]
    fn every_sort_of_every_shape_is_what_it_says() {
        for shape in &SHAPES {
            for sort in [Sort::Good, Sort::Amended, Sort::Faulty, Sort::Unlisted] {
                let worst = match judged(shape, sort) {
                    Validated::Referral(_) => Kind::Flag,
                    Validated::Stopped(stopped) => {
                        stopped.findings.iter().map(|finding| finding.code.kind()).max().unwrap()
                    }
                    Validated::Withdrawal(_) => panic!("nothing is withdrawn here"),
                };
                let expected = match sort {
                    Sort::Good | Sort::Amended => Kind::Flag,
                    Sort::Faulty => Kind::Violation,
                    Sort::Unlisted => Kind::Hold,
                };
                assert_eq!(worst, expected, "{} {sort:?}", shape.force);
            }
        }
    }

    #[test]
    fn marks_are_on_the_victims_side_and_never_on_the_offenders() {
        for shape in &SHAPES {
            let Validated::Referral(referral) = judged(shape, Sort::Good) else {
                panic!("{} is not a referral", shape.force)
            };
            let offender = String::from_utf8(referral.offender_content()).unwrap();
            let victim = String::from_utf8(referral.victim_content()).unwrap();
            for mark in shape.victim_marks {
                assert!(victim.contains(mark), "{}: {mark}", shape.force);
                assert!(!offender.contains(mark), "{}: {mark}", shape.force);
            }
        }
    }

    #[test]
    fn an_amended_record_differs_on_the_offenders_side() {
        for shape in &SHAPES {
            let content = |sort| match judged(shape, sort) {
                Validated::Referral(referral) => referral.offender_content(),
                _ => panic!("{} is not a referral", shape.force),
            };
            assert_ne!(content(Sort::Good), content(Sort::Amended), "{}", shape.force);
        }
    }
}
