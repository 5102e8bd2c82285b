//! The mappings that are live: which version of which file reads a body now.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::sync::{Arc, PoisonError, RwLock};

use cara_document::{BodyFormat, Tree};
use cara_mapping::Plan;
use cara_mapping::letter::LetterPlan;

use crate::record::Submission;
use crate::{Caller, Refusal};
use cara_store::{ForceNumber, MappingRef};

/// One compiled mapping and the version it is.
#[derive(Debug)]
pub struct LivePlan {
    pub force: ForceNumber,
    pub plan: Plan,
    pub reference: MappingRef,
}

/// One compiled `notice.toml` and the version it is.
#[derive(Debug)]
pub struct LiveLetter {
    pub force: ForceNumber,
    pub plan: LetterPlan,
    pub reference: MappingRef,
}

/// One mapping that goes live.
#[derive(Debug)]
pub enum LiveMapping {
    Plan(LivePlan),
    Letter(LiveLetter),
}

/// Every live plan by force. The swap is atomic: a body is read by the plans it started with.
#[derive(Debug, Default)]
pub struct Live {
    plans: RwLock<Arc<BTreeMap<ForceNumber, Vec<Arc<LivePlan>>>>>,
    letters: RwLock<Arc<BTreeMap<ForceNumber, Arc<LiveLetter>>>>,
}

impl Live {
    /// Puts these plans in the place of all earlier ones.
    pub fn replace(&self, plans: Vec<LivePlan>, letters: Vec<LiveLetter>) {
        let letters = letters.into_iter().map(|letter| (letter.force, Arc::new(letter)));
        *self.letters.write().unwrap_or_else(PoisonError::into_inner) = Arc::new(letters.collect());
        let mut by_force: BTreeMap<ForceNumber, Vec<Arc<LivePlan>>> = BTreeMap::new();
        for plan in plans {
            by_force.entry(plan.force).or_default().push(Arc::new(plan));
        }
        *self.plans.write().unwrap_or_else(PoisonError::into_inner) = Arc::new(by_force);
    }

    /// Puts one mapping in the place of the one of its force and name, unless that is a later
    /// version: whoever compiled longer does not undo what has gone live meanwhile.
    pub fn swap(&self, mapping: LiveMapping) {
        match mapping {
            LiveMapping::Letter(letter) => {
                let mut letters = self.letters.write().unwrap_or_else(PoisonError::into_inner);
                let mut next = BTreeMap::clone(&letters);
                let live = next.get(&letter.force);
                if live.is_some_and(|live| live.reference.version > letter.reference.version) {
                    return;
                }
                next.insert(letter.force, Arc::new(letter));
                *letters = Arc::new(next);
            }
            LiveMapping::Plan(plan) => {
                let mut plans = self.plans.write().unwrap_or_else(PoisonError::into_inner);
                let mut next = BTreeMap::clone(&plans);
                let of_force = next.entry(plan.force).or_default();
                let is_later = |live: &Arc<LivePlan>| {
                    live.reference.name == plan.reference.name
                        && live.reference.version > plan.reference.version
                };
                if of_force.iter().any(is_later) {
                    return;
                }
                of_force.retain(|live| live.reference.name != plan.reference.name);
                of_force.push(Arc::new(plan));
                of_force.sort_by(|a, b| b.reference.name.cmp(&a.reference.name));
                *plans = Arc::new(next);
            }
        }
    }

    /// The plans of one force.
    pub fn of(&self, force: ForceNumber) -> Vec<Arc<LivePlan>> {
        let plans = Arc::clone(&self.plans.read().unwrap_or_else(PoisonError::into_inner));
        plans.get(&force).cloned().unwrap_or_default()
    }

    /// How this force's letters are written.
    pub fn letter(&self, force: ForceNumber) -> Option<Arc<LiveLetter>> {
        let letters = self.letters.read().unwrap_or_else(PoisonError::into_inner);
        letters.get(&force).cloned()
    }

    /// Which version of a mapping is live; none: no such mapping is.
    pub fn reference(&self, force: ForceNumber, name: &str) -> Option<MappingRef> {
        let letter = self.letter(force).map(|live| live.reference.clone());
        let plan = || self.named(force, name).map(|live| live.reference.clone());
        letter.filter(|letter| letter.name == name).or_else(plan)
    }

    /// The plan of this force with this name.
    pub fn named(&self, force: ForceNumber, name: &str) -> Option<Arc<LivePlan>> {
        self.of(force).into_iter().find(|live| live.reference.name == name)
    }
}

/// The plans of the caller's forces that read the body's media type, or the one that is named.
pub(crate) fn candidates(
    live: &Live,
    caller: &Caller,
    submission: &Submission,
) -> Result<Vec<Arc<LivePlan>>, Refusal> {
    let of_caller: Vec<_> = caller.forces.iter().flat_map(|force| live.of(*force)).collect();
    let names = || of_caller.iter().map(|live| live.reference.name.clone()).collect::<Vec<_>>();
    let mut fitting: Vec<_> = of_caller
        .iter()
        .filter(|live| reads(live.plan.format(), &submission.media_type))
        .cloned()
        .collect();
    if fitting.is_empty() {
        return Err(Refusal::MediaType);
    }
    if let Some(name) = &submission.mapping {
        fitting.retain(|live| live.reference.name == *name);
        if fitting.is_empty() {
            return Err(Refusal::NoMapping { names: names() });
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
) -> Result<(Arc<LivePlan>, &'t str, Tree<'t>), Refusal> {
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
        (None, Some(error)) => Err(crate::record::read::refuse(error)),
        (None, None) => Err(none_fits(candidates)),
    }
}

fn none_fits(candidates: &[Arc<LivePlan>]) -> Refusal {
    Refusal::NoMapping {
        names: candidates.iter().map(|live| live.reference.name.clone()).collect(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

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
            assert!(matches!(refused, Refusal::Unparseable { .. }), "{refused}");
        }
    }
}
