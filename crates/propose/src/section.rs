//! The survey turned into the sections of a mapping file.

use super::assign::{self, FieldChoice};
use super::calendar::{Calendar, DateWriting};
use super::cell;
use super::clue::{self, Zone};
use super::kind::TextKind;
use super::line::{self, ProposedLine, ProposedLines, path_for};
use super::lookup::ProposedLookup;
use super::spot::{Split, bracket};
use super::survey::{BlockContent, Survey, SurveyPlace};
use super::word::may_be_written;
use cara_document::BodyFormat;
use cara_domain::FieldId;
use cara_domain::field::{Group, Need, all};

/// What stands in the file instead of the role that a person has to choose.
pub const CHOOSE: &str = "CHOOSE";

/// The sections of the file to be.
pub(super) struct Sections {
    pub root: Vec<ProposedLine>,
    pub blocks: Vec<Section>,
    pub lookups: Vec<ProposedLookup>,
    /// Formats of the whole file; a line whose own are not among them says its own.
    pub dates: Vec<DateWriting>,
    /// Nothing says whose the person's fields in the record itself are.
    pub person_is_assumed: bool,
    /// Places that may hold what the disposal is, with the codes seen there.
    pub disposals: Vec<(String, Vec<String>)>,
    /// Places that nothing is proposed for: path and what is there, by zone.
    pub candidates: Vec<(Zone, String, TextKind)>,
    /// Places that nothing reads.
    pub left: Vec<(String, TextKind)>,
}

/// A `[[one]]` or `[[each]]`.
pub(super) struct Section {
    pub is_one: bool,
    pub fills: &'static str,
    pub from: String,
    /// How persons are told apart, and by which texts; a person chooses.
    pub roles: Option<(String, Vec<String>)>,
    /// Texts of roles that do not look like codes and are not written.
    pub roles_unwritten: usize,
    pub lines: Vec<ProposedLine>,
}

/// Fields for which nothing is proposed: who and what the victim and the risk are is for a person
/// to say, and so is what counts as the disposal.
pub(super) fn is_withheld(field: FieldId) -> bool {
    let name = field.spec().name;
    let group = field.spec().group;
    let is_withheld_group = matches!(group, Group::Child | Group::Decision);
    is_withheld_group
        || group.is_root() && (name.starts_with("victim.") || name.starts_with("risk."))
        || field == FieldId::CAUTION_KIND
}

/// Sorts what was seen into sections.
pub(super) fn sections(survey: &Survey) -> Sections {
    let rows_inside = matches!(&survey.format, BodyFormat::Csv(options) if options.group.is_some());
    let mut sections = Sections {
        root: Vec::new(),
        blocks: Vec::new(),
        lookups: Vec::new(),
        dates: Vec::new(),
        person_is_assumed: false,
        disposals: Vec::new(),
        candidates: Vec::new(),
        left: Vec::new(),
    };
    let tells: Vec<String> = survey.splits.iter().map(|split| split.by.clone()).collect();
    for block in &survey.blocks {
        let section = match &block.what {
            BlockContent::Person(split) => person(block.from.as_str(), split.as_ref()),
            BlockContent::Items(group) => Section {
                is_one: false,
                fills: group.name(),
                from: block.from.clone(),
                roles: None,
                roles_unwritten: 0,
                lines: Vec::new(),
            },
        };
        let group = match block.what {
            BlockContent::Person(_) => Group::Root,
            BlockContent::Items(group) => group,
        };
        let fields: Vec<FieldId> = all(group)
            .filter(|field| !group.is_root() || field.spec().name.starts_with("offender."))
            .collect();
        let mut lines = ProposedLines::default();
        fill(&fields, &block.places, group, false, &tells, &mut lines, &mut sections);
        sections.lookups.extend(lines.lookups);
        sections.blocks.push(Section { lines: lines.lines, ..section });
    }
    let has_person =
        survey.blocks.iter().any(|block| matches!(block.what, BlockContent::Person(_)));
    // Lines of a person may stand beside the person's own.
    let lines_apart = matches!(survey.format, BodyFormat::Fixed(_));
    let in_blocks: Vec<FieldId> =
        sections.blocks.iter().flat_map(|it| &it.lines).map(|line| line.field).collect();
    let mut root = ProposedLines::default();
    let fields: Vec<FieldId> = all(Group::Root)
        .filter(|field| !is_withheld(*field) && *field != FieldId::SOURCE_RECORD_REF)
        .filter(|field| {
            let is_person = field.spec().name.starts_with("offender.");
            let is_filled = in_blocks.contains(field);
            !(is_person && has_person && (is_filled || !lines_apart))
        })
        .collect();
    fill(&fields, &survey.root, Group::Root, rows_inside, &tells, &mut root, &mut sections);
    sections.person_is_assumed = !has_person
        && root.lines.iter().any(|line| line.field.spec().name.starts_with("offender."));
    sections.lookups.extend(root.lookups);
    sections.root = root.lines;
    flat_offences(survey, &mut sections);
    record_ref(survey, &mut sections);
    disposals(survey, &mut sections);
    dates(&mut sections);
    sections
}

