//! A mapping goes live in the running gateway: checked, tried on the records that are still kept,
//! seen by the operator, stored as the next version, swapped. A bad file changes nothing.

use cara_mapping::{Mapping, diff, extend};
use cara_wire::operators::mapping::{
    Candidate, CandidateAnswer, CandidateSeen, MappingHistory, MappingVersion, WaitingHolds,
};

use crate::audit::check_order;
use crate::live::LiveMapping;
use crate::mapping::activate::{self, Checked, Unsound};
use crate::mapping::replay::{self, ReplayOrder, on_own_thread};
use crate::{Failure, Force, Gateway, Operator, OrderRefusal, Unfinished, WrongState, write};
use cara_store::{ForceNumber, PendingPlan, PlanNumber, PlanVersion, What};

/// What is stored needs no other file: a base that was sent along is taken in. One that is missing
/// is named by the check.
fn extended(mut candidate: Candidate) -> Candidate {
    let open = |name: &str| candidate.files.get(name).cloned();
    let effective = extend::effective(&candidate.name, &candidate.text, &open);
    if effective.diagnostics.is_empty() {
        candidate.text = effective.text;
    }
    candidate
}

/// Tries a mapping, or puts live one that was tried; or says why not.
pub async fn go_live(
    gateway: &Gateway,
    operator: &Operator,
    candidate: Candidate,
) -> Result<CandidateAnswer, Unfinished<OrderRefusal>> {
    let candidate = extended(candidate);
    check_order(operator, &candidate.because)?;
    let force = gateway.forces.with_slug(&candidate.force)?.clone();
    let records = candidate.records.unwrap_or(replay::RECORDS_USUAL);
    if !(1..=replay::RECORDS_MAX).contains(&records) {
        return Err(OrderRefusal::Parameter { name: "records" }.into());
    }
    let checking = candidate.clone();
    let checked = on_own_thread(move || Ok(checked(&checking))).await??;
    check(gateway, &force, &candidate, &checked)?;
    let newest = newest(gateway, force.code, &candidate.name).await?;
    if newest.as_ref().is_some_and(|version| version.text == candidate.text) {
        return Err(WrongState::LiveAlready.into());
    }
    let changes = newest.as_ref().map(|it| diff::changes(&it.text, &candidate.text));
    let sensitive = changes.iter().flatten().any(|change| change.is_sensitive);
    let seen = CandidateSeen {
        sha256: gateway.vault.sha256(candidate.text.as_bytes()),
        live: newest.as_ref().map_or(0, |version| version.version),
    };
    let number = seen.live + 1;
    let sha256 = seen.sha256.clone();
    let mapping = activate::live(force.code, &candidate.name, checked.sound, number, sha256);
    let mut went = CandidateAnswer {
        changes: changes.map(|changes| changes.into_iter().map(|change| change.words).collect()),
        sensitive: sensitive && gateway.forces.second_operator,
        ..CandidateAnswer::default()
    };
    if candidate.dry_run {
        if let LiveMapping::Plan(plan) = mapping {
            let Candidate { because, reveal, .. } = &candidate;
            let asked = ReplayOrder { operator, because, records, reveal: *reveal };
            went.replay = Some(replay::try_on_retained(gateway, &asked, &force, plan).await?);
        }
        return Ok(CandidateAnswer { seen, ..went });
    }
    check_seen(candidate.seen.as_ref(), &seen)?;
    if went.sensitive && !is_agreed(gateway, operator, &force, &candidate, &seen).await? {
        return Ok(CandidateAnswer { seen, waits_after: Some(operator.name.clone()), ..went });
    }
    let name = candidate.name.clone();
    let row = PlanVersion {
        force: force.code,
        name: name.clone(),
        version: number,
        sha256: seen.sha256.clone(),
        text: candidate.text,
        by: operator.name.clone(),
        at: gateway.clock.now(),
        because: match candidate.uncovered {
            Some(why) => format!("{} (not all of it is tested: {why})", candidate.because),
            None => candidate.because,
        },
    };
    put_live(gateway, &force, row, mapping).await?;
    let waiting = waiting_or_none(gateway, operator, &force, &name).await;
    Ok(CandidateAnswer { version: Some(number), seen, waiting, ..went })
}

/// Nothing goes live with a part that no test reaches, unless somebody says why, nor beside
/// another mapping that could take the same body.
fn check(
    gateway: &Gateway,
    force: &Force,
    candidate: &Candidate,
    checked: &Checked,
) -> Result<(), OrderRefusal> {
    if !checked.not_reached.is_empty() && candidate.uncovered.is_none() {
        let unsound = Unsound::NotReached(checked.not_reached.clone());
        let report = format!("{unsound}\nAdd tests, or say why not with --uncovered");
        return Err(OrderRefusal::Mapping { report });
    }
    match twin(gateway, force.code, &candidate.name, &checked.sound) {
        Some(twin) => Err(OrderRefusal::Mapping { report: Unsound::Twin(twin).to_string() }),
        None => Ok(()),
    }
}

/// Whether another operator has asked for this very text; if not, this one has asked first.
async fn is_agreed(
    gateway: &Gateway,
    operator: &Operator,
    force: &Force,
    candidate: &Candidate,
    seen: &CandidateSeen,
) -> Result<bool, Failure> {
    let waiting = gateway.store.pending_plan(force.code, candidate.name.clone()).await?;
    if waiting.is_some_and(|it| it.sha256 == seen.sha256 && it.by != operator.name) {
        return Ok(true);
    }
    write::change(
        gateway,
        What::PendPlan(PendingPlan {
            force: force.code,
            name: candidate.name.clone(),
            sha256: seen.sha256.clone(),
            by: operator.name.clone(),
            at: gateway.clock.now(),
            because: candidate.because.clone(),
        }),
    )
    .await?;
    Ok(false)
}

