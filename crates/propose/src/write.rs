//! The sections as the text of a mapping file.

use std::fmt::Write as _;

use super::calendar::{DateWriting, YEARS};
use super::clue::Zone;
use super::kind::TextKind;
use super::line::ProposedLine;
use super::lookup::ProposedLookup;
use super::quote::quoted;
use super::scramble::Example;
use super::section::{CHOOSE, Section, Sections};
use super::survey::Survey;
use super::{fixed, hint, nothing, section};
use cara_document::BodyFormat;

/// The text of `referral.toml`.
pub(super) fn mapping(
    force: &str,
    survey: &Survey,
    sections: &Sections,
    examples: &[Example],
) -> String {
    let mut out = String::new();
    head(&mut out, force, survey, sections);
    source(&mut out, survey, sections);
    carried(&mut out, survey);
    if let BodyFormat::Fixed(options) = &survey.format {
        fixed::write(&mut out, options, survey.has_layout);
    }
    out.push_str("[fields]\n");
    if sections.person_is_assumed {
        out.push_str(
            "# choose: the person's fields are read as the offender's; no block says whose they are.\n",
        );
    }
    lines(&mut out, &sections.root, "", &sections.dates);
    disposals(&mut out, sections);
    for block in &sections.blocks {
        block_of(&mut out, block, &sections.dates);
    }
    lookups(&mut out, &sections.lookups);
    for example in examples {
        test(&mut out, example);
    }
    out
}

fn head(out: &mut String, force: &str, survey: &Survey, sections: &Sections) {
    out.push_str("#:schema ../../docs/mapping/referral.schema.json\n");
    let count = survey.record_count;
    let records = if count == 1 { "1 record".to_owned() } else { format!("{count} records") };
    let _ = writeln!(
        out,
        "# Proposed from {records} of samples: a start, not a mapping. Every line is to be"
    );
    out.push_str(
        "# read by a person who knows the force's records. Lines marked `unsure` were guessed,\n",
    );
    out.push_str(
        "# lines marked `choose` wait for a choice. Nothing is proposed for the victim, the risk\n",
    );
    out.push_str("# and who is who: the places that may hold it are listed instead.\n");
    let missing = section::missing(sections);
    if !missing.is_empty() {
        out.push_str("#\n# Mandatory, and not filled by any line below:\n");
        for name in missing {
            let _ = writeln!(out, "#   {name}");
        }
    }
    candidates(out, survey, sections);
    let _ = writeln!(out, "\nformat = 1\nforce  = {}\nfills  = \"referral/1\"\n", quoted(force));
}

/// Where the victim, the risk and the children may stand, and what nothing reads.
fn candidates(out: &mut String, survey: &Survey, sections: &Sections) {
    let titles = [
        (Zone::Victim, "Places that may be about the victim"),
        (Zone::Risk, "Places that may be about the risk"),
        (Zone::Children, "Places that may be about children"),
    ];
    for (zone, title) in titles {
        let own = sections.candidates.iter().filter(|(of, ..)| *of == zone);
        let own: Vec<String> =
            own.map(|(_, path, kind)| format!("{path} ({})", in_words(*kind))).collect();
        list(out, title, &own);
    }
    let left: Vec<String> =
        sections.left.iter().map(|(path, kind)| format!("{path} ({})", in_words(*kind))).collect();
    list(out, "Places that no line reads", &left);
    list(out, "Parts that no block reads", &survey.unread);
    let tied = hint::references(survey);
    let tied: Vec<String> =
        tied.into_iter().map(|(one, other)| format!("{one} names one of {other}")).collect();
    list(
        out,
        "Places that look like references; a bracket joins them: A[@id = this/B/@ref]",
        &tied,
    );
}

fn list(out: &mut String, title: &str, lines: &[String]) {
    if lines.is_empty() {
        return;
    }
    let _ = writeln!(out, "#\n# {title}:");
    for line in lines {
        let _ = writeln!(out, "#   {}", one_line(line));
    }
}

fn in_words(kind: TextKind) -> &'static str {
    match kind {
        TextKind::Asn => "an arrest summons number",
        TextKind::PncId => "a PNC identifier",
        TextKind::Cro => "a CRO number",
        TextKind::PtiUrn => "a case file's number",
        TextKind::Postcode => "a postcode",
        TextKind::Email => "an e-mail address",
        TextKind::Phone | TextKind::Phones(_) => "a telephone number",
        TextKind::OffenceCode => "an offence code",
        TextKind::Day => "a day",
        TextKind::Moment => "a moment",
        TextKind::YesNo => "yes or no",
        TextKind::Number => "digits",
        TextKind::Code => "a short text or code",
        TextKind::Text => "text",
    }
}

