//! What the process needs in a storm of the worst bodies that forces may send, and afterwards.
//!
//! A short storm runs with every test; `make memory` (`MEMORY=all`) sends the whole one.

use std::time::{Duration, Instant};

use futures_util::future::join_all;

use crate::record::{XML, body, record};
use crate::world::{ForceSystem, TestGateway, World, example};

/// Above idle, whatever forces send at the limits of `sample.toml`.
const STORM_KIB_MAX: u64 = 150 << 10;
/// Above idle, once it is over. 28 to 31 MiB are measured a second later; the store's caches alone may hold
/// 24 MiB, which an idle gateway that has written little does not have yet.
const AFTER_KIB_MAX: u64 = 40 << 10;
/// How long it may take until the memory has gone back.
const BACK: Duration = Duration::from_secs(30);

const JSON: &str = "application/json";
const CSV: &str = "text/csv";
const FIXED: &str = "text/plain";
const MIB: usize = 1 << 20;
/// Hampshire's own limit in `sample.toml`.
const LARGE: usize = 4 * MIB;

/// Bodies of one kind: who sends them, how many at once in the whole storm, and the text of each.
struct Way {
    name: &'static str,
    force: &'static str,
    media_type: &'static str,
    at_once: usize,
    body: fn(usize) -> String,
}

const WAYS: [Way; 16] = [
    way("records of one body", "hampshire", XML, 32, |number| {
        let first = 1000 * (1 + number as u64);
        body(&(first..first + 1000).map(record).collect::<Vec<_>>())
    }),
    way("empty records", "hampshire", XML, 32, |number| {
        around(
            "<OccurrenceExport>",
            &format!("<Occurrence n='{number}'/>"),
            1000,
            "</OccurrenceExport>",
        )
    }),
    way("tiny elements", "hampshire", XML, 40, |_| filled("<a>", "<a/>", LARGE, "</a>")),
    way("tiny elements within the bound", "hampshire", XML, 8, |_| {
        around("<OccurrenceExport>", "<a/>", 249_000, "</OccurrenceExport>")
    }),
    way("attributes", "hampshire", XML, 8, |_| {
        let attributes: String = (0..256).map(|it| format!(" a{it}=''")).collect();
        around("<OccurrenceExport>", &format!("<b{attributes}/>"), 960, "</OccurrenceExport>")
    }),
    way("nesting", "hampshire", XML, 8, |_| {
        let nest = format!("{}{}", "<a>".repeat(126), "</a>".repeat(126));
        filled("<OccurrenceExport>", &nest, LARGE, "</OccurrenceExport>")
    }),
    way("entities", "hampshire", XML, 8, |_| {
        filled("<OccurrenceExport><a>", "&amp;", LARGE, "</a></OccurrenceExport>")
    }),
    way("one long text", "hampshire", XML, 8, |_| {
        filled(
            "<OccurrenceExport><Occurrence><a>",
            "x",
            LARGE,
            "</a></Occurrence></OccurrenceExport>",
        )
    }),
    way("a large header", "hampshire", XML, 8, |number| {
        let first = 900_000 + 1000 * number as u64;
        let records: Vec<_> = (first..first + 200).map(record).collect();
        let around = format!("<!--{}--></OccurrenceExport>", " ".repeat((881 << 10) - 200 * 3000));
        body(&records).replace("</OccurrenceExport>", &around)
    }),
    way("empty cases", "west-midlands", JSON, 32, |number| {
        let case = format!("{{\"n\":{number}}}");
        around("{\"cases\":[", &format!("{case},"), 999, &format!("{case}]}}"))
    }),
    way("arrays", "west-midlands", JSON, 40, |_| around("{\"cases\":[", "[],", 240_000, "[]]}")),
    way("cases", "west-midlands", JSON, 16, |number| {
        let text = example("west-midlands", "full.json");
        let mut batch: serde_json::Value = serde_json::from_str(&text).unwrap();
        let case = batch["cases"][0].to_string();
        let cases: Vec<_> = (0..MIB / case.len())
            .map(|it| case.replace("20DA/77214/25", &format!("20DA/{number}/{it}")))
            .collect();
        batch["cases"] = serde_json::Value::Null;
        batch.to_string().replace("\"cases\":null", &format!("\"cases\":[{}]", cases.join(",")))
    }),
    way("commas", "leicestershire", CSV, 40, |_| {
        let head = format!("CASE_SUBJECT{}\n", ";c".repeat(240));
        filled(&head, &format!("{}\n", ";".repeat(240)), MIB - 1024, "")
    }),
    way("rows", "leicestershire", CSV, 16, |number| {
        let text = example("leicestershire", "full.csv");
        let mut lines = text.lines();
        let (head, row) = (lines.next().unwrap(), lines.next().unwrap());
        let rows = (0..MIB / (row.len() + 16))
            .map(|it| row.replace("25000518830 S1", &format!("25{number:04}{it:05} S1")));
        format!("{head}\n{}\n", rows.collect::<Vec<_>>().join("\n"))
    }),
    way("lines", "norfolk", FIXED, 16, |_| {
        let text = example("norfolk", "full.txt");
        let (head, case) = text.split_once('\n').unwrap();
        filled(&format!("{head}\n"), case.trim_end_matches('\n'), MIB - 1024, "\n")
    }),
    way("empty lines", "norfolk", FIXED, 32, |_| {
        let text = example("norfolk", "full.txt");
        let head = text.lines().next().unwrap();
        around(&format!("{head}\n"), "1036\n", 1000, "")
    }),
];

