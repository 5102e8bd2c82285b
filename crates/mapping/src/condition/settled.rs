//! Whether a condition is settled before any record comes: what the field can hold decides it.

use super::check::wanted;
use super::phrase::{Comparison, Phrase, Quantifier, Word};
use super::{Held, Rule, Test};
use crate::fault::{PhraseFault, PhraseFaultKind};
use cara_domain::field::Fills;

/// What a mapping can put into a field.
#[derive(Debug)]
pub enum Can {
    /// Nobody knows.
    Anything,
    /// No line fills it.
    Nothing,
    /// These texts and no others.
    Only {
        values: Vec<String>,
        /// A record without any of them goes nowhere anyway.
        always: bool,
    },
}

/// What a `when` compares its place with.
#[derive(Debug)]
pub struct Wanting(Vec<Word>);

impl Wanting {
    /// The texts that a condition compares with, when it asks for equal ones.
    pub fn of(text: &str) -> Option<Wanting> {
        let phrase = Phrase::read(text).ok()?;
        use Comparison::{Is, IsNot, IsNotOneOf, IsOneOf};
        let equal = matches!(phrase.operator, Is | IsNot | IsOneOf | IsNotOneOf);
        equal.then_some(Wanting(phrase.values))
    }

    /// Those that are not among these texts, with their bytes in the condition.
    pub fn missing(&self, present: &[String]) -> Vec<(String, std::ops::Range<usize>)> {
        let missing = self.0.iter().filter(|word| !present.contains(&word.text));
        missing.map(|word| (word.text.clone(), word.at.clone())).collect()
    }
}

/// Why a rule that can be read is decided already, if it is.
pub fn settled(text: &str, fills: Fills, can: &Can) -> Option<PhraseFault> {
    let phrase = Phrase::read(text).ok()?;
    let rule = Rule::parse(text, fills).ok()?;
    let name = rule.field.full_name(None);
    let fault = |at: &std::ops::Range<usize>, what: String| {
        Some(PhraseFault::new(PhraseFaultKind::Settled, at.clone(), what))
    };
    let (values, always) = match can {
        Can::Anything => return None,
        Can::Nothing => {
            let kept = if rule.fits(Held::Missing) { "every" } else { "no" };
            let what =
                format!("nothing in this file fills {name}, so {kept} record keeps the rule");
            return fault(&phrase.subject.at, what);
        }
        Can::Only { values, always } => (values, *always),
    };
    let listed = values.join(", ");
    for word in &phrase.values {
        let wanted = wanted(rule.field, phrase.operator, word).ok()?;
        let met = |value: &String| rule.equal(&wanted, held(value));
        let equal = matches!(rule.test, Test::Among(_) | Test::NotAmong(_));
        if equal && !values.iter().any(met) {
            let what =
                format!("this file never makes {name} \"{}\": it can be {listed}", word.text);
            return fault(&word.at, what);
        }
    }
    let fit = |value: &String| rule.fits(held(value));
    let single = phrase.quantifier.is_none();
    let missing = rule.fits(Held::Missing);
    if always && matches!(rule.test, Test::Missing | Test::Present) {
        let kept = if missing { "no" } else { "every" };
        let what = format!("{name} is mandatory, so {kept} record that goes on keeps the rule");
        return fault(&phrase.operator_at, what);
    }
    if matches!(rule.test, Test::Missing | Test::Present) {
        return None;
    }
    let every = phrase.quantifier.as_ref().is_some_and(|(it, _)| *it == Quantifier::Every);
    if !every && !missing && !values.iter().any(fit) {
        let what = format!("no record can keep this: {name} can be {listed}");
        return fault(&phrase.operator_at, what);
    }
    if values.iter().all(fit) && ((single && (always || missing)) || every) {
        let what = format!("every record keeps this: {name} can be {listed}");
        return fault(&phrase.operator_at, what);
    }
    None
}

fn held(value: &str) -> Held<'_> {
    match value {
        "not_recorded" => Held::NotRecorded,
        text => Held::Text(text),
    }
}
