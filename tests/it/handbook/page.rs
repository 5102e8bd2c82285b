//! A page of Markdown whose `console` blocks are commands with their answers, and whose `diff`
//! blocks are what a person changes in a file.

use std::fmt;

/// A command and what it printed.
pub struct Answer {
    pub command: String,
    /// With its last line end.
    pub output: String,
}

pub enum Block {
    /// As it stands.
    Prose(String),
    /// `console`: each line that begins with `$ ` is typed.
    Console { answers: Vec<Answer> },
    /// `diff FILE`
    Edit { file: String, changes: Vec<String> },
}

pub struct Page {
    pub blocks: Vec<Block>,
}

impl Page {
    pub fn read(text: &str) -> Page {
        let mut blocks = Vec::new();
        let mut prose = String::new();
        let mut lines = text.lines();
        while let Some(line) = lines.next() {
            let file = line.strip_prefix("```diff ");
            if line != "```console" && file.is_none() {
                prose.push_str(line);
                prose.push('\n');
                continue;
            }
            blocks.push(Block::Prose(std::mem::take(&mut prose)));
            let inside: Vec<&str> = lines.by_ref().take_while(|line| *line != "```").collect();
            blocks.push(match file {
                Some(file) => Block::Edit {
                    file: file.to_owned(),
                    changes: inside.iter().map(|line| (*line).to_owned()).collect(),
                },
                None => Block::Console { answers: answers(&inside) },
            });
        }
        blocks.push(Block::Prose(prose));
        Page { blocks }
    }
}

fn answers(lines: &[&str]) -> Vec<Answer> {
    let mut answers: Vec<Answer> = Vec::new();
    for line in lines {
        match (line.strip_prefix("$ "), answers.last_mut()) {
            (Some(command), _) => {
                answers.push(Answer { command: command.to_owned(), output: String::new() });
            }
            (None, Some(answer)) => {
                answer.output.push_str(line);
                answer.output.push('\n');
            }
            (None, None) => panic!("a console block begins with a command"),
        }
    }
    answers
}

impl fmt::Display for Page {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for block in &self.blocks {
            match block {
                Block::Prose(text) => f.write_str(text)?,
                Block::Console { answers } => {
                    f.write_str("```console\n")?;
                    for Answer { command, output } in answers {
                        write!(f, "$ {command}\n{output}")?;
                        if !output.is_empty() && !output.ends_with('\n') {
                            f.write_str("\n")?;
                        }
                    }
                    f.write_str("```\n")?;
                }
                Block::Edit { file, changes } => {
                    writeln!(f, "```diff {file}")?;
                    for change in changes {
                        writeln!(f, "{change}")?;
                    }
                    f.write_str("```\n")?;
                }
            }
        }
        Ok(())
    }
}

/// The text with every run of `-` and blank lines replaced by its `+` and blank lines. Runs are
/// parted by `@@`; each must stand in the text exactly once. A run of `+` alone goes to the end.
pub fn edited(text: &str, changes: &[String]) -> Result<String, String> {
    let mut text = text.to_owned();
    for run in changes.split(|line| line.starts_with("@@")) {
        let side = |sign: char| -> String {
            let of = run.iter().filter(|line| line.starts_with([sign, ' ']));
            of.map(|line| format!("{}\n", &line[1..])).collect()
        };
        let (old, new) = (side('-'), side('+'));
        match text.matches(old.as_str()).count() {
            _ if old.is_empty() => text.push_str(&new),
            1 => text = text.replacen(&old, &new, 1),
            count => return Err(format!("stands in it {count} times:\n{old}")),
        }
    }
    Ok(text)
}

const UUID_LEN: usize = 36;

fn is_uuid(text: &str) -> bool {
    let shape = |(index, c): (usize, char)| match index {
        8 | 13 | 18 | 23 => c == '-',
        _ => c.is_ascii_hexdigit() && !c.is_ascii_uppercase(),
    };
    text.len() == UUID_LEN && text.chars().enumerate().all(shape)
}

/// The last id that an answer named: what `ID` in a command stands for.
pub fn last_id(answer: &str) -> Option<String> {
    let mut words = answer.split(|c: char| !(c.is_ascii_alphanumeric() || c == '-'));
    words.rfind(|word| is_uuid(word)).map(str::to_owned)
}

/// An answer without what differs from run to run: ids, moments, hashes, ports, lengths of columns
/// that follow from them.
pub fn settled(text: &str) -> String {
    let mut out = String::new();
    for line in text.lines() {
        let words = line.split_inclusive([' ', '"', ',']);
        let line: String = words.map(word).collect();
        out.push_str(line.trim_end());
        out.push('\n');
    }
    out
}

fn word(word: &str) -> String {
    let bare = word.trim_matches(|c: char| !c.is_ascii_alphanumeric());
    let digits = |text: &str| !text.is_empty() && text.bytes().all(|b| b.is_ascii_digit());
    let clock = |text: &str| {
        text.len() == 5 && text.split_once(':').is_some_and(|(h, m)| digits(h) && digits(m))
    };
    let hash = bare.len() >= 12
        && bare.bytes().all(|b| b.is_ascii_hexdigit())
        && bare.bytes().any(|b| b.is_ascii_digit());
    let moment = bare.len() >= 19 && bare.as_bytes()[10] == b'T' && digits(&bare[..4]);
    match bare {
        "" => word.to_owned(),
        _ if is_uuid(bare) => word.replace(bare, "ID"),
        _ if moment => word.replace(bare, "MOMENT"),
        _ if clock(bare) => word.replace(bare, "HH:MM"),
        _ if hash => word.replace(bare, "HASH"),
        _ => word.to_owned(),
    }
}

#[test]
fn a_page_is_written_as_it_was_read() {
    let text = "# A\n\n```console\n$ one\nsays\n$ two\n```\n\n```diff a.toml\n-x\n+y\n```\nend\n";
    assert_eq!(Page::read(text).to_string(), text);
}

#[test]
fn an_edit_changes_what_stands_there_once() {
    let changes = |text: &str| text.lines().map(str::to_owned).collect::<Vec<_>>();
    let edit = |text: &str, change: &str| edited(text, &changes(change));
    assert_eq!(edit("a\nb\nc\n", " a\n-b\n+B").unwrap(), "a\nB\nc\n");
    assert_eq!(edit("a\n", "-a\n+b\n@@\n+c").unwrap(), "b\nc\n");
    assert!(edit("a\na\n", "-a\n+b").unwrap_err().contains("2 times"));
    assert!(edit("a\n", "-b\n+c").is_err());
}

#[test]
fn what_differs_from_run_to_run_is_not_compared() {
    let one =
        "held 01a21067-787e-755c-a12b-10372d8ebf87 at 2026-11-25T01:02:03Z, 09:10 0a1b2c3d4e5f";
    let other =
        "held 01b21067-787e-755c-a12b-10372d8ebf87 at 2026-11-26T11:02:03Z, 10:10 0a1b2c3d4e6f";
    assert_eq!(settled(one), settled(other));
    assert_ne!(settled("12 held"), settled("13 held"));
    assert!(last_id(one).unwrap().starts_with("01a2"));
}
