#![no_main]
//! Any bytes as a body of one of the repository's own forces; the first byte chooses the mapping.
//! Whoever looks on while a record is translated changes nothing.

use std::path::Path;
use std::sync::OnceLock;

use cara_document::{Limits};
use cara_domain::Context;
use cara_mapping::{Mapping, Plan};

/// Every mapping below `mappings/` that reads records, in the folders' order.
fn plans() -> &'static [Plan] {
    static PLANS: OnceLock<Vec<Plan>> = OnceLock::new();
    PLANS.get_or_init(|| {
        let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../mappings");
        let mut folders: Vec<_> = std::fs::read_dir(root)
            .expect("the folder of mappings")
            .map(|entry| entry.expect("an entry").path())
            .filter(|path| path.is_dir() && !path.ends_with("base"))
            .collect();
        folders.sort();
        let mut plans = Vec::new();
        for folder in folders {
            for name in ["referral", "decision"] {
                let Ok(text) = std::fs::read_to_string(folder.join(format!("{name}.toml"))) else {
                    continue;
                };
                let open = |name: &str| std::fs::read(folder.join(name)).ok();
                match Mapping::compile(name, name, &text, &open).plan {
                    Some(Mapping::Plan(plan)) => plans.push(plan),
                    _ => panic!("{} has no plan", folder.display()),
                }
            }
        }
        plans
    })
}

libfuzzer_sys::fuzz_target!(init: { plans(); }, |bytes: &[u8]| {
    let Some((choice, body)) = bytes.split_first() else { return };
    let plans = plans();
    let plan = &plans[usize::from(*choice) % plans.len()];
    let limits = Limits { nodes_max: 20_000, text_bytes_max: 1 << 20, ..Limits::default() };
    let Ok(text) = cara_document::decode(body, plan.encoding()) else { return };
    let Ok(tree) = plan.read(&text, &limits) else { return };
    let _ = plan.matches(&tree);
    for record in plan.records(&tree).into_iter().take(4) {
        let draft = plan.translate(&tree, record).draft;
        assert_eq!(draft, plan.trace(&tree, record).0.draft);
        let context = Context {
            now: jiff::Timestamp::constant(1_795_435_200, 0),
            today: jiff::civil::date(2026, 11, 23),
            compliance_domains: &[],
        };
        let _ = plan.judge(draft, &context);
    }
});