/// It is live already: that it cannot be said what waited for it must not look like a failure.
async fn waiting_or_none(
    gateway: &Gateway,
    operator: &Operator,
    force: &Force,
    name: &str,
) -> Vec<WaitingHolds> {
    match replay::waiting_for(gateway, operator, force, name).await {
        Ok(waiting) => waiting,
        Err(error) => {
            let error = &error as &dyn std::error::Error;
            tracing::error!(error, "what waited for the mapping cannot be said");
            Vec::new()
        }
    }
}

/// The version that is live of a mapping, as the store has it.
pub(crate) async fn newest(
    gateway: &Gateway,
    force: ForceNumber,
    name: &str,
) -> Result<Option<PlanVersion>, Failure> {
    let versions = gateway.store.plan_versions().await?;
    Ok(versions.into_iter().find(|it| it.force == force && it.name == name))
}

/// Puts an earlier version live again, as the next one. It was live before, so one operator is
/// enough: taking a mistake back must not wait for a second.
pub async fn roll_back(
    gateway: &Gateway,
    operator: &Operator,
    force: &str,
    name: &str,
    version: u32,
    because: String,
) -> Result<u32, Unfinished<OrderRefusal>> {
    check_order(operator, &because)?;
    let force = gateway.forces.with_slug(force)?;
    let code = force.code;
    let wanted = PlanNumber { force: code, name: name.to_owned(), version };
    let wanted = gateway.store.plan_version(wanted).await?.ok_or(OrderRefusal::Absent)?;
    let numbers = gateway.store.plan_numbers().await?;
    let newest = numbers.iter().find(|it| it.force == code && it.name == name);
    let number = newest.map_or(0, |newest| newest.version) + 1;
    let row = PlanVersion {
        version: number,
        by: operator.name.clone(),
        at: gateway.clock.now(),
        because: format!("version {version} again: {because}"),
        ..wanted
    };
    let mapping = activate::restore_stored(&row)
        .map_err(|error| OrderRefusal::Mapping { report: error.to_string() })?;
    put_live(gateway, force, row, mapping).await?;
    Ok(number)
}

/// Every version of a force's mappings, the newest first; without their texts.
pub async fn mapping_history(
    gateway: &Gateway,
    force: &str,
) -> Result<MappingHistory, Unfinished<OrderRefusal>> {
    let code = gateway.forces.with_slug(force)?.code;
    let history = gateway.store.plan_history(code).await?;
    let is_live = |it: &PlanVersion| {
        !history.iter().any(|other| other.name == it.name && other.version > it.version)
    };
    let versions = history.iter().map(|it| MappingVersion {
        name: it.name.clone(),
        version: it.version,
        sha256: it.sha256.clone(),
        by: it.by.clone(),
        at: it.at,
        because: it.because.clone(),
        live: is_live(it),
    });
    Ok(MappingHistory { versions: versions.collect() })
}

async fn put_live(
    gateway: &Gateway,
    force: &Force,
    row: PlanVersion,
    mapping: LiveMapping,
) -> Result<(), Unfinished<OrderRefusal>> {
    let name = format!("{}/{} version {}", force.slug, row.name, row.version);
    if !activate::store_plan(gateway, &force.slug, row).await? {
        return Err(WrongState::VersionTaken.into());
    }
    // From here on new bodies are read by it; those in flight end with what they began with.
    gateway.live.swap(mapping);
    tracing::warn!(mapping = name, "a mapping went live");
    gateway.letters_wake.notify_one();
    Ok(())
}

/// The live mapping of this force that could take the same body: the choice would be a guess.
pub(crate) fn twin(
    gateway: &Gateway,
    force: ForceNumber,
    name: &str,
    sound: &Mapping,
) -> Option<String> {
    let Mapping::Plan(plan) = sound else { return None };
    let others = gateway.live.of(force);
    let twin = others.iter().find(|other| {
        other.reference.name != name && cara_mapping::could_both_match(plan, &other.plan)
    });
    twin.map(|twin| twin.reference.name.clone())
}

/// Only what a dry run has just shown goes live.
fn check_seen(seen: Option<&CandidateSeen>, now: &CandidateSeen) -> Result<(), OrderRefusal> {
    match seen {
        None => Err(OrderRefusal::Parameter { name: "seen" }),
        Some(seen) if seen.sha256 != now.sha256 => Err(WrongState::AnotherText.into()),
        Some(seen) if seen.live != now.live => Err(WrongState::AnotherVersion.into()),
        Some(_) => Ok(()),
    }
}

fn checked(candidate: &Candidate) -> Result<Checked, OrderRefusal> {
    if !activate::NAMES.contains(&candidate.name.as_str()) {
        return Err(OrderRefusal::Parameter { name: "name" });
    }
    let open = |name: &str| candidate.files.get(name).cloned();
    let shown = format!("{}/{}.toml", candidate.force, candidate.name);
    activate::checked(&shown, &candidate.name, &candidate.text, &open)
        .map_err(|unsound| OrderRefusal::Mapping { report: unsound.to_string() })
}
