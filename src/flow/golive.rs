//! A mapping goes live in the running gateway: checked, tried on the records that are still kept,
//! stored as the next version, swapped. A bad file changes nothing.

use std::collections::BTreeMap;

use cara_record::domain::Validated;
use cara_record::mapping::{Mapping, diff, extend};
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::activate;
use super::live::{LiveMapping, LivePlan};
use super::{Force, Gateway, Operator, Refusal, read};
use crate::store::{Fact, ForceCode, PendingPlan, PlanVersion, Tend};

/// Records on which a candidate is tried.
const REPLAYED_MAX: usize = 200;

/// A mapping file that an operator wants to go live, with everything that its tests read.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Candidate {
    /// The force's slug.
    pub force: String,
    /// `referral`, `decision` or `notice`.
    pub name: String,
    pub text: String,
    /// The examples, by the names that the file gives them.
    pub files: BTreeMap<String, Vec<u8>>,
    pub because: String,
    /// Why its tests need not reach everything.
    #[serde(default)]
    pub uncovered: Option<String>,
    /// Check, compare and try; put nothing live.
    #[serde(default)]
    pub dry_run: bool,
}

impl Candidate {
    /// What is stored needs no other file: a base that was sent along is taken in. One that is
    /// missing is named by the check.
    fn extended(mut self) -> Self {
        let open = |name: &str| self.files.get(name).cloned();
        let effective = extend::effective(&self.name, &self.text, &open);
        if effective.diagnostics.is_empty() {
            self.text = effective.text;
        }
        self
    }
}

/// What came of it.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct WentLive {
    /// The version that is live now; absent when nothing went live.
    pub version: Option<u32>,
    /// In words, against the version that was live.
    pub changes: Vec<String>,
    /// How many of the records that are still kept would end how.
    pub replayed: BTreeMap<String, u64>,
    /// Who asked first; another operator has to ask for the same text.
    pub waits_after: Option<String>,
}

impl Gateway {
    /// Puts a mapping live, or says why not.
    pub async fn go_live(
        &self,
        operator: &Operator,
        candidate: Candidate,
    ) -> Result<WentLive, Refusal> {
        let candidate = candidate.extended();
        let because = candidate.because.clone();
        let fact = self.said_by(operator, "mapping", because)?;
        let force = self.forces.with_slug(&candidate.force)?;
        let checked = checked(&candidate)?;
        if !checked.not_reached.is_empty() && candidate.uncovered.is_none() {
            return Err(Refusal::Mapping {
                report: format!(
                    "its tests do not reach everything:\n  {}\nAdd tests, or say why not with \
                     --uncovered",
                    checked.not_reached.join("\n  ")
                ),
            });
        }
        self.check_alone(force.code, &candidate.name, &checked.sound)?;
        let versions = self.store.plan_versions().await?;
        let newest = versions.iter().find(|it| it.force == force.code && it.name == candidate.name);
        let before = newest.map_or("", |version| version.text.as_str());
        if before == candidate.text {
            return Err(Refusal::WrongState { state: "this very text is live already" });
        }
        let changes = diff::changes(before, &candidate.text);
        let sha256 = self.vault.sha256(candidate.text.as_bytes());
        let mut went = WentLive {
            changes: changes.iter().map(|change| change.words.clone()).collect(),
            ..WentLive::default()
        };
        let number = newest.map_or(1, |version| version.version + 1);
        let mapping =
            activate::live(force.code, &candidate.name, checked.sound, number, sha256.clone());
        if let LiveMapping::Plan(plan) = &mapping {
            went.replayed = self.try_on_kept(operator, force, plan).await?;
        }
        if candidate.dry_run {
            return Ok(went);
        }
        let sensitive = newest.is_some() && changes.iter().any(|change| change.is_sensitive);
        if sensitive && self.forces.second_operator {
            let waiting = self.store.pending_plan(force.code, candidate.name.clone()).await?;
            let agreed = waiting.filter(|it| it.sha256 == sha256 && it.by != operator.name);
            if agreed.is_none() {
                self.tend(Tend::PendPlan(PendingPlan {
                    force: force.code,
                    name: candidate.name,
                    sha256,
                    by: operator.name.clone(),
                    at: self.clock.now(),
                    because: candidate.because,
                }))
                .await?;
                went.waits_after = Some(operator.name.clone());
                return Ok(went);
            }
        }
        let row = PlanVersion {
            force: force.code,
            name: candidate.name.clone(),
            version: number,
            sha256,
            text: candidate.text,
            by: operator.name.clone(),
            at: self.clock.now(),
            because: match candidate.uncovered {
                Some(why) => format!("{} (not all of it is tested: {why})", candidate.because),
                None => candidate.because,
            },
        };
        self.put_live(row, mapping, fact).await?;
        went.version = Some(number);
        Ok(went)
    }

