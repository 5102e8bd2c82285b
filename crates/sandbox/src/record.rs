//! Made-up records in the shapes of all forces: each force's own example, with other people,
//! numbers and days put in.

mod swap;

use jiff::civil::Date;
use jiff::{Timestamp, ToSpan as _};

use super::people::Person;

/// How one force writes its records.
#[derive(Debug)]
pub struct RecordShape {
    pub force: &'static str,
    /// Home Office code.
    pub code: &'static str,
    pub provider: &'static str,
    pub media_type: &'static str,
    /// The file beside the mapping that the records are made from.
    example: &'static str,
    /// What is before the first record, how a record ends, and what stands between two.
    frame: Frame,
    swaps: fn(&SandboxCase) -> Vec<(&'static str, String)>,
}

#[derive(Debug)]
struct Frame {
    record_starts: &'static str,
    record_ends: &'static str,
    between: &'static str,
}

/// One case, as a force would enter it.
#[derive(Clone, Debug)]
pub struct SandboxCase {
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

pub const SHAPES: [RecordShape; 9] = [
    RecordShape {
        force: "hampshire",
        code: "44",
        provider: "harbour",
        media_type: "application/xml",
        example: include_str!("../../../mappings/hampshire/examples/full.xml"),
        frame: Frame {
            record_starts: "  <Occurrence status",
            record_ends: "</Occurrence>",
            between: "\n",
        },
        swaps: swap::hampshire,
    },
    RecordShape {
        force: "west-midlands",
        code: "20",
        provider: "harbour",
        media_type: "application/json",
        example: include_str!("../../../mappings/west-midlands/examples/full.json"),
        frame: Frame { record_starts: "    {\n", record_ends: "\n    }", between: ",\n" },
        swaps: swap::west_midlands,
    },
    RecordShape {
        force: "leicestershire",
        code: "33",
        provider: "harbour",
        media_type: "text/csv",
        example: include_str!("../../../mappings/leicestershire/examples/full.csv"),
        frame: Frame { record_starts: "25000518830 S1;O", record_ends: "\n", between: "" },
        swaps: swap::leicestershire,
    },
    RecordShape {
        force: "norfolk",
        code: "36",
        provider: "fenland",
        media_type: "text/plain",
        example: include_str!("../../../mappings/norfolk/examples/full.txt"),
        frame: Frame { record_starts: "1036", record_ends: "assault\r\n", between: "" },
        swaps: swap::norfolk,
    },
    RecordShape {
        force: "thames-valley",
        code: "43",
        provider: "harbour",
        media_type: "application/xml",
        example: include_str!("../../../mappings/thames-valley/examples/full.xml"),
        frame: Frame {
            record_starts: "  <Occurrence status",
            record_ends: "</Occurrence>",
            between: "\n",
        },
        swaps: swap::thames_valley,
    },
    RecordShape {
        force: "avon-and-somerset",
        code: "52",
        provider: "harbour",
        media_type: "application/xml",
        example: include_str!("../../../mappings/avon-and-somerset/examples/full.xml"),
        frame: Frame {
            record_starts: "  <Occurrence status",
            record_ends: "</Occurrence>",
            between: "\n",
        },
        swaps: swap::avon_and_somerset,
    },
    RecordShape {
        force: "dorset",
        code: "55",
        provider: "harbour",
        media_type: "application/xml",
        example: include_str!("../../../mappings/dorset/examples/full.xml"),
        frame: Frame { record_starts: "  <Case status", record_ends: "</Case>", between: "\n" },
        swaps: swap::dorset,
    },
    RecordShape {
        force: "west-yorkshire",
        code: "13",
        provider: "pennine",
        media_type: "application/xml",
        example: include_str!("../../../mappings/west-yorkshire/examples/full.xml"),
        frame: Frame {
            record_starts: "  <Occurrence status",
            record_ends: "</Occurrence>",
            between: "\n",
        },
        swaps: swap::west_yorkshire,
    },
    RecordShape {
        force: "cambridgeshire",
        code: "35",
        provider: "harbour",
        media_type: "application/xml",
        example: include_str!("../../../mappings/cambridgeshire/examples/full.xml"),
        frame: Frame {
            record_starts: "  &lt;CaseFile",
            record_ends: "&lt;/CaseFile>",
            between: "\n",
        },
        swaps: swap::cambridgeshire,
    },
];

impl RecordShape {
    /// One body with these cases; all of one body carry its number.
    pub fn body(&self, cases: &[SandboxCase]) -> String {
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

    fn fill(&self, text: &str, case: &SandboxCase) -> String {
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

impl SandboxCase {
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

#[cfg(test)]
mod tests;
