//! Single mistakes put into the repository's own mappings: each has to be told, on its line, with
//! what was meant where a near name exists.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on fails")]

mod field;
mod file;
mod letter;
mod section;
mod toml_itself;
mod value;

use std::collections::BTreeSet;
use std::fmt::Write as _;

use cara_mapping::Diagnostic;
use file::{Edit, File};

/// The edits of one kind that a file allows.
type Kind = fn(&File) -> Vec<Edit>;

/// One of a file's edits of a kind, another in each file.
fn one_of(mut edits: Vec<Edit>, turn: usize) -> Option<Edit> {
    let count = edits.len();
    (count > 0).then(|| edits.swap_remove(turn * 7 % count))
}

/// What is suggested, without the quotes that a letter's diagnostics put around it.
fn suggested(diagnostic: &Diagnostic) -> Option<String> {
    diagnostic.suggestion.as_ref().map(|text| match text.starts_with('"') {
        true => text.trim_matches('"').to_owned(),
        false => text.clone(),
    })
}

/// What came of the mistakes in some files.
#[derive(Default)]
struct Tally {
    made: usize,
    caught: usize,
    several: usize,
    kinds: BTreeSet<&'static str>,
    missed: String,
    follow_ups: String,
}

impl Tally {
    fn add(&mut self, file: &File, edit: &Edit) {
        assert_ne!(edit.text, file.text(), "{}: {} changes nothing", file.shown, edit.kind);
        let found = file.diagnostics(&edit.text);
        let told = found.iter().any(|it| {
            edit.lines.contains(&it.line) && (edit.near.is_none() || suggested(it) == edit.near)
        });
        let seen = || found.iter().map(|it| it.render()).collect::<String>();
        self.made += 1;
        self.caught += usize::from(told);
        self.kinds.insert(edit.kind);
        if !told {
            let (at, near) = (edit.lines[0], edit.near.as_deref().unwrap_or("-"));
            let line = edit.text.lines().nth(at - 1).unwrap_or_default();
            let _ = writeln!(
                self.missed,
                "== {}:{at}: {} (suggestion: {near})\n   {line}\n{}",
                file.shown,
                edit.kind,
                seen()
            );
        }
        if found.len() > 1 {
            self.several += 1;
            let _ = writeln!(self.follow_ups, "== {}: {}\n{}", file.shown, edit.kind, seen());
        }
    }

    fn with(mut self, other: Tally) -> Tally {
        self.made += other.made;
        self.caught += other.caught;
        self.several += other.several;
        self.kinds.extend(other.kinds);
        self.missed.push_str(&other.missed);
        self.follow_ups.push_str(&other.follow_ups);
        self
    }
}

fn tally(file: &File, turn: usize) -> Tally {
    let kinds = [field::KINDS, value::KINDS, section::KINDS, toml_itself::KINDS, letter::KINDS];
    let mut tally = Tally::default();
    for (number, kind) in kinds.concat().into_iter().enumerate() {
        if let Some(edit) = one_of(kind(file), turn + number) {
            tally.add(file, &edit);
        }
    }
    tally
}

#[test]
fn every_single_mistake_is_told_on_its_line_with_what_was_meant() {
    let files = File::all();
    let half = files.len().div_ceil(2);
    let tally = std::thread::scope(|scope| {
        let parts = files.chunks(half).enumerate().map(|(part, files)| {
            scope.spawn(move || {
                let tallies =
                    files.iter().enumerate().map(|(at, file)| tally(file, part * half + at));
                tallies.fold(Tally::default(), Tally::with)
            })
        });
        let parts: Vec<_> = parts.collect();
        parts.into_iter().map(|part| part.join().unwrap()).fold(Tally::default(), Tally::with)
    });
    let Tally { made, caught, several, kinds, missed, follow_ups } = tally;
    println!("{follow_ups}");
    println!("{made} mistakes, {caught} caught, {} missed; {} kinds", made - caught, kinds.len());
    println!("{several} of them gave more than one diagnostic");
    assert!(missed.is_empty(), "{missed}");
    assert!(made >= 60 && kinds.len() >= 60, "{made} of {} kinds", kinds.len());
    assert!(several * 15 <= made, "{several} of {made} gave more than one diagnostic");
}

#[test]
fn no_mapping_has_a_mistake_before_the_edits() {
    for file in File::all() {
        let text = file.text();
        let seen: String = file.diagnostics(&text).iter().map(|it| it.render()).collect();
        assert!(seen.is_empty(), "{seen}");
    }
}
