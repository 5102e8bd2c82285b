//! Two versions of a mapping file compared in words: what a person has to know before the second
//! goes live.

use std::collections::{BTreeMap, BTreeSet};

use toml::{Table, Value};

/// One thing that is otherwise in the second file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MappingChange {
    /// `risk grade: MED now means medium, was held`
    pub words: String,
    /// It concerns the victim, the risk or how somebody is reached: a mistake here can get somebody
    /// hurt, so a second person has to agree.
    pub is_sensitive: bool,
}

/// Everything in which the second file differs, sections in a fixed order; tests and comments left
/// out. Empty when one of them is no TOML: then there is nothing to compare.
pub fn changes(old: &str, new: &str) -> Vec<MappingChange> {
    let (Ok(old), Ok(new)) = (old.parse::<Table>(), new.parse::<Table>()) else {
        return Vec::new();
    };
    let (old, new) = (File::of(&old), File::of(&new));
    let mut found = Vec::new();
    let add = |found: &mut Vec<MappingChange>, words: String, is_sensitive| {
        found.push(MappingChange { words, is_sensitive });
    };
    for (key, was, is) in pairs(&old.source, &new.source) {
        let words = said(&format!("source.{key}"), was, is, "was left out", "is left out now");
        // What a record is, and how its texts are read, concerns every field.
        add(&mut found, words, true);
    }
    for (field, was, is) in pairs(&old.fields, &new.fields) {
        let words = said(field, was, is, "was not filled", "is no longer filled");
        add(&mut found, words, is_sensitive(field));
    }
    let names: BTreeSet<&String> = old.lookups.keys().chain(new.lookups.keys()).collect();
    for name in names {
        let users = old.users(name).chain(new.users(name));
        let sensitive = users.into_iter().any(|field| is_sensitive(field));
        let none = Lookup::default();
        let was = old.lookups.get(name).unwrap_or(&none);
        let is = new.lookups.get(name).unwrap_or(&none);
        for (code, before, after) in pairs(&was.rows, &is.rows) {
            let before = before.map_or_else(|| was.otherwise(), |value| value.clone());
            let after = after.map_or_else(|| is.otherwise(), |value| value.clone());
            if before != after {
                let words = format!("{name}: {code} now {}, was {}", means(&after), past(&before));
                add(&mut found, words, sensitive);
            }
        }
        if was.otherwise != is.otherwise && old.lookups.contains_key(name) {
            let words = format!(
                "{name}: a code that is not listed now {}, was {}",
                means(&is.otherwise()),
                past(&was.otherwise())
            );
            add(&mut found, words, sensitive);
        }
    }
    for (rule, was, is) in pairs(&old.rules, &new.rules) {
        let words = said(&format!("rule \"{rule}\""), was, is, "was not there", "is gone");
        let reads = [was, is].into_iter().flatten().any(|text| is_sensitive(text));
        add(&mut found, words, reads);
    }
    found
}

/// Whether a mistake in this field, or in a text that names it, can get somebody hurt.
fn is_sensitive(text: &str) -> bool {
    ["victim", "risk.", "phone", "email", "contact", "relationship", "safe", "compliance_inbox"]
        .iter()
        .any(|word| text.contains(word))
}

fn said(what: &str, was: Option<&String>, is: Option<&String>, absent: &str, gone: &str) -> String {
    match (was, is) {
        (None, Some(is)) => format!("{what} is now {is}, {absent}"),
        (Some(was), None) => format!("{what} {gone}, was {was}"),
        (Some(was), Some(is)) => format!("{what} is now {is}, was {was}"),
        (None, None) => String::new(),
    }
}

fn means(value: &str) -> String {
    if value == HELD { "holds the record".to_owned() } else { format!("means {value}") }
}

fn past(value: &str) -> &str {
    if value == HELD { "held" } else { value }
}

const HELD: &str = "hold";

