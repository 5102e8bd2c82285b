//! Force systems that push without a person watching: good records, the same again, amended ones,
//! faulty ones, and ones with a code that nobody listed.

use std::collections::BTreeSet;
use std::time::Duration;

use anyhow::Context as _;
use cara_wire::api::{RecordAnswer, RecordStatus, RecordsAnswer};
use serde::Deserialize;
use tokio::task::JoinSet;

use super::client;
use super::console::Console;
use super::decision;
use super::description::Description;
use super::ledger::Ledger;
use super::people::People;
use super::record::{RecordShape, SHAPES, SandboxCase, Twist};
use cara_clock::{Clock, london_day};

/// A force pushes this often.
const PAUSE: Duration = Duration::from_millis(200);

/// A force that is not answered, or told to come later, tries again after this.
const RETRY: Duration = Duration::from_millis(500);

/// After the end a push is tried so often more, then given up; the table will say so.
const LAST_TRIES_MAX: u32 = 20;

/// What a force does next.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Move {
    /// One new case.
    Good,
    /// Three new cases in one body.
    Several,
    /// The last good body again, byte for byte.
    Duplicate,
    /// An earlier case with something changed.
    Amended,
    /// A case without the offender's birth date.
    Faulty,
    /// A case with a code that the mapping does not list.
    UnlistedCode,
    /// A body that breaks off.
    BrokenOff,
    /// Police give the caution of an earlier case another deadline.
    Varied,
}

const ROUND: [Move; 13] = [
    Move::Good,
    Move::Several,
    Move::Duplicate,
    Move::Good,
    Move::Amended,
    Move::Good,
    Move::UnlistedCode,
    Move::Good,
    Move::Faulty,
    Move::Good,
    Move::BrokenOff,
    Move::Varied,
    Move::Amended,
];

/// The force systems; dropping it ends them.
#[derive(Debug)]
pub struct Traffic {
    systems: JoinSet<anyhow::Result<()>>,
    stop: tokio::sync::watch::Sender<bool>,
}

impl Traffic {
    /// Starts one system for each force. `seed` decides who the people are.
    pub fn open(
        description: &Description,
        ledger: &Ledger,
        console: &Console,
        clock: &Clock,
        seed: u64,
    ) -> anyhow::Result<Traffic> {
        let (stop, stopped) = tokio::sync::watch::channel(false);
        let mut systems = JoinSet::new();
        for (index, shape) in SHAPES.iter().enumerate() {
            let force = description.forces.get(shape.force).context("a force is missing")?;
            let system = System {
                shape,
                client: client::of_force(description, force)?,
                url: format!("{}/v1/records", description.api),
                ledger: ledger.clone(),
                console: console.clone(),
                clock: clock.clone(),
                people: People::seeded(seed + index as u64),
                serial: first_serial(clock),
                taken: Vec::new(),
                last_good: None,
                shown: BTreeSet::new(),
                stopped: stopped.clone(),
            };
            systems.spawn(system.run());
        }
        Ok(Traffic { systems, stop })
    }

    /// Lets every system finish what it is sending.
    pub async fn stop(mut self) -> anyhow::Result<()> {
        self.stop.send_replace(true);
        while let Some(ended) = self.systems.join_next().await {
            ended??;
        }
        Ok(())
    }
}

/// Nine digits that no earlier run on the same store has used.
fn first_serial(clock: &Clock) -> u64 {
    let tenths = clock.now().as_millisecond().unsigned_abs() / 100;
    100_000_000 + tenths % 800_000_000
}

struct System {
    shape: &'static RecordShape,
    client: reqwest::Client,
    url: String,
    ledger: Ledger,
    console: Console,
    clock: Clock,
    people: People,
    serial: u64,
    /// Cases that the gateway has accepted and that were not amended yet.
    taken: Vec<SandboxCase>,
    last_good: Option<(String, u64)>,
    /// Moves of which a line was shown.
    shown: BTreeSet<Move>,
    stopped: tokio::sync::watch::Receiver<bool>,
}

/// What the gateway said to one body.
struct Answer {
    status: u16,
    records: Vec<RecordAnswer>,
}

/// The part of a problem that concerns records.
#[derive(Deserialize)]
struct AtFault {
    #[serde(default)]
    records: Vec<RecordAnswer>,
}

impl System {
    async fn run(mut self) -> anyhow::Result<()> {
        for step in ROUND.into_iter().cycle() {
            self.step(step).await?;
            tokio::select! {
                _ = self.stopped.wait_for(|stopped| *stopped) => break,
                () = tokio::time::sleep(PAUSE) => {}
            }
        }
        Ok(())
    }

    async fn step(&mut self, step: Move) -> anyhow::Result<()> {
        if step == Move::Varied {
            return self.decide().await;
        }
        let cases = match step {
            Move::Several => (0..3).map(|_| self.case(Twist::None)).collect(),
            Move::Faulty => vec![self.case(Twist::NoBirthDate)],
            Move::UnlistedCode => vec![self.case(Twist::UnlistedCode)],
            Move::Amended => match self.taken.is_empty() {
                true => return Ok(()),
                false => vec![self.amended()],
            },
            Move::Good | Move::BrokenOff | Move::Duplicate | Move::Varied => {
                vec![self.case(Twist::None)]
            }
        };
        let mut body = self.shape.body(&cases);
        let mut count = cases.len() as u64;
        match step {
            Move::Duplicate => match self.last_good.clone() {
                Some(last) => (body, count) = last,
                None => return Ok(()),
            },
            Move::BrokenOff => body = broken_off(&body, self.shape),
            _ => {}
        }
        {
            let mut pages = self.ledger.open();
            pages.victim_marks.extend(cases.iter().flat_map(|case| case.victim.marks()));
        }
        let answer = self.push(&body).await?;
        self.note(step, count, &answer);
        if matches!(step, Move::Good | Move::Several) && answer.status == 202 {
            self.taken.extend(cases);
            self.last_good = Some((body, count));
        }
        Ok(())
    }