    /// Puts an earlier version live again, as the next one.
    pub async fn roll_back(
        &self,
        operator: &Operator,
        force: &str,
        name: &str,
        version: u32,
        because: String,
    ) -> Result<u32, Refusal> {
        let fact = self.said_by(operator, "mapping", because.clone())?;
        let code = self.forces.with_slug(force)?.code;
        let history = self.store.plan_history(code).await?;
        let of_name = || history.iter().filter(|it| it.name == name);
        let wanted = of_name().find(|it| it.version == version).ok_or(Refusal::Absent)?;
        let number = of_name().map(|it| it.version).max().unwrap_or(0) + 1;
        let row = PlanVersion {
            version: number,
            by: operator.name.clone(),
            at: self.clock.now(),
            because: format!("version {version} again: {because}"),
            ..wanted.clone()
        };
        let mapping = activate::restore_stored(&row)
            .map_err(|error| Refusal::Mapping { report: error.to_string() })?;
        self.put_live(row, mapping, fact).await?;
        Ok(number)
    }

    /// Every version of a force's mappings, the newest first; without their texts.
    pub async fn mapping_history(&self, force: &str) -> Result<Vec<Value>, Refusal> {
        let code = self.forces.with_slug(force)?.code;
        let history = self.store.plan_history(code).await?;
        let lines = history.iter().map(|it| {
            serde_json::json!({
                "name": it.name, "version": it.version, "sha256": it.sha256, "by": it.by,
                "at": it.at.to_string(), "because": it.because,
            })
        });
        Ok(lines.collect())
    }

    async fn put_live(
        &self,
        row: PlanVersion,
        mapping: LiveMapping,
        fact: Fact,
    ) -> Result<(), Refusal> {
        let about = format!("mapping {}/{} version {}", row.force, row.name, row.version);
        if !self.store_plan(row, Fact { about: about.clone(), ..fact }).await? {
            let state = "another version went live at the same moment: look again";
            return Err(Refusal::WrongState { state });
        }
        // From here on new bodies are read by it; those in flight end with what they began with.
        self.live.swap(mapping);
        tracing::warn!(mapping = about, "a mapping went live");
        self.letters_wake.notify_one();
        Ok(())
    }

    /// Two mappings of one force that could take one body would make the choice a guess.
    fn check_alone(&self, force: ForceCode, name: &str, sound: &Mapping) -> Result<(), Refusal> {
        let Mapping::Plan(plan) = sound else { return Ok(()) };
        let others = self.live.of(force);
        let twin = others.iter().find(|other| {
            other.reference.name != name
                && cara_record::mapping::could_both_match(plan, &other.plan)
        });
        match twin {
            None => Ok(()),
            Some(twin) => Err(Refusal::Mapping {
                report: format!(
                    "it and {} could both take one body; give each a `match` of its own",
                    twin.reference.name
                ),
            }),
        }
    }

