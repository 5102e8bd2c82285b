//! What the machine can do without the gateway: the limits that the ratios are taken against.

use std::collections::VecDeque;
use std::time::Instant;

use anyhow::Context;
use lapin::options::{
    BasicPublishOptions, ConfirmSelectOptions, QueueDeclareOptions, QueueDeleteOptions,
};
use lapin::types::{AMQPValue, FieldTable};
use lapin::{BasicProperties, Connection, ConnectionProperties, PublisherConfirm};
use rusqlite::types::Value;

use crate::world::World;

/// Publishes that may be unconfirmed at once, as in the gateway's own settings.
const WINDOW: usize = 256;

/// Unconfirmed publishes, oldest first.
#[derive(Default)]
pub struct Window(VecDeque<PublisherConfirm>);

impl Window {
    /// Waits for the oldest when the window is full.
    pub async fn push(&mut self, confirm: PublisherConfirm) -> anyhow::Result<()> {
        self.0.push_back(confirm);
        if self.0.len() >= WINDOW {
            self.0.pop_front().context("window")?.await?;
        }
        Ok(())
    }

    pub async fn drain(self) -> anyhow::Result<()> {
        for confirm in self.0 {
            confirm.await?;
        }
        Ok(())
    }
}

/// Rows of one transaction, as in the gateway's writer.
const BATCH: u64 = 256;

/// Pairs of messages of these sizes a second, each to its own quorum queue, all confirmed.
pub async fn publish_pairs(
    world: &World,
    pairs: u64,
    (offender_bytes, victim_bytes): (usize, usize),
) -> anyhow::Result<f64> {
    let connection =
        Connection::connect(&world.harbour_url(), ConnectionProperties::default()).await?;
    let channel = connection.create_channel().await?;
    channel.confirm_select(ConfirmSelectOptions::default()).await?;
    let mut arguments = FieldTable::default();
    arguments.insert("x-queue-type".into(), AMQPValue::LongString("quorum".into()));
    let queues = ["bare.offender", "bare.victim"];
    for queue in queues {
        let options = QueueDeclareOptions { durable: true, ..Default::default() };
        channel.queue_declare(queue.into(), options, arguments.clone()).await?;
    }
    let bodies = [vec![b'x'; offender_bytes], vec![b'x'; victim_bytes]];
    let properties = BasicProperties::default().with_delivery_mode(2);
    let mut window = Window::default();
    let started = Instant::now();
    for index in 0..pairs * 2 {
        let side = (index % 2) as usize;
        let options = BasicPublishOptions { mandatory: true, ..Default::default() };
        let confirm = channel
            .basic_publish(
                "".into(),
                queues[side].into(),
                options,
                &bodies[side],
                properties.clone(),
            )
            .await?;
        window.push(confirm).await?;
    }
    window.drain().await?;
    let rate = pairs as f64 / started.elapsed().as_secs_f64();
    for queue in queues {
        channel.queue_delete(queue.into(), QueueDeleteOptions::default()).await?;
    }
    Ok(rate)
}

/// Records a second, when rows like the gateway's own are inserted into a fresh file with the same
/// tables and indexes, in transactions of the same size, and nothing else is done.
pub fn insert_rows(world: &World, records: u64) -> anyhow::Result<f64> {
    let source = rusqlite::Connection::open_with_flags(
        world.database()?,
        rusqlite::OpenFlags::SQLITE_OPEN_READ_ONLY,
    )?;
    let path = world.folder.join("bare.db");
    let mut bare = rusqlite::Connection::open(&path)?;
    bare.execute_batch(
        "PRAGMA journal_mode=WAL; PRAGMA synchronous=FULL; PRAGMA foreign_keys=OFF;",
    )?;
    let mut schema = source.prepare(
        "SELECT sql FROM sqlite_master WHERE sql IS NOT NULL AND name NOT LIKE 'sqlite_%'
         ORDER BY type = 'table' DESC",
    )?;
    for sql in schema.query_map([], |row| row.get::<_, String>(0))? {
        bare.execute_batch(&sql?)?;
    }
    let tables = rows_of_records(&source, records)?;
    let started = Instant::now();
    let batches = records.div_ceil(BATCH);
    for batch in 0..batches {
        let transaction = bare.transaction()?;
        for (insert, rows) in &tables {
            let per_batch = rows.len().div_ceil(batches as usize);
            let from = (batch as usize * per_batch).min(rows.len());
            let mut statement = transaction.prepare_cached(insert)?;
            for row in &rows[from..(from + per_batch).min(rows.len())] {
                statement.execute(rusqlite::params_from_iter(row))?;
            }
        }
        transaction.commit()?;
    }
    Ok(records as f64 / started.elapsed().as_secs_f64())
}

type Rows = Vec<Vec<Value>>;

/// The newest rows of every table that grows with the records.
fn rows_of_records(
    source: &rusqlite::Connection,
    records: u64,
) -> anyhow::Result<Vec<(String, Rows)>> {
    let mut names = source.prepare(
        "SELECT name FROM sqlite_master WHERE type = 'table' AND name NOT LIKE 'sqlite_%'",
    )?;
    let names =
        names.query_map([], |row| row.get::<_, String>(0))?.collect::<Result<Vec<_>, _>>()?;
    let mut tables = Vec::new();
    for name in names {
        let count: u64 =
            source.query_row(&format!("SELECT count(*) FROM {name}"), [], |row| row.get(0))?;
        // What is written once a message is confirmed or an outcome comes is no part of accepting.
        let later = ["sent", "outcome", "standing", "notice"].contains(&name.as_str());
        if count < records || later {
            continue;
        }
        let per_record = if name == "outbox" || name == "message" { 2 } else { 1 };
        let limit = records * per_record;
        // Tables without row numbers are read in their key's order, which is the order of time.
        let mut statement = source.prepare(&format!("SELECT * FROM {name} LIMIT {limit}"))?;
        let columns = statement.column_count();
        let rows = statement.query_map([], |row| {
            (0..columns).map(|index| row.get::<_, Value>(index)).collect::<Result<Vec<_>, _>>()
        })?;
        let marks = vec!["?"; columns].join(", ");
        tables.push((
            format!("INSERT OR IGNORE INTO {name} VALUES ({marks})"),
            rows.collect::<Result<_, _>>()?,
        ));
    }
    Ok(tables)
}
