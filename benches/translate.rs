//! Translate, validate and serialise one record, against a bare `roxmltree` parse of the same
//! bytes: both in one run, in turn, and the ratio of their fastest rounds. Then the same content
//! escaped inside an envelope, its persons found by reference, beside the plain one.
//!
//! `cargo bench --bench translate`

#![expect(clippy::disallowed_methods, reason = "a bench measures with the machine's clock")]
#![expect(clippy::print_stdout, reason = "a bench prints its figures")]

use std::hint::black_box;
use std::path::Path;
use std::time::{Duration, Instant};

use anyhow::{Context, bail};
use cara_document::Limits;
use cara_domain::Validated;
use cara_mapping::Plan;
use cara_wire::{Event, OffenderContent, RevisionChange, Stamp, VictimContent};
use jiff::Timestamp;
use uuid::Uuid;

const ROUNDS: usize = 60;
const RUNS_PER_ROUND: u32 = 200;

/// DESIGN section 12: the goal of the first reader.
const RATIO_MAX: f64 = 2.0;

/// What an envelope and joins may cost beside the same content without.
const WRAPPED_RATIO_MAX: f64 = 2.0;

fn main() -> anyhow::Result<()> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("mappings/hampshire");
    let text = std::fs::read_to_string(folder.join("referral.toml"))?;
    let open = |name: &str| std::fs::read(folder.join(name)).ok();
    let text = cara_mapping::extend::effective("referral.toml", &text, &open).text;
    let plan = cara_mapping::compile("referral.toml", &text, &open).plan.context("mapping")?;
    let record = std::fs::read_to_string(folder.join("examples/full.xml"))?;
    let (fields, bytes) = walk(&plan, &record)?;
    let (wrapped_plan, linked, wrapped) = wrapped(&text, &record)?;
    anyhow::ensure!(walk(&wrapped_plan, &wrapped)?.0 == fields, "both fill the same fields");

    let mut bare = Duration::MAX;
    let mut parse = Duration::MAX;
    let mut whole = Duration::MAX;
    let mut flat = Duration::MAX;
    let mut joined = Duration::MAX;
    for _ in 0..ROUNDS {
        bare = bare.min(time(|| {
            black_box(roxmltree::Document::parse(black_box(&record)).is_ok());
        }));
        parse = parse.min(time(|| {
            black_box(plan.read(black_box(&record), &Limits::default()).is_ok());
        }));
        whole = whole.min(time(|| {
            black_box(walk(&plan, black_box(&record)).is_ok());
        }));
        flat = flat.min(time(|| {
            black_box(walk(&plan, black_box(&linked)).is_ok());
        }));
        joined = joined.min(time(|| {
            black_box(walk(&wrapped_plan, black_box(&wrapped)).is_ok());
        }));
    }
    let ratio = whole.as_secs_f64() / bare.as_secs_f64();
    println!(
        "record: {} bytes of XML, {fields} fields filled, {bytes} bytes of messages",
        record.len()
    );
    println!("bare roxmltree parse            {:>8.1} µs", micros(bare));
    println!("own parse                       {:>8.1} µs", micros(parse));
    println!("parse, translate, validate, serialise {:>5.1} µs", micros(whole));
    println!("ratio to the bare parse         {ratio:>8.2} (goal: at most {RATIO_MAX:.1})");
    let rest = whole.saturating_sub(parse);
    let rest_ratio = rest.as_secs_f64() / bare.as_secs_f64();
    println!("without the own parse           {:>8.1} µs, ratio {rest_ratio:.2}", micros(rest));
    let wrapped_ratio = joined.as_secs_f64() / flat.as_secs_f64();
    println!(
        "inside an envelope, with joins  {:>8.1} µs, plain {:.1} µs, ratio {wrapped_ratio:.2} (goal: at most {WRAPPED_RATIO_MAX:.1})",
        micros(joined),
        micros(flat)
    );
    if ratio > RATIO_MAX || wrapped_ratio > WRAPPED_RATIO_MAX {
        bail!("a ratio is over its goal");
    }
    Ok(())
}

/// The mapping that opens an envelope and finds persons by reference, the record with such
/// references, and the same record escaped inside an envelope.
fn wrapped(mapping: &str, record: &str) -> anyhow::Result<(Plan, String, String)> {
    let place = "[fields]\n";
    let by_role = ["Person[@role='SUSPECT']", "Person[@role='VICTIM']", "\"/OccurrenceExport"];
    for piece in by_role.iter().chain([&place]) {
        anyhow::ensure!(mapping.contains(piece), "the mapping no longer holds {piece}");
    }
    let mapping = mapping
        .replacen(
            place,
            &format!("[[unwrap]]\nat = \"/Envelope/Content\"\nas = \"xml\"\n{place}"),
            1,
        )
        .replace(by_role[0], "Person[@id = //Part[@role='SUSPECT']/@ref]")
        .replace(by_role[1], "Person[@id = //Part[@role='VICTIM']/@ref]")
        .replace(by_role[2], "\"/Envelope/Content/OccurrenceExport");
    let plan =
        cara_mapping::compile("referral.toml", &mapping, &|_| None).plan.context("mapping")?;
    let parts = "<Part role='SUSPECT' ref='P881204'/><Part role='VICTIM' ref='P881207'/>";
    let linked = record.replace("</Occurrence>", &format!("{parts}</Occurrence>"));
    let escaped = linked.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;");
    let wrapped = format!("<Envelope><Content>{escaped}</Content></Envelope>");
    Ok((plan, linked, wrapped))
}

/// The whole walk of one record on the caller's thread; fields filled and bytes made.
fn walk(plan: &Plan, record: &str) -> anyhow::Result<(usize, usize)> {
    let now = Timestamp::from_second(1_793_000_000)?;
    let tree = plan
        .read(record, &Limits::default())
        .map_err(|error| anyhow::anyhow!("{}", error.reason))?;
    let node = *plan.records(&tree).first().context("no record")?;
    let translation = plan.translate(&tree, node);
    let domains = ["hampshire.example".to_owned()];
    let today = now.to_zoned(jiff::tz::TimeZone::UTC).date();
    let context = cara_domain::Context { now, today, compliance_domains: &domains };
    let Validated::Referral(referral) = cara_domain::validate(translation.draft, &context) else {
        bail!("the example is not a referral");
    };
    let stamp = Stamp {
        referral_id: Uuid::nil(),
        revision: 1,
        force: "44".to_owned(),
        provider: "harbour".to_owned(),
        received_at: now,
        agreement_ref: "ISA-44-1".to_owned(),
        test_data: true,
    };
    let id = Uuid::nil();
    let offender = OffenderContent::of(&referral.offender_side);
    let victim = VictimContent::of(&referral.victim_side);
    let offender = Event::referral(id, RevisionChange::New, &stamp, &offender, &referral.flags);
    let victim = Event::victim(id, RevisionChange::New, &stamp, &victim, &referral.flags);
    let police = referral.police_content();
    let bytes = offender.body().len() + victim.body().len() + police.len();
    Ok((referral.provenance.len(), bytes))
}

fn time(mut run: impl FnMut()) -> Duration {
    let started = Instant::now();
    for _ in 0..RUNS_PER_ROUND {
        run();
    }
    started.elapsed() / RUNS_PER_ROUND
}

fn micros(duration: Duration) -> f64 {
    duration.as_secs_f64() * 1e6
}