    /// Tries a candidate on the newest records that are still kept, beside the plan that is live.
    async fn try_on_kept(
        &self,
        operator: &Operator,
        force: &Force,
        candidate: &LivePlan,
    ) -> Result<BTreeMap<String, u64>, Refusal> {
        let name = candidate.reference.name.clone();
        let Some(live) = self.live.named(force.code, &name) else { return Ok(BTreeMap::new()) };
        let raws = self.store.kept_raws(force.code, name.clone(), REPLAYED_MAX).await?;
        let mut ends: BTreeMap<String, u64> = BTreeMap::new();
        for raw in &raws {
            let text = self.raw_text(raw.referral_id, raw.revision, &raw.keys, &raw.raw)?;
            let judged = |plan: &LivePlan| read::alone(&self.desk(), plan, force, &text);
            let (was, is) = (judged(&live), judged(candidate));
            for end in compared(was.as_ref(), is.as_ref()) {
                *ends.entry(end).or_default() += 1;
            }
        }
        if !raws.is_empty() {
            let about = format!("{} kept records of {force} tried", raws.len(), force = force.slug);
            self.record_consultation(&operator.name, &about, None).await?;
        }
        Ok(ends)
    }
}

fn checked(candidate: &Candidate) -> Result<activate::Checked, Refusal> {
    if !activate::NAMES.contains(&candidate.name.as_str()) {
        return Err(Refusal::Parameter { name: "name" });
    }
    let open = |name: &str| candidate.files.get(name).cloned();
    let shown = format!("{}/{}.toml", candidate.force, candidate.name);
    activate::checked(&shown, &candidate.name, &candidate.text, &open)
        .map_err(|report| Refusal::Mapping { report })
}

/// How one record would end: the same, another end, or which fields would differ.
fn compared(was: Option<&Validated>, is: Option<&Validated>) -> Vec<String> {
    let (Some(was), Some(is)) = (was, is) else {
        return vec![match (was, is) {
            (Some(_), _) => "can no longer be read".to_owned(),
            (None, Some(_)) => "can be read now".to_owned(),
            (None, None) => "same".to_owned(),
        }];
    };
    match (was, is) {
        (Validated::Referral(was), Validated::Referral(is)) => {
            let side = |bytes: Vec<u8>| serde_json::from_slice::<Value>(&bytes).unwrap_or_default();
            let mut changed = Vec::new();
            for (was, is) in [
                (was.offender_content(), is.offender_content()),
                (was.victim_content(), is.victim_content()),
                (was.police_content(), is.police_content()),
            ] {
                differing("", &side(was), &side(is), &mut changed);
            }
            changed.sort();
            changed.dedup();
            match changed.is_empty() {
                true => vec!["same".to_owned()],
                false => changed.into_iter().map(|it| format!("changed: {it}")).collect(),
            }
        }
        _ if end(was) == end(is) => vec!["same".to_owned()],
        _ => vec![format!("now {}", end(is))],
    }
}

fn end(validated: &Validated) -> String {
    match validated {
        Validated::Referral(_) => "accepted".to_owned(),
        Validated::Withdrawal(_) => "withdrawn".to_owned(),
        Validated::Decision(_) => "decided".to_owned(),
        Validated::Stopped(stopped) => {
            let mut codes: Vec<_> = stopped
                .findings
                .iter()
                .filter(|it| it.code.kind() != cara_record::domain::Kind::Flag)
                .map(|it| format!("{} {}", it.code.name(), it.field))
                .collect();
            codes.sort();
            codes.dedup();
            format!("stopped by {}", codes.join(", "))
        }
    }
}

/// Dotted names of what differs; never a value.
fn differing(at: &str, was: &Value, is: &Value, found: &mut Vec<String>) {
    match (was, is) {
        (Value::Object(was), Value::Object(is)) => {
            let names: std::collections::BTreeSet<_> = was.keys().chain(is.keys()).collect();
            for name in names {
                let below = if at.is_empty() { name.clone() } else { format!("{at}.{name}") };
                let null = Value::Null;
                let (was, is) = (was.get(name).unwrap_or(&null), is.get(name).unwrap_or(&null));
                differing(&below, was, is, found);
            }
        }
        _ if was == is => {}
        _ => found.push(at.to_owned()),
    }
}
