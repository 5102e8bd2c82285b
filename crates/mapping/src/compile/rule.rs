//! `[[rule]]`: what a force's records have to be like, beyond what is well-formed.

use std::ops::Range;
use std::sync::Arc;

use super::Compiler;
use super::table::TableReader;
use crate::code::MappingCode;
use crate::condition::Rule;
use crate::plan::RuleLine;
use cara_domain::FindingKind;

pub(crate) const KEYS: [&str; 4] = ["name", "require", "otherwise", "because"];

/// A rule that could be read, and where its condition stands.
pub(super) struct RulePlace {
    pub require: String,
    pub quoted: Range<usize>,
}

pub(super) fn read(compiler: &mut Compiler<'_>, top: &TableReader<'_>) -> Vec<RuleLine> {
    let mut rules = Vec::new();
    for table in top.tables(compiler, "rule") {
        compiler.known_keys(&table, &KEYS);
        let name = table.string(compiler, "name");
        let require = table.string(compiler, "require");
        let otherwise = otherwise(compiler, &table);
        let because = table.string(compiler, "because");
        for (key, there) in [
            ("name", name.is_some()),
            ("require", require.is_some()),
            ("because", because.is_some()),
        ] {
            if !there {
                compiler.missing(&table, key, &format!("{key} = \"…\""));
            }
        }
        if let Some((name, span)) = &name
            && rules.iter().any(|rule: &RuleLine| *rule.name == **name)
        {
            let what = format!("two rules are named \"{name}\"");
            compiler.report(MappingCode::FILLED_TWICE, span.clone(), what);
        }
        let Some((text, span)) = require else { continue };
        match Rule::parse(&text, compiler.fills) {
            Ok(require) => {
                compiler.rules.push(RulePlace { require: text, quoted: span });
                rules.push(RuleLine {
                    name: Arc::from(name.map_or(String::new(), |(name, _)| name)),
                    require,
                    otherwise: otherwise.unwrap_or(FindingKind::Hold),
                    because: because.map_or(String::new(), |(text, _)| text),
                });
            }
            Err(fault) => compiler.fault(&fault, &span),
        }
    }
    rules
}

fn otherwise(compiler: &mut Compiler<'_>, table: &TableReader<'_>) -> Option<FindingKind> {
    match table.string(compiler, "otherwise") {
        Some((text, _)) if text == "hold" => Some(FindingKind::Hold),
        Some((text, _)) if text == "flag" => Some(FindingKind::Flag),
        Some((text, span)) => {
            let meant = crate::fault::nearest(&text, ["hold", "flag"]);
            let what = "a rule's otherwise is hold or flag";
            compiler.report(MappingCode::WRONG_VALUE, span, what).suggestion =
                meant.map(str::to_owned);
            None
        }
        None => {
            compiler.missing(table, "otherwise", "otherwise = \"hold\"");
            None
        }
    }
}