/// What counts of one file, flat.
#[derive(Default)]
struct File {
    source: BTreeMap<String, String>,
    /// By full name; how it is filled.
    fields: BTreeMap<String, String>,
    /// Which lookup a field uses.
    uses: BTreeMap<String, String>,
    lookups: BTreeMap<String, Lookup>,
    rules: BTreeMap<String, String>,
}

#[derive(Default)]
struct Lookup {
    rows: BTreeMap<String, String>,
    otherwise: String,
}

impl Lookup {
    fn otherwise(&self) -> String {
        if self.otherwise.is_empty() { HELD.to_owned() } else { self.otherwise.clone() }
    }
}

impl File {
    fn of(top: &Table) -> File {
        let mut file = File::default();
        for section in ["source", "target", "deliver"] {
            for (key, value) in table(top.get(section)) {
                file.source.insert(key.clone(), shown(value));
            }
        }
        for section in ["line", "unwrap"] {
            for (index, block) in blocks(top, section).enumerate() {
                file.source.insert(format!("[[{section}]] {}", index + 1), shown(block));
            }
        }
        file.section("", "", top.get("fields"));
        for (kind, dot) in [("one", "."), ("each", "[].")] {
            for block in blocks(top, kind) {
                let fills = block.get("fills").map(plain).unwrap_or_default();
                let from = block.get("from").map(shown).unwrap_or_default();
                file.fields.insert(format!("[[{kind}]] {fills}"), from);
                for key in ["same_by", "when"] {
                    let value = block.get(key).map(shown);
                    let name = format!("[[{kind}]] {fills} {key}");
                    value.and_then(|value| file.fields.insert(name, value));
                }
                file.section(&fills, dot, block.get("fields"));
            }
        }
        for (name, rows) in table(top.get("lookup")) {
            let mut lookup = Lookup::default();
            for (code, value) in table(Some(rows)) {
                match code.as_str() {
                    "otherwise" => lookup.otherwise = plain(value),
                    code => drop(lookup.rows.insert(code.to_owned(), plain(value))),
                }
            }
            file.lookups.insert(name.clone(), lookup);
        }
        for rule in blocks(top, "rule") {
            let text = |key: &str| rule.get(key).map(plain).unwrap_or_default();
            let words = format!("\"{}\", otherwise {}", text("require"), text("otherwise"));
            file.rules.insert(text("name"), words);
        }
        file
    }

    fn section(&mut self, prefix: &str, dot: &str, fields: Option<&Value>) {
        for (key, value) in table(fields) {
            let name = match (prefix, dot) {
                ("", _) => key.clone(),
                (prefix, dot) => format!("{prefix}{dot}{key}"),
            };
            let Some(line) = value.as_table().filter(|line| !is_line(line)) else {
                if let Some(lookup) = value.get("lookup") {
                    self.uses.insert(name.clone(), plain(lookup));
                }
                self.fields.insert(name, shown(value));
                continue;
            };
            self.section(&name, ".", Some(&Value::Table(line.clone())));
        }
    }

    fn users<'f>(&'f self, lookup: &'f str) -> impl Iterator<Item = &'f String> {
        self.uses.iter().filter(move |(_, used)| *used == lookup).map(|(field, _)| field)
    }
}

/// A table that fills a field, and no part of a dotted name.
fn is_line(table: &Table) -> bool {
    ["from", "value"].iter().any(|key| table.get(*key).is_some_and(|it| !it.is_table()))
}

fn table(value: Option<&Value>) -> impl Iterator<Item = (&String, &Value)> {
    value.and_then(Value::as_table).into_iter().flatten()
}

fn plain(value: &Value) -> String {
    value.as_str().map_or_else(|| shown(value), str::to_owned)
}

/// Every `[[section]]`.
fn blocks<'t>(top: &'t Table, section: &str) -> impl Iterator<Item = &'t Value> {
    top.get(section).and_then(Value::as_array).into_iter().flatten()
}

