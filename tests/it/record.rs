//! Made-up records of Hampshire's shape, each its own case, in as many versions as a test needs.

use crate::world::example;

pub const XML: &str = "application/xml";

/// One record, built from the force's full example.
#[derive(Clone)]
pub struct Record {
    text: String,
    pub record_ref: String,
}

/// Case `number` in version `version`: later versions have another wording, a later time and
/// another message number.
pub fn hampshire(number: u64, version: u64) -> String {
    record(number).version(version).text
}

/// Case `number` without message number and time, so that only its content tells versions apart.
pub fn record(number: u64) -> Record {
    let occurrence = format!("44{number:09}");
    let text = example("hampshire", "full.xml")
        .replace("44250391882", &occurrence)
        .replace(" messageId=\"HX-20250913-0447\"", "")
        .replace(" extracted=\"2025-09-13T06:15:00Z\"", "");
    Record { text, record_ref: format!("{occurrence}/P881204") }
}

impl Record {
    fn version(self, version: u64) -> Self {
        let message = format!("M-{}-{version}", self.record_ref);
        self.message(&message)
            .extracted(&format!("2025-09-{:02}T06:15:00Z", 13 + version))
            .wording(version)
    }

    /// Another content on the offender's side.
    pub fn wording(self, version: u64) -> Self {
        self.with("an open hand", &format!("an open hand, version {version}"))
    }

    pub fn message(self, message_ref: &str) -> Self {
        let attribute = format!("<OccurrenceExport messageId=\"{message_ref}\"");
        self.with("<OccurrenceExport", &attribute)
    }

    pub fn extracted(self, at: &str) -> Self {
        let attribute = format!("<OccurrenceExport extracted=\"{at}\"");
        self.with("<OccurrenceExport", &attribute)
    }

    /// Replaces a text that must be there, its first occurrence.
    pub fn with(mut self, from: &str, to: &str) -> Self {
        assert!(self.text.contains(from), "the example no longer holds {from}");
        self.text = self.text.replacen(from, to, 1);
        self
    }

    /// The force takes the case back.
    pub fn withdrawn(self) -> Self {
        self.with("status=\"NEW\"", "status=\"CAN\"")
    }

    /// A code that no lookup lists.
    pub fn unlisted(self) -> Self {
        self.with("<RiskGrade>STD", "<RiskGrade>XHI")
    }

    /// A mandatory field missing.
    pub fn faulty(self) -> Self {
        self.with("<Deadline>19/12/2025</Deadline>", "")
    }

    pub fn text(&self) -> String {
        self.text.clone()
    }

    /// The record's element alone, for a body of several.
    pub fn element(&self) -> String {
        let start = self.text.find("<Occurrence ").unwrap();
        let end = self.text.find("</OccurrenceExport>").unwrap();
        self.text[start..end].to_owned()
    }
}

/// A body of several records.
pub fn body(records: &[Record]) -> String {
    let first = records[0].text();
    let start = first.find("<Occurrence ").unwrap();
    let elements: String = records.iter().map(Record::element).collect();
    format!("{}{elements}</OccurrenceExport>", &first[..start])
}
