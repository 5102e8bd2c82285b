//! A base and the file that extends it, put together line by line.

use std::ops::Range;

use super::outline::{Outline, OutlineEntry, OutlineSection};
use crate::code::MappingCode;
use crate::fault::nearest;

/// Which of the two files a line is from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum MergeSide {
    Base,
    Own,
}

/// Lines of one of the files, 0-based.
pub(super) type MergePiece = (MergeSide, Range<usize>);

/// A problem of the file that extends: its bytes, what it is, what was probably meant.
pub(super) struct MergeProblem {
    pub code: MappingCode,
    pub span: Range<usize>,
    pub what: String,
    pub meant: Option<String>,
}

/// What the file itself says of its base.
pub(super) const OF_THE_BASE: [&str; 2] = ["extends", "without"];

/// The lines in their order, and what is wrong with the file that extends.
pub(super) fn merge(
    base: &Outline<'_>,
    own: &Outline<'_>,
    without: &[(String, Range<usize>)],
) -> (Vec<MergePiece>, Vec<MergeProblem>) {
    let mut merge = Merge { base, own, parts: Vec::new(), problems: Vec::new() };
    merge.parts.extend(base.sections.iter().map(Part::of_base));
    merge.take_away(without);
    for section in &own.sections {
        merge.add(section);
    }
    let mut pieces: Vec<MergePiece> = merge.parts.iter().flat_map(Part::pieces).collect();
    pieces.push((MergeSide::Base, base.tail.clone()));
    pieces.retain(|(_, lines)| !lines.is_empty());
    (pieces, merge.problems)
}

struct Merge<'a> {
    base: &'a Outline<'a>,
    own: &'a Outline<'a>,
    parts: Vec<Part>,
    problems: Vec<MergeProblem>,
}

/// A section of what comes out.
struct Part {
    section: OutlineSection,
    side: MergeSide,
    lines: Vec<Said>,
}

/// One key of it.
struct Said {
    path: Vec<String>,
    /// Always the base's: what stands between its groups of lines stays there.
    lead: Range<usize>,
    piece: MergePiece,
}

impl Part {
    fn of_base(section: &OutlineSection) -> Part {
        let said = |entry: &OutlineEntry| Said {
            path: entry.path.clone(),
            lead: entry.lead.clone(),
            piece: (MergeSide::Base, entry.lines.clone()),
        };
        let lines = section.entries.iter().map(said).collect();
        Part { section: section.clone(), side: MergeSide::Base, lines }
    }

    fn pieces(&self) -> Vec<MergePiece> {
        let OutlineSection { lead, head, .. } = &self.section;
        let mut pieces = vec![(self.side, lead.clone()), (self.side, head.clone())];
        for said in &self.lines {
            pieces.push((MergeSide::Base, said.lead.clone()));
            pieces.push(said.piece.clone());
        }
        pieces
    }
}