fn source(out: &mut String, survey: &Survey, sections: &Sections) {
    out.push_str("[source]\n");
    let mut keys: Vec<(&str, String)> = Vec::new();
    match &survey.format {
        BodyFormat::Xml => keys.push(("type", quoted("xml"))),
        BodyFormat::Json => keys.push(("type", quoted("json"))),
        BodyFormat::Csv(options) => {
            keys.push(("type", quoted("csv")));
            if options.separator != b',' {
                keys.push(("separator", quoted(&char::from(options.separator).to_string())));
            }
            if !options.header {
                keys.push(("header", "false".to_owned()));
            }
            if let Some(group) = &options.group {
                keys.push(("group", quoted(group)));
            }
        }
        BodyFormat::Fixed(_) => keys.push(("type", quoted("fixed"))),
    }
    if let Some(encoding) = survey.encoding {
        keys.push(("encoding", quoted(encoding)));
    }
    keys.push(("match", quoted(&match_path(survey))));
    keys.push(("record", quoted(&record_path(survey))));
    let dates: Vec<&str> = sections.dates.iter().map(|written| written.format).collect();
    if !dates.is_empty() {
        keys.push(("dates", list_of(&dates)));
    }
    if has_short_year(sections) {
        keys.push((
            "years",
            format!("{}  # choose: what two digits of a year mean", quoted(YEARS)),
        ));
    }
    keys.push(("timezone", quoted("Europe/London")));
    let blanks = nothing::seen(survey, sections);
    if !blanks.is_empty() {
        let blanks: Vec<&str> = blanks.iter().map(String::as_str).collect();
        keys.push((
            "blank",
            format!("{}  # unsure: do these mean that nothing is there?", list_of(&blanks)),
        ));
    }
    aligned(out, &keys);
    out.push('\n');
}

/// Texts that carry a document are opened first; what is inside is not looked into.
fn carried(out: &mut String, survey: &Survey) {
    for (path, kind) in hint::carried(survey) {
        let name = path.rsplit('/').next().unwrap_or_default();
        out.push_str("# choose: this text carries a document inside, which was not looked into.\n");
        let _ = writeln!(out, "# [[unwrap]]\n# at = \"//{}\"\n# as = \"{kind}\"\n", one_line(name));
    }
}

/// A line of two digits for the year, in the file's formats or a field's own.
fn has_short_year(sections: &Sections) -> bool {
    let is_short =
        |written: &DateWriting| written.format.contains("YY") && !written.format.contains("YYYY");
    let blocks = sections.blocks.iter().flat_map(|block| &block.lines);
    sections.root.iter().chain(blocks).flat_map(|line| &line.formats).any(is_short)
}

fn record_path(survey: &Survey) -> String {
    match &survey.format {
        BodyFormat::Fixed(options) => options.record.clone(),
        _ => format!("/{}", steps(&survey.record)),
    }
}

/// What makes a body this mapping's: the top of an XML document, the record's place elsewhere.
fn match_path(survey: &Survey) -> String {
    match &survey.format {
        BodyFormat::Xml => format!("/{}", steps(&survey.record[..1.min(survey.record.len())])),
        BodyFormat::Csv(options) => {
            let first = survey.root.iter().find(|place| !place.spot.above);
            let column = options.group.clone().or_else(|| first?.spot.steps.last().cloned());
            let row = if options.group.is_some() { "/record/row" } else { "/row" };
            column.map_or(row.to_owned(), |it| format!("{row}/{}", super::spot::quoted(&it)))
        }
        _ => format!("/{}", steps(&survey.record)),
    }
}

fn steps(steps: &[String]) -> String {
    steps.iter().map(|step| super::spot::quoted(step)).collect::<Vec<_>>().join("/")
}

fn block_of(out: &mut String, block: &Section, dates: &[DateWriting]) {
    let kind = if block.is_one { "one" } else { "each" };
    out.push('\n');
    if let Some((by, texts)) = &block.roles {
        let listed: Vec<String> = texts.iter().map(|text| quoted(text)).collect();
        let _ = writeln!(
            out,
            "# choose: put the offender's role in the place of {CHOOSE}. Seen in {}: {}{}",
            one_line(by),
            listed.join(", "),
            match block.roles_unwritten {
                0 => String::new(),
                more => format!(", and {more} that do not look like codes"),
            }
        );
        let _ =
            writeln!(out, "# The victim needs a block of the same kind with the victim's role.");
    } else if block.is_one {
        out.push_str("# choose: its name says that this is the offender.\n");
    }
    let _ = writeln!(out, "[[{kind}]]");
    aligned(out, &[("fills", quoted(block.fills)), ("from", quoted(&block.from))]);
    let _ = writeln!(out, "[{kind}.fields]");
    let prefix = if block.is_one { format!("{}.", block.fills) } else { String::new() };
    lines(out, &block.lines, &prefix, dates);
}