const fn way(
    name: &'static str,
    force: &'static str,
    media_type: &'static str,
    at_once: usize,
    body: fn(usize) -> String,
) -> Way {
    Way { name, force, media_type, at_once, body }
}

fn around(before: &str, piece: &str, times: usize, after: &str) -> String {
    format!("{before}{}{after}", piece.repeat(times))
}

fn filled(before: &str, piece: &str, bytes: usize, after: &str) -> String {
    around(before, piece, (bytes - before.len() - after.len()) / piece.len(), after)
}

async fn gateway() -> TestGateway {
    let mut gateway = World::default().lay_out();
    let file = gateway.folder.join("gateway.toml");
    let text = std::fs::read_to_string(&file).unwrap();
    let own = format!("code = \"44\"\nbody_bytes_max = {LARGE}\n");
    let text = text.replace("requests_per_s_max = 100000\n", "").replace("code = \"44\"\n", &own);
    std::fs::write(file, text).unwrap();
    gateway.spawn().await;
    gateway
}

/// A line of the process's status, in kibibytes.
pub fn kib_of(gateway: &TestGateway, name: &str) -> u64 {
    let status = std::fs::read_to_string(format!("/proc/{}/status", gateway.pid())).unwrap();
    let line = status.lines().find_map(|line| line.strip_prefix(name)).unwrap();
    line.trim_start_matches(':').trim_end_matches("kB").trim().parse().unwrap()
}

/// Sends bodies of these ways at once; how many were answered how.
async fn storm(gateway: &TestGateway, ways: &[&Way], share: usize) -> String {
    let mut sending = Vec::new();
    for way in ways {
        for number in 0..way.at_once.div_ceil(share) {
            let force = gateway.force(way.force);
            sending.push(send(force, way, number));
        }
    }
    let mut counts = std::collections::BTreeMap::<u16, usize>::new();
    for status in join_all(sending).await {
        *counts.entry(status).or_default() += 1;
    }
    format!("{counts:?}")
}

async fn send(force: ForceSystem, way: &Way, number: usize) -> u16 {
    // Whoever is still sending when it is refused may not get to read why.
    let sent = force.send(way.media_type, (way.body)(number), "", &[]).await;
    let Ok(answer) = sent else { return 0 };
    let text = answer.text.to_lowercase();
    match answer.status {
        202 | 400 | 422 => {}
        413 | 503 => assert!(text.contains("send"), "{}: what to do? {}", way.name, answer.text),
        other => panic!("{}: {other}: {}", way.name, answer.text),
    }
    answer.status
}

async fn measure(share: usize) {
    let gateway = gateway().await;
    for way in [2, 10, 12, 15].map(|it| &WAYS[it]) {
        send(gateway.force(way.force), way, 0).await;
    }
    tokio::time::sleep(Duration::from_secs(2)).await;
    let idle = kib_of(&gateway, "VmRSS");
    let (own, file) = (kib_of(&gateway, "RssAnon"), kib_of(&gateway, "RssFile"));
    println!("idle: {own} KiB of its own and {file} KiB of files");
    let mut storms: Vec<(&str, Vec<&Way>)> = WAYS.iter().map(|way| (way.name, vec![way])).collect();
    storms.push(("all of them", WAYS.iter().collect()));
    let mut too_much = Vec::new();
    println!("| storm | above {idle} KiB idle, at most | after | answers | took |");
    println!("| --- | --- | --- | --- | --- |");
    for (name, ways) in storms {
        std::fs::write(format!("/proc/{}/clear_refs", gateway.pid()), "5").unwrap();
        let started = Instant::now();
        let answers = storm(&gateway, &ways, share).await;
        let most = kib_of(&gateway, "VmHWM").saturating_sub(idle);
        let after = kib_of(&gateway, "VmRSS").saturating_sub(idle);
        println!("| {name} | {most} KiB | {after} KiB | {answers} | {:?} |", started.elapsed());
        if most > STORM_KIB_MAX {
            too_much.push((name, most));
        }
    }
    let over = Instant::now();
    let mut above = u64::MAX;
    while over.elapsed() < BACK && above > AFTER_KIB_MAX {
        tokio::time::sleep(Duration::from_secs(1)).await;
        above = kib_of(&gateway, "VmRSS").saturating_sub(idle);
    }
    let (own, file) = (kib_of(&gateway, "RssAnon"), kib_of(&gateway, "RssFile"));
    println!(
        "{above} KiB above idle after {:?}: {own} KiB of its own and {file} KiB of files in all",
        over.elapsed()
    );
    assert!(too_much.is_empty(), "{too_much:?}");
    assert!(above <= AFTER_KIB_MAX, "{above} KiB above idle stay");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_storm_of_the_worst_bodies_is_bounded_and_its_memory_goes_back() {
    measure(if std::env::var_os("MEMORY").is_some() { 1 } else { 8 }).await;
}
