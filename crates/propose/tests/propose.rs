//! A mapping proposed from each force's own examples, against the one that is written by hand.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on fails")]

use std::collections::BTreeMap;
use std::path::PathBuf;

use cara_document::{Limits, NodeId, Tree};
use cara_mapping::extend::effective;
use cara_mapping::path::{Path, PathStart};
use cara_mapping::{Plan, compile, trial};
use cara_propose::{CHOOSE, Layout, Proposal, Sample, propose};
use proptest::prelude::*;

const SEED: u64 = 20_251_124;

fn mappings() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../mappings")
}

fn forces() -> Vec<String> {
    let entries = std::fs::read_dir(mappings()).unwrap().map(|entry| entry.unwrap());
    let mut forces: Vec<String> = entries
        .filter(|entry| entry.path().join("referral.toml").is_file())
        .map(|entry| entry.file_name().into_string().unwrap())
        .filter(|name| name != "base")
        .collect();
    forces.sort();
    forces
}

/// The mapping that is written by hand, whole where it extends a base.
fn hand(force: &str) -> String {
    let folder = mappings().join(force);
    let text = std::fs::read_to_string(folder.join("referral.toml")).unwrap();
    let open = |name: &str| std::fs::read(folder.join(name)).ok();
    effective("referral.toml", &text, &open).text
}

/// The force's own records: what is neither a letter nor a decision.
fn samples(force: &str) -> Vec<(String, Vec<u8>)> {
    let entries = std::fs::read_dir(mappings().join(force).join("examples")).unwrap();
    let mut files: Vec<PathBuf> = entries.map(|entry| entry.unwrap().path()).collect();
    files.sort();
    let name = |path: &PathBuf| path.file_name().unwrap().to_str().unwrap().to_owned();
    files.retain(|path| !name(path).starts_with("notice-") && !name(path).starts_with("decision-"));
    files.iter().map(|path| (name(path), std::fs::read(path).unwrap())).collect()
}

fn proposed(force: &str, samples: &[(String, Vec<u8>)], layout: Option<&Layout>) -> Proposal {
    let samples: Vec<Sample<'_>> =
        samples.iter().map(|(name, bytes)| Sample { name, bytes }).collect();
    propose(force, &samples, layout, SEED).unwrap()
}

/// A field of a mapping: where its block stands, and the paths that it reads.
#[derive(Debug)]
struct Read {
    block: Vec<String>,
    from: Vec<String>,
}

/// Every field that a mapping reads with `from`, by its full name.
fn reads(text: &str) -> BTreeMap<String, Read> {
    let mapping: toml::Value = toml::from_str(text).unwrap();
    let mut reads = BTreeMap::new();
    collect("", &mapping["fields"], &[], &mut reads);
    for kind in ["one", "each"] {
        for block in mapping.get(kind).and_then(toml::Value::as_array).into_iter().flatten() {
            let fills = block["fills"].as_str().unwrap();
            collect(fills, &block["fields"], &texts(&block["from"]), &mut reads);
        }
    }
    reads
}

fn texts(value: &toml::Value) -> Vec<String> {
    match value.as_array() {
        Some(all) => all.iter().map(|it| it.as_str().unwrap().to_owned()).collect(),
        None => vec![value.as_str().unwrap().to_owned()],
    }
}

fn collect(
    prefix: &str,
    fields: &toml::Value,
    block: &[String],
    into: &mut BTreeMap<String, Read>,
) {
    for (key, value) in fields.as_table().unwrap() {
        let name = if prefix.is_empty() { key.clone() } else { format!("{prefix}.{key}") };
        let table = value.as_table().unwrap();
        match table.get("from") {
            Some(from) if !from.is_table() => {
                into.insert(name, Read { block: block.to_vec(), from: texts(from) });
            }
            _ if table.contains_key("value") => {}
            _ => collect(&name, value, block, into),
        }
    }
}