/// Fills a section and notes what is left of its places.
fn fill(
    fields: &[FieldId],
    places: &[SurveyPlace],
    group: Group,
    rows_inside: bool,
    tells: &[String],
    into: &mut ProposedLines,
    sections: &mut Sections,
) {
    let cells = cell::of_places(places, group, rows_inside, into);
    let filled: Vec<FieldId> = into.lines.iter().map(|line| line.field).collect();
    let fields: Vec<FieldId> =
        fields.iter().copied().filter(|field| !filled.contains(field)).collect();
    let choices: Vec<FieldChoice> = assign::assign(&fields, places, &cells);
    for choice in &choices {
        line::of_choice(choice, places, rows_inside, into);
    }
    into.lines.sort_by_key(|line| line.field.index());
    for (index, place) in places.iter().enumerate() {
        let is_used = cells.contains(&index) || choices.iter().any(|it| it.places.contains(&index));
        if is_used || place.spot.seen.is_empty() {
            continue;
        }
        let path = place.spot.path();
        if tells.iter().any(|by| place.spot.steps.last() == Some(by)) {
            continue;
        }
        match clue::zone(&place.spot) {
            Some(zone @ (Zone::Risk | Zone::Victim | Zone::Children)) => {
                sections.candidates.push((zone, path, place.kind));
            }
            _ => sections.left.push((path, place.kind)),
        }
    }
}

fn person(from: &str, split: Option<&Split>) -> Section {
    let roles = split.map(|split| {
        let written = split.texts.iter().filter(|text| may_be_written(text)).cloned().collect();
        (split.by.clone(), written)
    });
    let written = roles.as_ref().map_or(0, |(_, texts): &(String, Vec<String>)| texts.len());
    let from = match split {
        Some(split) => format!("{from}{}", bracket(&split.by, CHOOSE)),
        None => from.to_owned(),
    };
    let roles_unwritten = split.map_or(0, |split| split.texts.len() - written);
    Section { is_one: true, fills: "offender", from, roles, roles_unwritten, lines: Vec::new() }
}

/// One offence in the record itself, where no element or row holds offences.
fn flat_offences(survey: &Survey, sections: &mut Sections) {
    let has = |group: Group| sections.blocks.iter().any(|block| block.fills == group.name());
    let code = FieldId::OFFENCE_CJS_CODE;
    let is_named = |place: &SurveyPlace| {
        place.kind == TextKind::OffenceCode && clue::name_score(code, &place.spot).is_some()
    };
    if has(Group::Offence) || !survey.root.iter().any(is_named) {
        return;
    }
    let mut lines = ProposedLines::default();
    let fields: Vec<FieldId> = all(Group::Offence).collect();
    let is_offence = |place: &&SurveyPlace| {
        place.kind == TextKind::OffenceCode || clue::zone(&place.spot) == Some(Zone::Offence)
    };
    let taken: Vec<usize> =
        (0..survey.root.len()).filter(|index| !is_offence(&&survey.root[*index])).collect();
    for choice in &assign::assign(&fields, &survey.root, &taken) {
        line::of_choice(choice, &survey.root, false, &mut lines);
    }
    let read: Vec<String> = lines.lines.iter().flat_map(|line| line.from.clone()).collect();
    sections.left.retain(|(path, _)| !read.contains(path));
    sections.lookups.extend(lines.lookups);
    sections.blocks.push(Section {
        is_one: false,
        fills: Group::Offence.name(),
        from: ".".to_owned(),
        roles: None,
        roles_unwritten: 0,
        lines: lines.lines,
    });
}