/// Lines of one section, a blank line between groups of fields.
fn lines(out: &mut String, lines: &[ProposedLine], prefix: &str, dates: &[DateWriting]) {
    let group = |line: &ProposedLine| line.field.spec().name.split('.').next().unwrap_or_default();
    let is_root = prefix.is_empty() && lines.iter().any(|line| line.field.spec().group.is_root());
    for (index, part) in
        lines.chunk_by(|one, other| !is_root || group(one) == group(other)).enumerate()
    {
        if index > 0 {
            out.push('\n');
        }
        let keys: Vec<(&str, String)> = part
            .iter()
            .map(|line| {
                let name = line.field.spec().name;
                (name.strip_prefix(prefix).unwrap_or(name), value(line, dates))
            })
            .collect();
        aligned(out, &keys);
    }
}

fn value(line: &ProposedLine, dates: &[DateWriting]) -> String {
    let from: Vec<&str> = line.from.iter().map(String::as_str).collect();
    let mut value = match from.as_slice() {
        [one] => format!("{{ from = {}", quoted(one)),
        several => format!("{{ from = {}", list_of(several)),
    };
    if let Some(join) = line.join {
        let _ = write!(value, ", join = {}", quoted(join));
    }
    if !line.apply.is_empty() {
        let apply: Vec<&str> = line.apply.iter().map(String::as_str).collect();
        let _ = write!(value, ", apply = {}", list_of(&apply));
    }
    if let Some(lookup) = &line.lookup {
        let _ = write!(value, ", lookup = {}", quoted(lookup));
    }
    if line.formats.iter().any(|written| !dates.contains(written)) {
        let mut own: Vec<&str> = line.formats.iter().map(|written| written.format).collect();
        own.dedup();
        let _ = write!(value, ", dates = {}", list_of(&own));
    }
    value.push_str(" }");
    if !line.unsure.is_empty() {
        let _ = write!(value, "  # unsure: {}", one_line(&line.unsure.join("; ")));
    }
    value
}

fn disposals(out: &mut String, sections: &Sections) {
    if sections.disposals.is_empty() {
        return;
    }
    out.push_str("\n# choose: which code is the conditional caution?\n");
    for (path, texts) in &sections.disposals {
        let texts: Vec<String> =
            texts.iter().map(|text| format!("'{}'", text.replace('\'', ""))).collect();
        let seen = match texts.as_slice() {
            [] => "is '…'".to_owned(),
            [one] => format!("is {one}"),
            several => format!("is one of {}", several.join(", ")),
        };
        let _ = writeln!(
            out,
            "# caution.kind = {{ value = \"conditional_caution\", when = \"'{}' {seen}\" }}",
            one_line(path)
        );
    }
}

fn lookups(out: &mut String, lookups: &[ProposedLookup]) {
    let own = lookups.iter().filter(|lookup| !lookup.is_built_in);
    for lookup in own {
        let _ = writeln!(out, "\n[lookup.{}]", quoted(&lookup.name));
        if lookup.rows.iter().any(|(_, meant)| meant.is_none()) || lookup.unwritten > 0 {
            let _ =
                writeln!(out, "# choose: each code means one of {}", lookup.may_mean.join(", "));
        }
        for (code, meant) in &lookup.rows {
            let _ = match meant {
                Some(meant) => writeln!(out, "{} = {}", quoted(code), quoted(meant)),
                None => writeln!(out, "# {} = \"\"", quoted(code)),
            };
        }
        if lookup.unwritten > 0 {
            let _ = writeln!(out, "# and {} that do not look like codes", lookup.unwritten);
        }
        out.push_str("otherwise = \"hold\"\n");
    }
}

fn test(out: &mut String, example: &Example) {
    out.push_str("\n[[test]]\n");
    aligned(
        out,
        &[
            ("name", quoted(&format!("what {} shows", example.title))),
            ("given_file", quoted(&format!("examples/{}", example.file))),
        ],
    );
    if !example.codes.is_empty() {
        out.push_str("# The force's codes, which the scrambled example does not hold.\n");
        let pairs: Vec<String> = example
            .codes
            .iter()
            .map(|(made, code)| format!("{} = {}", quoted(made), quoted(code)))
            .collect();
        let _ = writeln!(out, "change = {{ {} }}", pairs.join(", "));
    }
    out.push_str("expect.outcome = \"accepted\"\n");
}

fn aligned(out: &mut String, keys: &[(&str, String)]) {
    let width = keys.iter().map(|(key, _)| key.chars().count()).max().unwrap_or(0);
    for (key, value) in keys {
        let _ = writeln!(out, "{key:width$} = {value}");
    }
}

fn list_of(texts: &[&str]) -> String {
    let quoted: Vec<String> = texts.iter().map(|text| self::quoted(text)).collect();
    format!("[{}]", quoted.join(", "))
}

/// A name of the sample in a comment: no line end can end the comment.
fn one_line(text: &str) -> String {
    text.chars().map(|c| if c.is_control() { ' ' } else { c }).collect()
}