/// What the proposal may be measured by: everything but the victim, the risk and the children.
fn is_proposable(field: &str) -> bool {
    !field.starts_with("victim.") && !field.starts_with("risk.")
}

/// The texts that a field finds in a body and where each stands, record by record.
fn found(plan: &Plan, body: &str, read: &Read, role: Option<&str>) -> Vec<Vec<(usize, String)>> {
    let chosen = |text: &String| role.map_or(text.clone(), |role| text.replace(CHOOSE, role));
    let mut names = plan.names().clone();
    let mut path = |text: &String| Path::parse(&chosen(text), &mut names).unwrap();
    let blocks: Vec<Path> = read.block.iter().map(&mut path).collect();
    let paths: Vec<Path> = read.from.iter().map(&mut path).collect();
    let tree = cara_document::parse(body, plan.format(), &names, &Limits::default()).unwrap();
    let select = |path: &Path, place: PathStart| {
        let mut nodes = Vec::new();
        path.select(&tree, place, &mut nodes);
        nodes
    };
    let records = plan.records(&tree).into_iter().map(|record| {
        let items: Vec<NodeId> = match blocks.is_empty() {
            true => vec![record],
            false => blocks.iter().flat_map(|path| select(path, record.into())).collect(),
        };
        let places = items.into_iter().map(|item| PathStart { record, item });
        let nodes = places.flat_map(|place| {
            paths.iter().flat_map(|path| select(path, place)).collect::<Vec<_>>()
        });
        nodes.map(|node| at(&tree, body, node)).filter(|(_, text)| !text.is_empty()).collect()
    });
    records.collect()
}

/// Where the text of a node begins, without the blanks before it.
fn at(tree: &Tree<'_>, body: &str, node: NodeId) -> (usize, String) {
    let text = tree.text(node).into_owned();
    let span = tree.span(node);
    let blanks = body[span.clone()].len() - body[span.clone()].trim_start().len();
    (span.start + blanks, text)
}

/// The role that the mapping written by hand gives the offender.
fn role(reads: &BTreeMap<String, Read>) -> Option<String> {
    let block = reads.get("offender.family_name")?.block.first()?.clone();
    let (_, role) = block.rsplit_once("='")?;
    Some(role.split('\'').next()?.to_owned())
}

/// How many of a force's proposable fields the proposal reads from the right places, and which
/// ones it does not.
fn measure(force: &str, layout: Option<&Layout>) -> (usize, usize, Vec<String>) {
    let hand = hand(force);
    let samples = samples(force);
    let proposal = proposed(force, &samples, layout);
    let of_hand = reads(&hand);
    let of_proposal = reads(&proposal.text);
    let hand_plan = compile("referral.toml", &hand, &|_| None).plan.unwrap();
    let own_plan = compile("referral.toml", &proposal.text, &|_| None).plan.unwrap();
    let role = role(&of_hand);
    let mut wrong = Vec::new();
    let mut right = 0;
    for (field, read) in of_hand.iter().filter(|(field, _)| is_proposable(field)) {
        let own = of_proposal.get(field);
        let mut is_found = false;
        let same = own.is_some_and(|own| {
            samples.iter().all(|(_, bytes)| {
                let body = String::from_utf8(bytes.clone()).unwrap();
                let expected = found(&hand_plan, &body, read, None);
                is_found |= expected.iter().any(|texts| !texts.is_empty());
                expected == found(&own_plan, &body, own, role.as_deref())
            })
        });
        // Nothing found by both is no agreement.
        if same && is_found {
            right += 1;
        } else {
            let own = own.map_or(&[][..], |own| &own.from);
            wrong.push(format!("{field}: {:?} for {:?}", own, read.from));
        }
    }
    (right, right + wrong.len(), wrong)
}

