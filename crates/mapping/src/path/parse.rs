//! The text of a path to its steps.

use std::ops::Range;

use crate::fault::{PhraseFault, PhraseFaultKind, nearest};
use cara_document::{NameId, NameTable};

use super::{Axis, BRACKETS_MAX, Bracket, Origin, Path, PathStep, Test};

/// Steps of one path.
const STEPS_MAX: usize = 32;

/// Brackets inside brackets.
const NESTING_MAX: usize = 4;

pub(super) fn path(text: &str, names: &mut NameTable) -> Result<Path, PhraseFault> {
    let mut parser = Parser { text, at: 0, nesting: 0, names, joins: Vec::new() };
    parser.blanks();
    // The item is where a path begins anyway; saying so is no mistake.
    parser.eat("this/");
    let (origin, deep) = match (parser.eat("//"), parser.at_end()) {
        (true, _) => (Origin::Record, true),
        (false, true) => return Err(parser.fault(0..text.len(), "there is no path here")),
        (false, false) if parser.eat("/") => (Origin::Body, false),
        _ => (Origin::Item, false),
    };
    parser.blanks();
    let steps =
        if origin == Origin::Body && parser.at_end() { Vec::new() } else { parser.steps(deep)? };
    if !parser.at_end() {
        let what = "the path goes on after its end: is a `/` missing?";
        return Err(parser.fault(parser.at..text.len(), what));
    }
    let joins = std::mem::take(&mut parser.joins);
    Ok(whole(text.trim(), origin, steps, joins))
}

fn whole(text: &str, origin: Origin, steps: Vec<PathStep>, joins: Vec<Path>) -> Path {
    let before_last = steps.len().saturating_sub(1);
    let direct = steps.iter().all(|step| step.axis != Axis::Parent)
        && steps.iter().take(before_last).all(|step| !step.deep)
        && steps
            .last()
            .is_none_or(|last| !(last.deep && last.brackets.iter().any(Bracket::is_position)));
    Path { text: text.to_owned(), origin, steps, direct, joins }
}

struct Parser<'p, 'n> {
    text: &'p str,
    at: usize,
    /// Brackets that are open.
    nesting: usize,
    names: &'n mut NameTable,
    /// The right sides of joins so far.
    joins: Vec<Path>,
}