impl Merge<'_> {
    fn report(
        &mut self,
        code: MappingCode,
        span: &Range<usize>,
        what: String,
    ) -> &mut MergeProblem {
        let index = self.problems.len();
        self.problems.push(MergeProblem { code, span: span.clone(), what, meant: None });
        &mut self.problems[index]
    }

    /// Takes out of the base what the file does not want of it.
    fn take_away(&mut self, without: &[(String, Range<usize>)]) {
        for (name, span) in without {
            if self.take(name) {
                continue;
            }
            let sections = self.base.sections.iter();
            let names: Vec<String> = sections
                .flat_map(|section| {
                    let keys = section.entries.iter().map(|entry| name_of(section, &entry.path));
                    keys.chain([name_of(section, &[])]).collect::<Vec<_>>()
                })
                .collect();
            let meant = nearest(name, names.iter().map(String::as_str)).map(str::to_owned);
            let what = format!("the base has no \"{name}\" that could be left out");
            self.report(MappingCode::WITHOUT, span, what).meant = meant;
        }
    }

    /// False: nothing has this name.
    fn take(&mut self, name: &str) -> bool {
        let mut found = false;
        let is_named = |part: &&Part| name_of(&part.section, &[]) == name;
        let whole: Vec<_> =
            self.parts.iter().filter(is_named).map(|part| part.section.key.clone()).collect();
        self.parts.retain(|part| {
            let goes = whole.iter().any(|key| !key.is_empty() && part.section.key.starts_with(key));
            found |= goes;
            !goes
        });
        for part in &mut self.parts {
            let section = &part.section;
            let mut kept: Vec<Said> = Vec::new();
            let mut lead = None;
            for mut said in part.lines.drain(..) {
                if name_of(section, &said.path) == name && !said.path.is_empty() {
                    found = true;
                    // The blank line or title above a group stays when its first line goes.
                    lead = lead.or(Some(said.lead));
                    continue;
                }
                if let Some(above) = lead.take().filter(|_| said.lead.is_empty()) {
                    said.lead = above;
                }
                kept.push(said);
            }
            part.lines = kept;
        }
        found
    }

    /// Adds a section of the file that extends, or what it says otherwise than the base.
    fn add(&mut self, section: &OutlineSection) {
        let is_same = |part: &Part| part.side == MergeSide::Base && part.section.key == section.key;
        let Some(index) = self.parts.iter().position(is_same) else {
            return self.add_whole(section);
        };
        for entry in &section.entries {
            let name = entry.path.first().map(String::as_str).unwrap_or_default();
            if section.key.is_empty() && OF_THE_BASE.contains(&name) {
                continue;
            }
            self.check(section, entry);
            let part = &mut self.parts[index];
            let piece = (MergeSide::Own, entry.lines.clone());
            let known = part.lines.iter_mut().filter(|_| !entry.path.is_empty());
            match known.into_iter().find(|said| said.path == entry.path) {
                Some(said) => said.piece = piece,
                None => part.lines.push(Said { path: entry.path.clone(), lead: 0..0, piece }),
            }
        }
    }

    /// A section that the base does not have, behind those that it belongs to.
    fn add_whole(&mut self, section: &OutlineSection) {
        let base = self.base;
        let dotted = base.sections.iter().any(|of_base| {
            of_base.entries.iter().any(|entry| {
                let full = of_base.full(&entry.path);
                full.len() > section.key.len()
                    && full.starts_with(&section.key)
                    && !of_base.key.starts_with(&section.key)
            })
        });
        if dotted {
            self.other_shape(&section.span, &section.key);
        }
        for entry in &section.entries {
            self.check(section, entry);
        }
        let shared = |part: &Part| {
            part.section
                .key
                .iter()
                .zip(&section.key)
                .take_while(|(one, other)| one == other)
                .count()
        };
        let most = self.parts.iter().map(shared).max().filter(|most| *most > 0);
        let last = most.and_then(|most| self.parts.iter().rposition(|part| shared(part) == most));
        let said = |entry: &OutlineEntry| Said {
            path: entry.path.clone(),
            lead: 0..0,
            piece: (MergeSide::Own, entry.lead.start..entry.lines.end),
        };
        let lines = section.entries.iter().map(said).collect();
        let part = Part { section: section.clone(), side: MergeSide::Own, lines };
        self.parts.insert(last.map_or(self.parts.len(), |last| last + 1), part);
    }

    /// What a line of the file must not be: the base's once more, or in another shape.
    fn check(&mut self, section: &OutlineSection, entry: &OutlineEntry) {
        if entry.path.is_empty() {
            return;
        }
        let base = self.base;
        let full = section.full(&entry.path);
        for of_base in &base.sections {
            let nearer = of_base.key.len() > section.key.len();
            if nearer && full.len() > of_base.key.len() && full.starts_with(&of_base.key) {
                return self.other_shape(&entry.span, &full);
            }
            for known in of_base.entries.iter().filter(|known| !known.path.is_empty()) {
                let theirs = of_base.full(&known.path);
                let within = theirs.starts_with(&full) || full.starts_with(&theirs);
                if within && (theirs != full || of_base.key != section.key) {
                    return self.other_shape(&entry.span, &full);
                }
                let is_needed = match &entry.path[..] {
                    [only] if section.key.is_empty() => {
                        ["format", "force", "fills"].contains(&only.as_str())
                    }
                    [only] => section.told_by == Some(only.as_str()),
                    _ => false,
                };
                let same = theirs == full && base.value(known) == self.own.value(entry);
                if same && !is_needed {
                    let what =
                        format!("the base says the same of {}", name_of(section, &entry.path));
                    self.report(
                        MappingCode::SAME_AS_BASE,
                        &(entry.span.start..entry.value.end),
                        what,
                    );
                }
            }
        }
    }

    fn other_shape(&mut self, span: &Range<usize>, names: &[String]) {
        let what = format!("the base writes {} in another section or shape", names.join("."));
        self.report(MappingCode::OTHER_SHAPE, span, what);
    }
}

/// How `without` names a section, or a key of one: `officer.unit`, `lookup.sex.9`, `offences`.
pub(super) fn name_of(section: &OutlineSection, path: &[String]) -> String {
    let names: Vec<&str> = section.key.iter().map(String::as_str).collect();
    let of_section = match &names[..] {
        ["one" | "each", fills] => &[*fills][..],
        ["one" | "each", fills, "fields"] => &[*fills][..],
        ["fields"] if !path.is_empty() => &[],
        all => all,
    };
    let of_path = path.iter().map(String::as_str);
    of_section.iter().copied().chain(of_path).collect::<Vec<_>>().join(".")
}
