//! Checks that need no syntax: files, lines, words.

use std::path::{Path, PathBuf};

/// Files with this ending under the folders that exist, in order.
pub fn files(root: &Path, folders: &[&str], ending: &str) -> Vec<PathBuf> {
    let mut found = Vec::new();
    let mut open: Vec<PathBuf> = folders.iter().map(|folder| root.join(folder)).collect();
    while let Some(folder) = open.pop() {
        let Ok(entries) = std::fs::read_dir(&folder) else { continue };
        for entry in entries {
            let path = entry.expect("a readable folder").path();
            if path.is_dir() {
                if path.file_name().is_none_or(|name| name != "target" && name != "out") {
                    open.push(path);
                }
            } else if path.extension().is_some_and(|own| own == ending) {
                found.push(path);
            }
        }
    }
    found.sort();
    found
}

/// `tests.rs`, and whatever lies in a folder `tests`.
pub fn is_for_tests(file: &Path) -> bool {
    file.components().any(|part| matches!(part.as_os_str().to_str(), Some("tests" | "tests.rs")))
}

/// Lines on which a marker of unfinished work stands as a word of its own.
pub fn markers(text: &str) -> Vec<usize> {
    const MARKERS: [&str; 3] = [concat!("TO", "DO"), concat!("FIX", "ME"), concat!("X", "XX")];
    let is_marked =
        |line: &str| line.split(|c: char| !c.is_alphanumeric()).any(|word| MARKERS.contains(&word));
    let lines = text.lines().enumerate();
    lines.filter(|(_, line)| is_marked(line)).map(|(index, _)| index + 1).collect()
}

/// Lines that call one of these macros.
pub fn loud<'a>(text: &'a str, macros: &'a [&'a str]) -> impl Iterator<Item = usize> + 'a {
    let is_loud = move |line: &str| {
        let code = line.split("//").next().unwrap_or_default();
        code.split(|c: char| !(c.is_alphanumeric() || c == '_' || c == '!'))
            .any(|word| word.strip_suffix('!').is_some_and(|name| macros.contains(&name)))
    };
    text.lines().enumerate().filter(move |(_, line)| is_loud(line)).map(|(index, _)| index + 1)
}

/// Whether a file's, module's or type's name could stand for anything.
pub fn says_nothing(name: &str) -> bool {
    const EMPTY: [&str; 11] = [
        "util", "utils", "helper", "helpers", "common", "misc", "manager", "service", "data",
        "info", "stuff",
    ];
    let numbered = name.len() > 3 && name.ends_with('2') && !name.ends_with("sha2");
    name.starts_with("new_")
        || numbered
        || words(name).iter().any(|word| EMPTY.contains(&word.as_str()))
}

/// `RecordManager` and `record_manager` → record, manager.
fn words(name: &str) -> Vec<String> {
    let mut words = vec![String::new()];
    for c in name.chars() {
        if c == '_' || c.is_uppercase() {
            words.push(String::new());
        }
        if c != '_'
            && let Some(last) = words.last_mut()
        {
            last.extend(c.to_lowercase());
        }
    }
    words
}

/// The libraries of a manifest as code names them, without those of tests.
pub fn dependencies(manifest: &str) -> Vec<String> {
    let mut found = Vec::new();
    let mut inside = false;
    for line in manifest.lines() {
        if line.starts_with('[') {
            inside = line == "[dependencies]" || line.starts_with("[target.");
        } else if inside
            && let Some((name, _)) = line.split_once(['.', ' ', '='])
            && !name.is_empty()
            && !name.starts_with('#')
        {
            let is_own = name.starts_with("cara-");
            found.extend((!is_own).then(|| name.replace('-', "_")));
        }
    }
    found
}

/// The names with a `::` that stand in backticks in a section of a document, each once, sorted.
pub fn quoted_paths(document: &str, section: &str) -> Vec<String> {
    let heading = format!("## {section}");
    let inside = document.lines().skip_while(|line| *line != heading).skip(1);
    let inside: Vec<_> = inside.take_while(|line| !line.starts_with("## ")).collect();
    let text = inside.join("\n");
    let quoted = text.split('`').skip(1).step_by(2);
    let mut paths: Vec<_> =
        quoted.filter(|name| name.contains("::")).map(|name| name.replace("()", "")).collect();
    paths.sort();
    paths.dedup();
    paths
}

/// Whether a path as a person writes it (`Gateway::accept`, `flow::read::body`) names a function,
/// whose own path has every module and type.
pub fn names_function(written: &str, function: &[String]) -> bool {
    let mut steps = written.split("::").collect::<Vec<_>>();
    let (Some(name), Some(own)) = (steps.pop(), function.last()) else { return false };
    let mut above = function[..function.len() - 1].iter();
    name == own && steps.into_iter().all(|step| above.any(|part| part == step))
}
