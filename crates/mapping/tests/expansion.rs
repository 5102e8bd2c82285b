//! How much memory a body may need while it is read: its format's constant is found, and held, by
//! the worst bodies that its limits allow, with every allocation counted.

#![expect(clippy::unwrap_used, clippy::expect_used, reason = "a test that cannot go on fails")]
#![expect(unsafe_code, reason = "an allocator that counts")]

use std::alloc::{GlobalAlloc, Layout, System};
use std::cell::Cell;
use std::collections::BTreeMap;
use std::path::PathBuf;

use cara_document::{BodyFormat, Limits, expansion};
use cara_mapping::{Plan, compile};

thread_local! {
    static NOW: Cell<isize> = const { Cell::new(0) };
    static MOST: Cell<isize> = const { Cell::new(0) };
}

struct Counting;

fn count(bytes: isize) {
    // A thread that ends is counted no more.
    let _ = NOW.try_with(|now| {
        now.set(now.get() + bytes);
        let _ = MOST.try_with(|most| most.set(most.get().max(now.get())));
    });
}

// SAFETY: the system's allocator does all of it; a reallocation counts both places at once, as an
// allocator that has to move it needs them.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        count(layout.size() as isize);
        unsafe { System.alloc(layout) }
    }

    unsafe fn dealloc(&self, pointer: *mut u8, layout: Layout) {
        count(-(layout.size() as isize));
        unsafe { System.dealloc(pointer, layout) }
    }

    unsafe fn realloc(&self, pointer: *mut u8, layout: Layout, size: usize) -> *mut u8 {
        count(size as isize);
        count(-(layout.size() as isize));
        unsafe { System.realloc(pointer, layout, size) }
    }
}

#[global_allocator]
static ALLOCATOR: Counting = Counting;

/// The most that is allocated at once meanwhile, beyond what was before.
fn most(work: impl FnOnce()) -> usize {
    let before = NOW.get();
    MOST.set(before);
    work();
    (MOST.get() - before).unsigned_abs()
}

fn plans(force: &str) -> Vec<Plan> {
    if force == "narrow" {
        let columns: String = (0..99).map(|it| format!("\"c{it} 1\", ")).collect();
        let text = format!(
            "format = 1\nforce = \"narrow\"\nfills = \"referral/1\"\n[source]\ntype = \"fixed\"\n\
             record = \"case\"\nmatch = \"/case/c1\"\ndates = [\"DDMMYYYY\"]\n\
             [[line]]\nname = \"case\"\ncolumns = [{columns}]\n\
             [fields]\nofficer.name = {{ from = \"c1\" }}\n"
        );
        let compiled = compile("narrow/referral.toml", &text, &|_| None);
        let told: String = compiled.diagnostics.iter().map(|it| it.render()).collect();
        return vec![compiled.plan.expect(&told)];
    }
    let folder = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../mappings").join(force);
    let plan = |file: &str| {
        let text = std::fs::read_to_string(folder.join(file)).unwrap();
        let open = |name: &str| std::fs::read(folder.join(name)).ok();
        compile(&format!("{force}/{file}"), &text, &open).plan.unwrap()
    };
    ["referral.toml", "decision.toml"].map(plan).into()
}

struct Case {
    name: &'static str,
    force: &'static str,
    body: String,
}

fn filled(before: &str, piece: &str, bytes: usize, after: &str) -> String {
    let times = (bytes - before.len() - after.len()) / piece.len();
    format!("{before}{}{after}", piece.repeat(times))
}