impl<'p> Parser<'p, '_> {
    fn steps(&mut self, mut deep: bool) -> Result<Vec<PathStep>, PhraseFault> {
        let mut steps: Vec<PathStep> = Vec::new();
        loop {
            if steps.len() == STEPS_MAX {
                return Err(self.fault(self.at..self.text.len(), "the path has too many steps"));
            }
            let step = self.step(deep, steps.is_empty())?;
            let ends = step.axis == Axis::Attribute;
            steps.push(step);
            self.blanks();
            let slash = self.at;
            deep = self.eat("//");
            if !deep && !self.eat("/") {
                return Ok(steps);
            }
            if deep && self.nesting > 0 && steps.iter().any(|step| step.deep) {
                return Err(self.fault(slash..self.at, "`//` stands in one bracket once at most"));
            }
            if ends && !self.goes_on_inside(steps.last_mut()) {
                let what = "an attribute is the end of a path, unless [[unwrap]] opens it";
                return Err(self.fault(slash..self.text.len(), what));
            }
        }
    }

    /// Whether an attribute that is not the end of its path is one that `[[unwrap]]` opens. Then
    /// the step goes to the element that stands for it.
    fn goes_on_inside(&mut self, step: Option<&mut PathStep>) -> bool {
        let Some(step) = step.filter(|step| step.brackets.is_empty()) else { return false };
        let name = format!("@{}", step.name);
        let opened = self.names.find(&name);
        if opened == NameId::OTHER {
            return false;
        }
        step.axis = Axis::Child;
        step.test = match step.space {
            0 => Test::Name(opened),
            space => Test::Within { local: opened, space },
        };
        step.name = name;
        true
    }

    fn step(&mut self, deep: bool, first: bool) -> Result<PathStep, PhraseFault> {
        self.blanks();
        let attribute = self.eat("@");
        let (name, at, quoted) = self.name()?;
        let plain = !attribute && !deep;
        let (axis, test) = match name {
            name if quoted => (axis(attribute), Test::Name(self.names.intern(name))),
            "this" if first => {
                let what = "`this` stands at the beginning, with a `/` behind it";
                return Err(self.fault(at, what));
            }
            ".." if self.nesting > 0 => {
                let what = "`..` cannot stand in brackets: put the condition on the step above";
                return Err(self.fault(at, what));
            }
            ".." if plain => (Axis::Parent, Test::Any),
            "." if plain => (Axis::Here, Test::Any),
            "." | ".." => {
                return Err(self.fault(at, "`.` and `..` stand alone between two `/`"));
            }
            "*" => (axis(attribute), Test::Any),
            name => (axis(attribute), self.test(name, &at)?),
        };
        let space = match test {
            Test::Within { space, .. } | Test::AnyWithin(space) => space,
            _ => 0,
        };
        let name = if quoted { name } else { local(name) }.to_owned();
        let mut brackets = Vec::new();
        let open = self.at;
        loop {
            self.blanks();
            let start = self.at;
            if !self.eat("[") {
                break;
            }
            if brackets.len() == BRACKETS_MAX || self.nesting == NESTING_MAX {
                return Err(self.fault(start..self.at, "too many brackets"));
            }
            self.nesting += 1;
            brackets.push(self.bracket(start)?);
            self.nesting -= 1;
        }
        let brackets_at = if brackets.is_empty() { open..open } else { open..self.at };
        Ok(PathStep { axis, deep, test, brackets, name, space, at, brackets_at })
    }

    fn test(&mut self, name: &str, at: &Range<usize>) -> Result<Test, PhraseFault> {
        let Some((prefix, local)) = prefixed(name) else {
            return Ok(Test::Name(self.names.intern(name)));
        };
        if let Some(space) = self.names.use_prefix(prefix) {
            return Ok(match local {
                "*" => Test::AnyWithin(space),
                local => Test::Within { local: self.names.intern(local), space },
            });
        }
        if let Some(meant) = self.meant(prefix) {
            let declared: Vec<&str> = self.names.prefixes().map(|(prefix, _)| prefix).collect();
            let what = format!(
                "the prefix {prefix} is not declared; [source.namespaces] declares {}",
                declared.join(", ")
            );
            let at = whole_characters(self.text, at.start..at.start + prefix.len());
            return Err(PhraseFault::new(PhraseFaultKind::Prefix, at, what).suggest(Some(meant)));
        }
        let whole = self.names.intern(name);
        Ok(match local {
            "*" => Test::Any,
            local => Test::Prefixed { local: self.names.intern(local), whole },
        })
    }

    /// The declared prefix that is so like this one that it was probably meant.
    fn meant(&self, prefix: &str) -> Option<String> {
        let declared: Vec<&str> = self.names.prefixes().map(|(prefix, _)| prefix).collect();
        let lower = prefix.to_lowercase();
        let cut_off = |declared: &&&str| {
            let declared = declared.to_lowercase();
            declared.starts_with(&lower) || lower.starts_with(&declared)
        };
        let meant = nearest(prefix, declared.iter().copied());
        meant.or_else(|| declared.iter().find(cut_off).copied()).map(str::to_owned)
    }

    /// What stands behind an opening bracket, and the closing one.
    fn bracket(&mut self, open: usize) -> Result<Bracket, PhraseFault> {
        self.blanks();
        let digits = self.rest().bytes().take_while(u8::is_ascii_digit).count();
        let bracket = if digits > 0 && self.rest()[digits..].trim_start().starts_with(']') {
            let at = self.at..self.at + digits;
            let position = self.text[at.clone()].parse().ok().filter(|position| *position > 0);
            let Some(position) = position else {
                return Err(self.fault(at, "positions are counted from 1"));
            };
            self.at += digits;
            Bracket::Position(position)
        } else if self.rest().starts_with('/') {
            let what = "inside brackets a path begins at the candidate; write `.//` for any depth";
            return Err(self.fault(self.at..self.at + 1, what));
        } else {
            let steps = self.steps(false)?;
            if self.eat("=") {
                self.blanks();
                match self.rest().starts_with(['\'', '"']) {
                    true => Bracket::Equals(steps, self.literal()?),
                    false => Bracket::Joined(steps, self.join()?),
                }
            } else {
                Bracket::Has(steps)
            }
        };
        self.blanks();
        if self.eat("]") {
            return Ok(bracket);
        }
        let what = if self.at_end() {
            "the bracket is not closed"
        } else {
            "a bracket holds a number, a path, or a path = 'text'"
        };
        Err(self.fault(open..(self.at + 1).min(self.text.len()), what))
    }

    /// The right side of a join: from the item, what it stands in, or anywhere in the record.
    fn join(&mut self) -> Result<usize, PhraseFault> {
        let start = self.at;
        let end = self.rest().find(']').map_or(self.text.len(), |found| start + found);
        let (origin, deep) = if self.eat("//") {
            (Origin::Record, true)
        } else if self.eat("this/") || self.rest().starts_with("../") {
            (Origin::Item, false)
        } else {
            let what =
                "a text stands in quotes; a path to compare with begins with this/, ../ or //";
            return Err(self.fault(start..end, what));
        };
        if self.nesting > 1 || !self.joins.is_empty() && self.joins.len() >= BRACKETS_MAX {
            return Err(
                self.fault(start..end, "a join stands in a bracket of its own, four at most")
            );
        }
        // It is a path of its own, not one from the candidate.
        let nesting = std::mem::take(&mut self.nesting);
        let joins = std::mem::take(&mut self.joins);
        let steps = self.steps(deep)?;
        let inner = std::mem::replace(&mut self.joins, joins);
        self.nesting = nesting;
        let text = self.text[start..self.at].trim();
        self.joins.push(whole(text, origin, steps, inner));
        Ok(self.joins.len() - 1)
    }

    fn literal(&mut self) -> Result<String, PhraseFault> {
        self.blanks();
        let start = self.at;
        let quote = self.rest().chars().next().filter(|first| matches!(first, '\'' | '"'));
        let Some(quote) = quote else {
            let end = self.rest().find(']').map_or(self.text.len(), |found| start + found);
            let what = "a text stands in quotes; comparing two paths cannot be used yet";
            return Err(self.fault(start..end, what));
        };
        self.at += 1;
        let Some(len) = self.rest().find(quote) else {
            return Err(self.fault(start..self.text.len(), "the quote is not closed"));
        };
        let literal = self.rest()[..len].trim().to_owned();
        self.at += len + 1;
        Ok(literal)
    }

    /// A name with where it stands, and whether it is in quotes.
    fn name(&mut self) -> Result<(&'p str, Range<usize>, bool), PhraseFault> {
        let start = self.at;
        if self.eat("\"") {
            let Some(len) = self.rest().find('"') else {
                return Err(self.fault(start..self.text.len(), "the quote is not closed"));
            };
            let name = self.rest()[..len].trim();
            self.at += len + 1;
            let at = start..self.at;
            return if name.is_empty() {
                Err(self.fault(at, "a name is missing in the path"))
            } else {
                Ok((name, at, true))
            };
        }
        let ends: &[char] = if self.nesting > 0 { &['/', '[', ']', '='] } else { &['/', '[', ']'] };
        let rest = self.rest();
        let name = rest[..rest.find(ends).unwrap_or(rest.len())].trim_end();
        self.at += name.len();
        if name.is_empty() {
            let end = self.rest().chars().next().map_or(start, |next| start + next.len_utf8());
            return Err(self.fault(start..end, "a name is missing in the path"));
        }
        Ok((name, start..self.at, false))
    }

    fn fault(&self, at: Range<usize>, what: &str) -> PhraseFault {
        PhraseFault::new(PhraseFaultKind::Path, whole_characters(self.text, at), what)
    }

    fn rest(&self) -> &'p str {
        &self.text[self.at..]
    }

    fn at_end(&self) -> bool {
        self.at >= self.text.len()
    }

    fn blanks(&mut self) {
        self.at = self.text.len() - self.rest().trim_start().len();
    }

    fn eat(&mut self, mark: &str) -> bool {
        let there = self.rest().starts_with(mark);
        self.at += if there { mark.len() } else { 0 };
        there
    }
}

fn axis(attribute: bool) -> Axis {
    if attribute { Axis::Attribute } else { Axis::Child }
}

/// The name without what looks like a prefix.
fn local(name: &str) -> &str {
    prefixed(name).map_or(name, |(_, local)| local)
}

/// What looks like a prefix, and the name behind it: `x:Name`, but not `Contact: mobile`.
fn prefixed(name: &str) -> Option<(&str, &str)> {
    let is_prefix = |text: &str| {
        !text.is_empty()
            && text.chars().all(|c| c.is_alphanumeric() || matches!(c, '_' | '-' | '.'))
    };
    let (prefix, local) = name.split_once(':')?;
    let is_name = local.starts_with(|c: char| !c.is_whitespace());
    (is_prefix(prefix) && is_name).then_some((prefix, local))
}

/// The range made as wide as the characters that it touches.
fn whole_characters(text: &str, at: Range<usize>) -> Range<usize> {
    let (mut start, mut end) = (at.start.min(text.len()), at.end.min(text.len()));
    while !text.is_char_boundary(start) {
        start -= 1;
    }
    while !text.is_char_boundary(end) {
        end += 1;
    }
    start..end.max(start)
}
