//! Words and rules: what a referral is, and everything that can be wrong with one.

mod assemble;
mod canonical;
pub mod caution;
pub mod choice;
mod compartment;
pub mod correct;
mod decide;
pub mod decision;
mod draft;
pub mod example;
pub mod field;
mod finding;
mod fold;
pub mod identifier;
pub mod notice;
mod offender_side;
mod origin;
pub mod outcome;
mod police;
pub mod programme;
mod read;
pub mod recorded;
mod redact;
mod referral;
mod rule;
pub mod standing;
#[cfg(test)]
mod tests;
mod validate;
mod victim_side;
mod withhold;

pub use compartment::Compartment;
pub use decide::validate_decision;
pub use draft::{Draft, Fields, Value};
pub use field::FieldId;
pub use finding::{Finding, FindingCode, FindingKind};
pub use offender_side::OffenderSide;
pub use origin::Origin;
pub use police::Police;
pub use recorded::Recorded;
pub use referral::{Context, RecordSource, Referral, Stopped, Validated, Withdrawal};
pub use validate::validate;
pub use victim_side::VictimSide;