/// Bodies of about so many bytes, of every format.
fn cases(bytes: usize) -> Vec<Case> {
    let case = |name, force, before: &str, piece: &str, after: &str| {
        let body = filled(before, piece, bytes, after);
        Case { name, force, body }
    };
    let (open, close) = ("<OccurrenceExport><Occurrence>", "</Occurrence></OccurrenceExport>");
    let attributes: String = (0..256).map(|it| format!(" a{it}=''")).collect();
    let nest = format!("{}{}", "<a>".repeat(125), "</a>".repeat(125));
    let columns: String = (0..400).map(|it| format!(";{it}")).collect();
    let (wide, narrow) = (format!("CASE_SUBJECT{columns}\n"), "CASE_SUBJECT;A\n");
    vec![
        case("elements", "hampshire", open, "<a/>", close),
        case("elements with text", "hampshire", open, "<a>b</a>", close),
        case("mixed text", "hampshire", open, "b<a/>", close),
        case("attributes", "hampshire", open, &format!("<a{attributes}/>"), close),
        case("nesting", "hampshire", open, &nest, close),
        case("entities", "hampshire", open, "&lt;", close),
        case("entities in elements", "hampshire", open, "<a>&lt;</a>", close),
        case("one long text", "hampshire", open, "x", close),
        case("characters of three bytes", "hampshire", open, "\u{20ac}", close),
        case(
            "offences",
            "hampshire",
            &format!("{open}<Offences>"),
            "<Offence/>",
            &format!("</Offences>{close}"),
        ),
        case("arrays", "west-midlands", "{\"cases\":[{\"a\":[", "[],", "[]]}]}"),
        case("numbers", "west-midlands", "{\"cases\":[{\"a\":[", "1,", "1]}]}"),
        case("objects", "west-midlands", "{\"cases\":[{\"a\":[", "{\"\":1},", "1]}]}"),
        case("escapes", "west-midlands", "{\"cases\":[{\"a\":\"", "\\n", "\"}]}"),
        case("escapes in arrays", "west-midlands", "{\"cases\":[{\"a\":[", "\"\\n\",", "1]}]}"),
        case("people", "west-midlands", "{\"cases\":[{\"people\":[", "{},", "{}]}]}"),
        case("wide rows", "leicestershire", &wide, &format!("{}\n", ";".repeat(400)), ""),
        case("narrow rows", "leicestershire", narrow, ";\n", ""),
        case("quotes", "leicestershire", "CASE_SUBJECT\n", "\"\"\"\"\n", ""),
        case(
            "old encoding",
            "hampshire",
            "<?xml version='1.0' encoding='windows-1252'?><OccurrenceExport>",
            "<a/>",
            "</OccurrenceExport>",
        ),
        distinct("groups", "leicestershire", "CASE_SUBJECT\n", "\n", bytes),
        case("characters", "narrow", "", &format!("{}\n", "x".repeat(99)), ""),
        case("lines", "norfolk", "00CASELINK  NK000001770120251120053000\n", "10\n", ""),
        case(
            "cells",
            "norfolk",
            "00CASELINK  NK000001770120251120053000\n10\n",
            &format!("20{}X\n", " ".repeat(170)),
            "",
        ),
        case("unwrapped", "cambridgeshire", "<a><b>", "&lt;c/&gt;", "</b></a>"),
    ]
}

/// Each piece is another number.
fn distinct(name: &'static str, force: &'static str, head: &str, end: &str, bytes: usize) -> Case {
    let mut body = head.to_owned();
    for number in 0.. {
        let piece = format!("{number:x}{end}");
        if body.len() + piece.len() > bytes {
            break;
        }
        body.push_str(&piece);
    }
    Case { name, force, body }
}

/// As a body is read: decoded once, by each of the force's mappings in turn, and one tree is kept.
fn need(plans: &[Plan], body: &[u8], limits: &Limits) -> usize {
    most(|| {
        let Ok(text) = cara_document::decode(body, plans[0].encoding()) else { return };
        let mut kept = None;
        for plan in plans {
            let tree = plan.read(&text, limits).ok();
            kept = kept.or(tree);
        }
    })
}

#[test]
fn no_body_takes_more_to_read_than_its_formats_constant_says() {
    let mut beyond = Vec::new();
    let mut largest = BTreeMap::<&str, usize>::new();
    for bytes in [16 << 10, 60 << 10, 600 << 10, 4 << 20] {
        for case in cases(bytes) {
            let plans = plans(case.force);
            let expansion = match plans[0].format() {
                BodyFormat::Xml => expansion::XML,
                BodyFormat::Json => expansion::JSON,
                BodyFormat::Csv(_) => expansion::CSV,
                BodyFormat::Fixed(_) => expansion::FIXED,
            };
            let limits = Limits::default();
            let (len, read) = (case.body.len(), need(&plans, case.body.as_bytes(), &limits));
            let most = expansion::most(len, expansion, &limits);
            println!(
                "{bytes} {} {}: {:.1} of {:.1}",
                case.force,
                case.name,
                read as f64 / len as f64,
                most as f64 / len as f64
            );
            if read > most {
                beyond.push((bytes, case.name, read / len, most / len));
            }
            let share = largest.entry(case.force).or_default();
            *share = (*share).max(read * 100 / most);
        }
    }
    assert!(beyond.is_empty(), "{beyond:?}");
    // A constant that no body comes near reserves what nobody needs.
    for (force, percent) in largest {
        let is_held_by_another = ["cambridgeshire", "norfolk"].contains(&force);
        assert!(is_held_by_another || percent >= 60, "{force}: {percent}");
    }
}
