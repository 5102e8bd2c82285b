//! A mapping file of the repository, line by line, and one edit of it.

use std::path::{Path, PathBuf};

use cara_mapping::{Diagnostic, Mapping};

/// A mapping file with its lines.
pub struct File {
    /// `hampshire/referral.toml`
    pub shown: String,
    /// `referral`
    pub name: String,
    folder: PathBuf,
    pub lines: Vec<Line>,
}

/// One line that is not inside a text of several lines.
#[derive(Clone)]
pub struct Line {
    /// 0-based in the file.
    pub index: usize,
    pub text: String,
    /// The header that it stands under, with its brackets; the line itself for a header.
    pub section: String,
    /// 0-based line of that header.
    pub section_index: usize,
    /// What stands before the `=`; empty for a header, a comment or a blank line.
    pub key: String,
    /// What stands behind the `=`.
    pub value: String,
    /// Inside a text of several lines, or not a line of its own.
    pub inner: bool,
}

/// One single edit and what has to be said of it.
pub struct Edit {
    /// What was done, in words.
    pub kind: &'static str,
    pub text: String,
    /// 1-based lines of which one has to be named.
    pub lines: Vec<usize>,
    /// What has to be suggested, when a near name exists.
    pub near: Option<String>,
}

impl File {
    /// Every mapping file below `mappings/`, in the order of their names.
    pub fn all() -> Vec<File> {
        let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../mappings");
        let mut folders: Vec<PathBuf> =
            std::fs::read_dir(&root).unwrap().map(|entry| entry.unwrap().path()).collect();
        folders
            .retain(|folder| folder.join("referral.toml").is_file() && !folder.ends_with("base"));
        folders.sort();
        let names = ["referral", "decision", "notice"];
        let of = |folder: &PathBuf| names.map(|name| File::read(folder, name));
        folders.iter().flat_map(of).collect()
    }

    fn read(folder: &Path, name: &str) -> File {
        let text = std::fs::read_to_string(folder.join(format!("{name}.toml"))).unwrap();
        let force = folder.file_name().unwrap().to_str().unwrap();
        File {
            shown: format!("{force}/{name}.toml"),
            name: name.to_owned(),
            folder: folder.to_owned(),
            lines: lines(&text),
        }
    }

    pub fn text(&self) -> String {
        self.with(&[])
    }

    /// The file with some lines replaced; `None` leaves the line out.
    pub fn with(&self, changes: &[(usize, Option<String>)]) -> String {
        let mut out = String::new();
        for line in &self.lines {
            let change = changes.iter().find(|(index, _)| *index == line.index);
            let text = match change {
                Some((_, Some(text))) => text,
                Some((_, None)) => continue,
                None => &line.text,
            };
            out.push_str(text);
            out.push('\n');
        }
        out
    }

    /// Everything that is wrong with a text in this file's place.
    pub fn diagnostics(&self, text: &str) -> Vec<Diagnostic> {
        let open = |name: &str| std::fs::read(self.folder.join(name)).ok();
        Mapping::compile(&self.name, &self.shown, text, &open).diagnostics
    }

    /// Whether it says only what differs from a base: a line that is gone is the base's again.
    pub fn extends(&self) -> bool {
        self.lines.iter().any(|line| line.key == "extends")
    }

    pub fn reads_records(&self) -> bool {
        self.name != "notice"
    }

    /// One edit of one line, to be told on that line.
    pub fn edit(&self, kind: &'static str, line: &Line, to: String, near: Option<&str>) -> Edit {
        Edit {
            kind,
            text: self.with(&[(line.index, Some(to))]),
            lines: vec![line.index + 1],
            near: near.map(str::to_owned),
        }
    }
}

impl Line {
    /// Whether it stands in a section of fields.
    pub fn fills(&self) -> bool {
        ["[fields]", "[one.fields]", "[each.fields]"].contains(&self.section.as_str())
            && !self.key.is_empty()
    }

    pub fn in_lookup(&self) -> bool {
        self.section.starts_with("[lookup.") && !self.key.is_empty()
    }

    pub fn is_header(&self) -> bool {
        !self.inner && self.key.is_empty() && self.text.starts_with('[')
    }

    /// The text in quotes behind `name = "`.
    pub fn quoted(&self, name: &str) -> Option<&str> {
        let start = self.text.find(&format!("{name} = \""))? + name.len() + 4;
        let len = self.text[start..].find('"')?;
        Some(&self.text[start..start + len])
    }

    /// The line with a piece replaced that it holds, at its last place.
    pub fn replaced(&self, from: &str, to: &str) -> String {
        let at = self.text.rfind(from).unwrap();
        format!("{}{to}{}", &self.text[..at], &self.text[at + from.len()..])
    }
}

fn lines(text: &str) -> Vec<Line> {
    let mut lines = Vec::new();
    let (mut section, mut section_index) = (String::new(), 0);
    let mut inside = false;
    for (index, text) in text.lines().enumerate() {
        let quotes = text.matches("'''").count() + text.matches("\"\"\"").count();
        let inner =
            inside || !text.starts_with(|c: char| c.is_ascii_alphanumeric() || "[\"'@".contains(c));
        if !inner && text.starts_with('[') {
            section = text.split(']').next().unwrap().to_owned()
                + if text.starts_with("[[") { "]]" } else { "]" };
            section_index = index;
        }
        let (key, value) = match text.split_once(" =").filter(|_| !inner && !text.starts_with('['))
        {
            Some((key, value)) => (key.trim().to_owned(), value.trim().to_owned()),
            None => (String::new(), String::new()),
        };
        let (section, text) = (section.clone(), text.to_owned());
        lines.push(Line { index, text, section, section_index, key, value, inner });
        inside ^= quotes % 2 == 1;
    }
    lines
}

/// A word with two letters exchanged, at the first place from its middle where they differ.
pub fn swapped(word: &str) -> Option<String> {
    let letters: Vec<char> = word.chars().collect();
    let middle = letters.len() / 2;
    let order = (middle..letters.len().saturating_sub(1)).chain(1..middle);
    let at = order.into_iter().find(|at| {
        let (one, other) = (letters[*at], letters[at + 1]);
        one != other && one.is_alphabetic() && other.is_alphabetic()
    })?;
    let mut out = letters;
    out.swap(at, at + 1);
    Some(out.into_iter().collect())
}

/// A word without one of its letters, from the middle.
pub fn shortened(word: &str) -> Option<String> {
    let letters: Vec<char> = word.chars().collect();
    let at = (letters.len() / 2..letters.len()).find(|at| letters[*at].is_alphabetic())?;
    (letters.len() >= 4).then(|| {
        letters.iter().enumerate().filter(|(index, _)| *index != at).map(|(_, c)| *c).collect()
    })
}