/// The key of this case and this offender: what groups the rows, or the number of the occurrence
/// with the key of the person.
fn record_ref(survey: &Survey, sections: &mut Sections) {
    let field = FieldId::SOURCE_RECORD_REF;
    let line = match &survey.format {
        BodyFormat::Csv(options) if options.group.is_some() => {
            let group = options.group.clone().unwrap_or_default();
            let path = format!("row/{}", super::spot::quoted(&group));
            sections.left.retain(|(left, _)| *left != path);
            ProposedLine::plain(field, vec![path])
                .unsure("it must be the key of this case and this offender")
        }
        _ => {
            let number = FieldId::CASE_OCCURRENCE_NUMBER;
            let case = sections.root.iter().find(|line| line.field == number);
            let Some(case) = case.and_then(|line| line.from.first()).cloned() else { return };
            let own = FieldId::OFFENDER_LOCAL_PERSON_REF;
            let of_root = sections.root.iter().find(|line| line.field == own);
            let of_root = of_root.and_then(|line| line.from.first().cloned());
            let of_block = sections.blocks.iter().filter(|block| block.is_one).find_map(|block| {
                let line = block.lines.iter().find(|line| line.field == own)?;
                Some(format!("{}/{}", block.from, line.from.first()?))
            });
            let paths: Vec<String> =
                [Some(case), of_block.or(of_root)].into_iter().flatten().collect();
            let mut line = ProposedLine::plain(field, paths)
                .unsure("it must be the key of this case and this offender");
            line.join = (line.from.len() > 1).then_some("/");
            line
        }
    };
    sections.root.insert(0, line);
}

/// Where the disposal may stand: `caution.kind` needs to know which code is the conditional caution.
fn disposals(survey: &Survey, sections: &mut Sections) {
    let words = ["type", "code", "disposal", "outcome", "kind", "method"];
    let is_disposal = |place: &&SurveyPlace| {
        let (last, _) = place.spot.words();
        clue::zone(&place.spot) == Some(Zone::Disposal)
            && last.iter().any(|word| words.contains(&word.as_str()))
            && matches!(place.kind, TextKind::Code | TextKind::Text | TextKind::Number)
            && place.spot.distinct().len() <= 12
    };
    let read: Vec<String> = sections.root.iter().flat_map(|line| line.from.clone()).collect();
    for place in survey.root.iter().filter(is_disposal) {
        let path = path_for(FieldId::CAUTION_KIND, place, false);
        if read.contains(&path) {
            continue;
        }
        let texts = place.spot.distinct().into_iter().filter(|text| may_be_written(text));
        sections.left.retain(|(other, _)| *other != path);
        sections.disposals.push((path, texts.map(str::to_owned).collect()));
    }
}

/// The formats of the whole file: those used most, as long as no text can be two days.
fn dates(sections: &mut Sections) {
    let lines = || {
        let blocks = sections.blocks.iter().flat_map(|block| &block.lines);
        sections.root.iter().chain(blocks)
    };
    let mut used: Vec<(usize, DateWriting)> = Vec::new();
    for written in lines().flat_map(|line| &line.formats) {
        match used.iter_mut().find(|(_, known)| known == written) {
            Some((count, _)) => *count += 1,
            None => used.push((1, *written)),
        }
    }
    used.sort_by_key(|(count, written)| (written.is_moment, std::cmp::Reverse(*count)));
    let mut dates: Vec<DateWriting> = Vec::new();
    for (_, written) in used {
        let with: Vec<DateWriting> = dates.iter().copied().chain([written]).collect();
        if Calendar::agree(&with) {
            dates = with;
        }
    }
    sections.dates = dates;
}

/// Mandatory fields, and the conditional ones of which every record needs one, that no line fills.
pub(super) fn missing(sections: &Sections) -> Vec<String> {
    let filled = |field: FieldId| {
        let blocks = sections.blocks.iter().flat_map(|block| &block.lines);
        sections.root.iter().chain(blocks).any(|line| line.field == field)
    };
    let groups = [Group::Root, Group::Offence, Group::Condition];
    let mandatory = groups
        .into_iter()
        .flat_map(all)
        .filter(|field| field.spec().need == Need::Mandatory && !filled(*field));
    let mut missing: Vec<String> = mandatory
        .map(|field| match field.spec().group {
            Group::Root => field.spec().name.to_owned(),
            group => format!("{}.{}", group.name(), field.spec().name),
        })
        .collect();
    if !filled(FieldId::OFFENDER_PHONES) && !filled(FieldId::OFFENDER_EMAIL) {
        missing.push("offender.phones or offender.email".to_owned());
    }
    missing
}