    /// Decides about one of the cases that were taken.
    async fn decide(&mut self) -> anyhow::Result<()> {
        if self.taken.is_empty() {
            return Ok(());
        }
        self.serial += 1;
        let index = self.people.below(self.taken.len() as u64) as usize;
        let body = decision::varied(self.shape.force, &self.taken[index], self.serial);
        let answer = self.push(&body).await?;
        self.note(Move::Varied, 1, &answer);
        Ok(())
    }

    fn case(&mut self, twist: Twist) -> SandboxCase {
        self.serial += 1;
        let now = self.clock.now();
        SandboxCase {
            serial: self.serial,
            body: self.serial,
            offender: self.people.offender(),
            victim: self.people.victim(),
            written_at: now,
            today: london_day(now),
            amended: false,
            twist,
        }
    }

    /// One of the cases that were taken, with something changed on the offender's side.
    fn amended(&mut self) -> SandboxCase {
        let index = self.people.below(self.taken.len() as u64) as usize;
        let mut case = self.taken.swap_remove(index);
        self.serial += 1;
        case.body = self.serial;
        case.written_at = self.clock.now();
        case.amended = true;
        case
    }

    /// Sends a body until it is answered: what a force's system has to do.
    async fn push(&self, body: &str) -> anyhow::Result<Answer> {
        let mut last_tries = 0;
        while last_tries < LAST_TRIES_MAX {
            last_tries += u32::from(*self.stopped.borrow());
            let sending = self
                .client
                .post(&self.url)
                .header("content-type", self.shape.media_type)
                .body(body.to_owned())
                .send();
            if let Ok(answer) = sending.await {
                let status = answer.status().as_u16();
                if let Ok(bytes) = answer.bytes().await
                    && !matches!(status, 429 | 500..)
                {
                    return read(status, &bytes);
                }
            }
            tokio::time::sleep(RETRY).await;
        }
        Ok(Answer { status: 0, records: Vec::new() })
    }

    fn note(&mut self, step: Move, count: u64, answer: &Answer) {
        let mut pages = self.ledger.open();
        let told = pages.told.entry(self.shape.force).or_default();
        told.pushed += count;
        if answer.status == 400 {
            told.refused += count;
        }
        for record in &answer.records {
            match record.status {
                RecordStatus::Accepted => told.accepted += 1,
                RecordStatus::Duplicate => {
                    told.accepted += 1;
                    told.duplicates += 1;
                }
                RecordStatus::Held => told.held += 1,
            }
        }
        pages.accepted.extend(
            answer
                .records
                .iter()
                .filter(|record| record.status != RecordStatus::Held)
                .filter_map(|record| Some((record.referral_id?, record.revision?))),
        );
        pages.decided.extend(answer.records.iter().filter_map(|record| record.decision_id));
        drop(pages);
        if self.shown.insert(step) {
            self.console.event(&line(self.shape, step, answer));
        }
    }
}

fn read(status: u16, bytes: &[u8]) -> anyhow::Result<Answer> {
    let records = match status {
        200..300 => serde_json::from_slice::<RecordsAnswer>(bytes)?.records,
        422 => serde_json::from_slice::<AtFault>(bytes)?.records,
        _ => Vec::new(),
    };
    Ok(Answer { status, records })
}

/// The first half of a body, in the middle of something.
fn broken_off(body: &str, shape: &RecordShape) -> String {
    if shape.media_type == "text/plain" || shape.media_type == "text/csv" {
        // Half a table is a table: a line of no known kind and a row too short are not.
        return body.replacen("\n15", "\n77", 1).lines().take(3).collect::<Vec<_>>().join("\n")
            + ";;x";
    }
    body.chars().take(body.chars().count() / 2).collect()
}

fn line(shape: &RecordShape, step: Move, answer: &Answer) -> String {
    let what = match step {
        Move::Good => "a new case",
        Move::Several => "three new cases in one body",
        Move::Duplicate => "the same body again",
        Move::Amended => "an amended case",
        Move::Faulty => "a case without a birth date",
        Move::UnlistedCode => "a code that nobody listed",
        Move::BrokenOff => "a body that breaks off",
        Move::Varied => "a later deadline",
    };
    let mut ends: Vec<_> = answer.records.iter().map(fate).collect();
    ends.dedup();
    format!(
        "{:<17} {:<5} {what:<28} {} {}",
        shape.force,
        shape.media_type.rsplit('/').next().unwrap_or_default(),
        answer.status,
        if ends.is_empty() { "refused: nothing is kept".to_owned() } else { ends.join("; ") }
    )
}

fn fate(record: &RecordAnswer) -> String {
    let revision = record.revision.map(|revision| format!(", revision {revision}"));
    match record.status {
        RecordStatus::Accepted => format!("accepted{}", revision.unwrap_or_default()),
        RecordStatus::Duplicate => format!("duplicate{}", revision.unwrap_or_default()),
        RecordStatus::Held => {
            let causes: Vec<_> = record
                .violations
                .iter()
                .map(|cause| format!("{} {} {}", cause.code, cause.name, cause.field))
                .collect();
            format!("held: {}", causes.join(", "))
        }
    }
}