/// As a person would write it on one line.
fn shown(value: &Value) -> String {
    match value {
        Value::Table(line) => {
            let parts: Vec<_> =
                line.iter().map(|(key, it)| format!("{key} {}", shown(it))).collect();
            parts.join(", ")
        }
        Value::Array(items) => {
            let items: Vec<_> = items.iter().map(shown).collect();
            items.join(" and ")
        }
        Value::String(text) => format!("\"{text}\""),
        Value::Integer(number) => number.to_string(),
        Value::Float(number) => number.to_string(),
        Value::Boolean(is) => is.to_string(),
        Value::Datetime(at) => at.to_string(),
    }
}

/// What differs between two maps, by key.
fn pairs<'m>(
    old: &'m BTreeMap<String, String>,
    new: &'m BTreeMap<String, String>,
) -> Vec<(&'m String, Option<&'m String>, Option<&'m String>)> {
    let keys: BTreeSet<&String> = old.keys().chain(new.keys()).collect();
    let both = keys.into_iter().map(|key| (key, old.get(key), new.get(key)));
    both.filter(|(_, was, is)| was != is).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    const FILE: &str = r#"
format = 1
[source]
type = "xml"
[fields]
case.occurrence_number = { from = "OccurrenceNumber" }
risk.grade = { from = "Grade", lookup = "risk grade" }
offender.language = { from = "Language", lookup = "language" }
[[one]]
fills = "offender"
from = "Person"
[one.fields]
family_name = { from = "Surname" }
[lookup."risk grade"]
"STD" = "standard"
otherwise = "hold"
[lookup.language]
"PL" = "Polish"
otherwise = "hold"
[[rule]]
name = "not high"
require = "risk.grade is not high"
otherwise = "hold"
because = "…"
"#;

    fn told(from: &str, to: &str) -> Vec<(String, bool)> {
        assert!(FILE.contains(from));
        let changes = changes(FILE, &FILE.replacen(from, to, 1));
        changes.into_iter().map(|it| (it.words, it.is_sensitive)).collect()
    }

    #[test]
    fn each_change_is_said_in_words_and_weighed() {
        assert_eq!(changes(FILE, FILE), []);
        assert_eq!(changes(FILE, &FILE.replace("format = 1", "# said otherwise\nformat = 1")), []);
        let with = |words: &str, sensitive| vec![(words.to_owned(), sensitive)];
        assert_eq!(
            told("\"STD\" = \"standard\"", "\"STD\" = \"standard\"\n\"MED\" = \"medium\""),
            with("risk grade: MED now means medium, was held", true)
        );
        assert_eq!(
            told("\"PL\" = \"Polish\"", "\"PL\" = \"Portuguese\""),
            with("language: PL now means Portuguese, was Polish", false)
        );
        assert_eq!(
            told("\"PL\" = \"Polish\"\n", ""),
            with("language: PL now holds the record, was Polish", false)
        );
        assert_eq!(
            told("{ from = \"Surname\" }", "{ from = \"FamilyName\" }"),
            with("offender.family_name is now from \"FamilyName\", was from \"Surname\"", false)
        );
        assert_eq!(
            told("type = \"xml\"", "type = \"xml\"\nblank = [\"NULL\"]"),
            with("source.blank is now \"NULL\", was left out", true)
        );
        let unwrap = "[[unwrap]]\nat = \"//Content\"\nas = \"xml\"\n[fields]\n";
        assert_eq!(
            told("[fields]\n", unwrap),
            with("source.[[unwrap]] 1 is now as \"xml\", at \"//Content\", was left out", true)
        );
        assert_eq!(
            told("from = \"Person\"", "from = \"Person\"\nsame_by = \"PersonID\""),
            with("[[one]] offender same_by is now \"PersonID\", was not filled", false)
        );
        assert_eq!(
            told("risk.grade is not high", "risk.grade is present"),
            with(
                "rule \"not high\" is now \"risk.grade is present\", otherwise hold, was \
                 \"risk.grade is not high\", otherwise hold",
                true
            )
        );
        let gone = told("offender.language = { from = \"Language\", lookup = \"language\" }\n", "");
        assert_eq!(
            gone[0].0,
            "offender.language is no longer filled, was from \"Language\", lookup \"language\""
        );
    }
}
