//! Which of a force's mappings reads a body.

use std::borrow::Cow;
use std::sync::Arc;

use cara_document::{BodyFormat, Tree};
use cara_mapping::Plan;

use crate::live::{Live, LivePlan};
use crate::record::Submission;
use crate::{Caller, RecordRefusal};

/// The plans of the caller's forces that read the body's media type, or the one that is named.
pub(crate) fn candidates(
    live: &Live,
    caller: &Caller,
    submission: &Submission,
) -> Result<Vec<Arc<LivePlan>>, RecordRefusal> {
    let of_caller: Vec<_> = caller.forces.iter().flat_map(|force| live.of(*force)).collect();
    let names = || of_caller.iter().map(|live| live.reference.name.clone()).collect::<Vec<_>>();
    let mut fitting: Vec<_> = of_caller
        .iter()
        .filter(|live| reads(live.plan.format(), &submission.media_type))
        .cloned()
        .collect();
    if fitting.is_empty() {
        return Err(RecordRefusal::MediaType);
    }
    if let Some(name) = &submission.mapping {
        fitting.retain(|live| live.reference.name == *name);
        if fitting.is_empty() {
            return Err(RecordRefusal::NoMapping { names: names() });
        }
    }
    Ok(fitting)
}

/// Whether a body of this media type (lower case, no parameters) is of this format.
fn reads(format: &BodyFormat, media_type: &str) -> bool {
    match format {
        BodyFormat::Xml => {
            matches!(media_type, "application/xml" | "text/xml") || media_type.ends_with("+xml")
        }
        BodyFormat::Json => media_type == "application/json" || media_type.ends_with("+json"),
        BodyFormat::Csv(_) => media_type == "text/csv",
        BodyFormat::Fixed(_) => media_type == "text/plain",
    }
}

/// The body as text, once for each encoding that a candidate names.
pub(crate) struct Texts<'b>(Vec<Text<'b>>);

struct Text<'b> {
    /// As a mapping names it, if it does.
    encoding: Option<String>,
    text: Result<Cow<'b, str>, cara_document::Error>,
}

impl<'b> Texts<'b> {
    pub fn of(body: &'b [u8], candidates: &[Arc<LivePlan>]) -> Self {
        let mut texts: Vec<Text<'b>> = Vec::new();
        for encoding in candidates.iter().map(|live| live.plan.encoding()) {
            if texts.iter().all(|known| known.encoding.as_deref() != encoding) {
                let text = cara_document::decode(body, encoding);
                texts.push(Text { encoding: encoding.map(str::to_owned), text });
            }
        }
        Texts(texts)
    }

    /// The text as this plan reads it.
    fn read_by(&self, plan: &Plan) -> Result<&str, cara_document::Error> {
        let found = self.0.iter().find(|known| known.encoding.as_deref() == plan.encoding());
        let Some(found) = found else {
            unreachable!("there is a text for each candidate's encoding");
        };
        found.text.as_deref().map_err(Clone::clone)
    }
}

/// The one candidate whose `match` fits, with the body as it read it. A mapping that was named is
/// taken whether it fits or not: its own findings then say what is missing.
pub(crate) fn choose<'t>(
    candidates: &[Arc<LivePlan>],
    texts: &'t Texts<'_>,
    named: bool,
    limits: &cara_document::Limits,
) -> Result<(Arc<LivePlan>, &'t str, Tree<'t>), RecordRefusal> {
    let mut first_error = None;
    let mut chosen = None;
    for live in candidates {
        let read = texts.read_by(&live.plan).and_then(|text| {
            let tree = live.plan.read(text, limits)?;
            Ok((text, tree))
        });
        match read {
            Ok((text, tree)) if named || live.plan.matches(&tree) => {
                if chosen.replace((Arc::clone(live), text, tree)).is_some() {
                    // It could be for either: that would be a guess.
                    return Err(none_fits(candidates));
                }
            }
            Ok(_) => {}
            Err(error) => {
                first_error.get_or_insert(error);
            }
        }
    }
    match (chosen, first_error) {
        (Some(chosen), _) => Ok(chosen),
        (None, Some(error)) => Err(refuse(error)),
        (None, None) => Err(none_fits(candidates)),
    }
}

/// A body that cannot be read.
pub(crate) fn refuse(error: cara_document::Error) -> RecordRefusal {
    match error.kind {
        cara_document::ErrorKind::Limit(limit) => {
            RecordRefusal::TooLarge { limit: limit.to_owned() }
        }
        _ => RecordRefusal::Unparseable {
            reason: error.reason,
            line: error.line,
            column: error.column,
        },
    }
}

fn none_fits(candidates: &[Arc<LivePlan>]) -> RecordRefusal {
    RecordRefusal::NoMapping {
        names: candidates.iter().map(|live| live.reference.name.clone()).collect(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use cara_store::{ForceNumber, MappingRef};

    /// A mapping of a CSV that holds this column, with further lines of its `[source]`.
    fn live(name: &str, column: &str, source: &str) -> Arc<LivePlan> {
        let text = format!(
            "format = 1\nforce = \"hampshire\"\nfills = \"referral/1\"\n[source]\ntype = \"csv\"\n\
             match = \"/row/{column}\"\ndates = [\"DD/MM/YYYY\"]\n{source}\n[fields]\n\
             officer.name = {{ from = \"{column}\" }}\n"
        );
        let plan = cara_mapping::compile(name, &text, &|_| None).plan.unwrap();
        let reference = MappingRef { name: name.to_owned(), version: 1, sha256: String::new() };
        Arc::new(LivePlan { force: ForceNumber(44), plan, reference })
    }

    /// The mapping that takes a body, and the one cell as it reads it.
    #[track_caller]
    fn check(candidates: &[Arc<LivePlan>], body: &[u8], expected: (&str, &str)) {
        let texts = Texts::of(body, candidates);
        let limits = cara_document::Limits::default();
        let (live, _, tree) = choose(candidates, &texts, false, &limits).unwrap();
        let record = live.plan.records(&tree)[0];
        let cell = tree.children(record).next().unwrap();
        assert_eq!((live.reference.name.as_str(), &*tree.text(cell)), expected);
    }

    #[test]
    fn each_mapping_reads_a_body_in_the_encoding_that_it_names() {
        let plain = live("referral", "NAME", "");
        let old = live("decision", "OFFICER", "encoding = \"windows-1252\"");
        for candidates in [[plain.clone(), old.clone()], [old, plain]] {
            check(&candidates, "NAME\nÉlodie\n".as_bytes(), ("referral", "Élodie"));
            check(&candidates, b"OFFICER\n\xc9lodie\n", ("decision", "Élodie"));
            let texts = Texts::of(b"NAME\n\xc9lodie\n", &candidates);
            let limits = cara_document::Limits::default();
            let refused = choose(&candidates, &texts, false, &limits).err().unwrap();
            assert!(matches!(refused, RecordRefusal::Unparseable { .. }), "{refused}");
        }
    }
}