#[test]
fn seven_in_ten_of_the_other_fields_are_read_from_the_right_place() {
    let (mut right, mut all) = (0, 0);
    for force in forces() {
        let (own_right, own_all, wrong) = measure(&force, None);
        println!("{force}: {own_right} of {own_all}; not: {wrong:#?}");
        right += own_right;
        all += own_all;
    }
    println!("{right} of {all}");
    assert!(right * 10 >= all * 7, "{right} of {all}");
}

/// Without a layout, and with the one that a person has written where lines need one.
fn layouts(force: &str) -> Vec<Option<Layout>> {
    [None].into_iter().chain(Layout::read(&hand(force)).ok().map(Some)).collect()
}

#[test]
fn what_is_written_is_for_a_person_to_read() {
    let proposal = proposed("hampshire", &samples("hampshire"), None);
    insta::assert_snapshot!("hampshire_mapping", proposal.text);
    let example = &proposal.examples[1];
    insta::assert_snapshot!("hampshire_example", std::str::from_utf8(&example.bytes).unwrap());
    let proposal = proposed("leicestershire", &samples("leicestershire"), None);
    insta::assert_snapshot!("leicestershire_mapping", proposal.text);
}

#[test]
fn with_its_lines_described_a_fixed_width_body_is_read_as_well() {
    let layout = Layout::read(&hand("norfolk")).unwrap();
    let (right, all, wrong) = measure("norfolk", Some(&layout));
    println!("{right} of {all}; not: {wrong:#?}");
    assert!(right * 10 >= all * 7, "{right} of {all}");
}

/// Every text of a body, whatever holds it; the words of JSON itself are none.
fn texts_of(plan: &Plan, body: &str) -> Vec<String> {
    let tree = cara_document::parse(body, plan.format(), plan.names(), &Limits::default()).unwrap();
    let texts = tree.subtree(tree.root()).map(|node| tree.text(node).into_owned());
    texts.filter(|text| !["true", "false"].contains(&text.as_str())).collect()
}

/// Texts of three characters or more that the samples and the examples both hold.
fn survivors(proposal: &Proposal, samples: &[(String, Vec<u8>)]) -> Vec<String> {
    let plan = compile("referral.toml", &proposal.text, &|_| None).plan.unwrap();
    let of = |bytes: &[u8]| texts_of(&plan, std::str::from_utf8(bytes).unwrap());
    let mut said: Vec<String> = samples.iter().flat_map(|(_, bytes)| of(bytes)).collect();
    said.retain(|text| text.chars().count() >= 3);
    let made: Vec<String> = proposal.examples.iter().flat_map(|it| of(&it.bytes)).collect();
    let survives =
        |said: &&String| made.iter().any(|made| made.to_lowercase().contains(&said.to_lowercase()));
    said.iter().filter(survives).cloned().collect()
}

fn made_count(proposal: &Proposal) -> usize {
    let plan = compile("referral.toml", &proposal.text, &|_| None).plan.unwrap();
    let texts = proposal
        .examples
        .iter()
        .flat_map(|example| texts_of(&plan, std::str::from_utf8(&example.bytes).unwrap()));
    texts.filter(|text| !text.is_empty()).count()
}

fn said_count(proposal: &Proposal, samples: &[(String, Vec<u8>)]) -> usize {
    let plan = compile("referral.toml", &proposal.text, &|_| None).plan.unwrap();
    let texts =
        samples.iter().flat_map(|(_, bytes)| texts_of(&plan, std::str::from_utf8(bytes).unwrap()));
    texts.filter(|text| !text.is_empty()).count()
}

#[test]
fn no_text_of_a_sample_survives_in_an_example() {
    for force in forces() {
        let samples = samples(&force);
        for layout in layouts(&force) {
            let proposal = proposed(&force, &samples, layout.as_ref());
            assert_eq!(survivors(&proposal, &samples), Vec::<String>::new(), "{force}");
            assert_eq!(proposal.examples.len(), samples.len());
            let (said, made) = (said_count(&proposal, &samples), made_count(&proposal));
            assert!(made * 10 >= said * 9, "{force}: {made} texts stand for {said}");
        }
    }
}

/// What a person has to do is all that is wrong with the file: fill what is mandatory, choose a role.
#[test]
fn what_is_written_compiles_but_for_what_it_says_is_missing() {
    for force in forces() {
        let samples = samples(&force);
        for layout in layouts(&force) {
            let proposal = proposed(&force, &samples, layout.as_ref());
            let file = |name: &str| {
                let example =
                    proposal.examples.iter().find(|it| format!("examples/{}", it.file) == name);
                example.map(|example| example.bytes.clone())
            };
            let compiled = compile("referral.toml", &proposal.text, &file);
            for diagnostic in &compiled.diagnostics {
                let shown = diagnostic.render();
                let says = match diagnostic.code.id() {
                    "M114" => {
                        proposal.missing.iter().any(|it| shown.contains(it.as_str()))
                            || shown.contains("no_fixed_abode")
                    }
                    "M122" | "M125" => shown.contains(CHOOSE),
                    _ => false,
                };
                assert!(says, "{force}: {shown}");
            }
            let report = trial::run(&compiled.plan.unwrap(), &file);
            for (test, what) in &report.failures {
                assert!(what.starts_with("expected accepted, was"), "{force}: {test}: {what}");
            }
        }
    }
}

/// What a person adds to the proposal for Hampshire: the choices, the victim and the risk.
const CHOSEN: &[(&str, &str)] = &[
    (CHOOSE, "SUSPECT"),
    ("# caution.kind", "caution.kind"),
    ("# \"UPD\" = \"\"", "\"UPD\" = \"amended\""),
    ("# \"PARENT\" = \"\"", "\"PARENT\" = \"shared_parent\""),
    ("# \"PARTNER\" = \"\"", "\"PARTNER\" = \"intimate_partner\""),
    ("# \"POL\" = \"\"", "\"POL\" = \"police\""),
    ("# \"NCON\" = \"\"", "\"NCON\" = \"no_contact\""),
    ("# \"OTHR\" = \"\"", "\"OTHR\" = \"other\""),
];

const ADDED: &str = include_str!("propose/added.toml");

/// The scrambled examples with the codes put back are records that the force could have sent.
#[test]
fn finished_by_a_person_the_proposal_passes_its_own_tests() {
    let mut samples = samples("hampshire");
    samples.retain(|(name, _)| ["full.xml", "amended.xml", "minimal.xml"].contains(&name.as_str()));
    let proposal = proposed("hampshire", &samples, None);
    let mut text = proposal.text.clone();
    for (open, chosen) in CHOSEN {
        assert!(text.contains(open), "{open}");
        text = text.replace(open, chosen);
    }
    let (fields, blocks) = ADDED.split_once("# ---\n").unwrap();
    text = text.replacen("[fields]\n", &format!("[fields]\n{fields}"), 1);
    text = text.replacen("[[test]]", &format!("{blocks}\n[[test]]"), 1);
    let file = |name: &str| {
        let example = proposal.examples.iter().find(|it| format!("examples/{}", it.file) == name);
        example.map(|example| example.bytes.clone())
    };
    let compiled = compile("referral.toml", &text, &file);
    let shown: String = compiled.diagnostics.iter().map(|it| it.render()).collect();
    assert_eq!(shown, "");
    let report = trial::run(&compiled.plan.unwrap(), &file);
    assert_eq!((report.passed, report.failures.clone()), (3, Vec::new()));
}

/// What a record says of two people; every text is one that stands nowhere else.
#[derive(Clone, Debug)]
struct Said {
    surnames: [String; 2],
    forenames: [String; 2],
    line: String,
    phone: String,
    email: String,
    birth: String,
    number: String,
    code: String,
}

fn said() -> impl Strategy<Value = Said> {
    let people = ("QZ[A-Z]{2,8}", "Qz[a-z]{3,9}", "Zq[a-z]{2,6}", "ZQ[A-Z]{3,7}");
    let contact = (
        "[1-9][0-9]? Qx[a-z]{4,9} Row",
        "07[1-9][0-9]{2} [0-9]{6}",
        "qj[a-z]{2,6}@xq[a-z]{3}\\.org",
    );
    let rest = ("(0[1-9]|1[0-9]|2[0-8])/(0[1-9]|1[0-2])/19[5-9][0-9]", "44[0-9]{9}", "[A-Z]{3,6}");
    (people, contact, rest).prop_map(
        |((a, b, c, d), (line, phone, email), (birth, number, code))| Said {
            surnames: [a, b],
            forenames: [c, d],
            line,
            phone,
            email,
            birth,
            number,
            code,
        },
    )
}

fn xml(said: &Said) -> String {
    let Said { surnames, forenames, line, phone, email, birth, number, code } = said;
    let person = |role: &str, index: usize| {
        format!(
            "<Person role=\"{role}\"><Surname>{}</Surname><Forename>{}</Forename><DOB>{birth}</DOB>\
             <Address><Line>{line}</Line></Address><Phone>{phone}</Phone><Email>{email}</Email></Person>",
            surnames[index], forenames[index]
        )
    };
    format!(
        "<!-- {line} --><Case><CaseNumber>{number}</CaseNumber>{}{}<Relationship type=\"{code}\"/></Case>",
        person("SUSPECT", 0),
        person("VICTIM", 1)
    )
}

fn json(said: &Said) -> String {
    let Said { surnames, forenames, line, phone, email, birth, number, code } = said;
    format!(
        "{{\"caseNumber\": {number}, \"suspect\": {{\"surname\": \"{}\", \"forename\": \"{}\", \"born\": \"{birth}\", \
          \"address\": [\"{line}\"], \"phone\": \"{phone}\"}}, \"victim\": {{\"surname\": \"{}\", \"forename\": \"{}\", \
          \"email\": \"{email}\"}}, \"relationship\": \"{code}\"}}",
        surnames[0], forenames[0], surnames[1], forenames[1]
    )
}

fn csv(said: &Said) -> String {
    let Said { surnames, forenames, line, phone, email, birth, number, code } = said;
    format!(
        "CASE_NO,SURNAME,FORENAME,DOB,ADDRESS,TEL,MAIL,REL,IP_NAME\n\
         {number},{},{},{birth},\"{line}, Town\",{phone},{email},{code},\"{}, {}\"\n",
        surnames[0], forenames[0], surnames[1], forenames[1]
    )
}

fn fixed(said: &Said) -> String {
    let Said { surnames, forenames, phone, birth, number, code, .. } = said;
    format!(
        "10{number:14}{code}\n20{:14}{:14}{birth}  {phone}\n30{:14}{:14}\n",
        surnames[0], forenames[0], surnames[1], forenames[1]
    )
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(48) })]

    #[test]
    fn nothing_that_somebody_says_is_written_anywhere(
        all in proptest::collection::vec(said(), 1..4),
        seed in any::<u64>(),
    ) {
        for shape in [xml, json, csv, fixed] {
            let samples: Vec<(String, Vec<u8>)> =
                all.iter().map(|it| ("sample".to_owned(), shape(it).into_bytes())).collect();
            let given: Vec<Sample<'_>> =
                samples.iter().map(|(name, bytes)| Sample { name, bytes }).collect();
            let proposal = propose("hampshire", &given, None, seed).unwrap();
            prop_assert_eq!(survivors(&proposal, &samples), Vec::<String>::new());
            for said in &all {
                let Said { surnames, forenames, line, phone, email, birth, number, .. } = said;
                let personal = surnames.iter().chain(forenames).chain([line, phone, email, birth, number]);
                for text in personal {
                    prop_assert!(!proposal.text.contains(text.as_str()), "{} in {}", text, proposal.text);
                }
            }
        }
    }
}
