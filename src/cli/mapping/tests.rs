use std::path::PathBuf;
use std::process::ExitCode;

use serde_json::Value;

use super::attempt::Try;
use super::check::Check;
use super::show::Show;
use crate::cli::format::{Format, Shape};

fn mappings() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("mappings")
}

fn checked(path: PathBuf) -> (ExitCode, String) {
    let mut out = Vec::new();
    let code = Check { path, watch: false, shape: Shape::default() }.run(&mut out).unwrap();
    (code, String::from_utf8(out).unwrap())
}

fn tried(force: &str, example: &str, config: Option<PathBuf>) -> (ExitCode, String) {
    tried_in(Shape::default(), force, example, config)
}

fn tried_in(
    shape: Shape,
    force: &str,
    example: &str,
    config: Option<PathBuf>,
) -> (ExitCode, String) {
    let record = mappings().join(force).join("examples").join(example);
    let args = Try { force: force.to_owned(), record, mappings: mappings(), config, shape };
    let mut out = Vec::new();
    let code = args.run("2026-11-23T12:00:00Z".parse().unwrap(), &mut out).unwrap();
    (code, String::from_utf8(out).unwrap())
}

#[test]
fn checking_all_mappings_says_what_each_ones_tests_reach() {
    let (code, out) = checked(mappings());
    assert_eq!(code, ExitCode::SUCCESS, "{out}");
    assert_eq!(out.matches("0 failed").count(), 27, "{out}");
    assert!(out.contains("norfolk/referral.toml: ") && out.contains(" lookup rows, "), "{out}");
    assert!(out.ends_with("nothing to mend in 27 mappings and 3 bases\n"), "{out}");
    assert_eq!(checked(mappings().join("norfolk/referral.toml")).0, ExitCode::SUCCESS);
}

#[test]
fn a_mistake_is_shown_with_its_line_and_fails_the_check() {
    let folder = std::env::temp_dir().join(format!("mapping-check-{}", std::process::id()));
    let force = folder.join("west-midlands");
    std::fs::create_dir_all(force.join("examples")).unwrap();
    for entry in std::fs::read_dir(mappings().join("west-midlands/examples")).unwrap() {
        let entry = entry.unwrap();
        std::fs::copy(entry.path(), force.join("examples").join(entry.file_name())).unwrap();
    }
    let text = std::fs::read_to_string(mappings().join("west-midlands/referral.toml")).unwrap();
    let slip = text.replacen("risk.grade  ", "risk.grad   ", 1);
    assert_ne!(slip, text);
    std::fs::write(force.join("referral.toml"), slip).unwrap();
    let (code, out) = checked(folder.clone());
    std::fs::write(force.join("twin.toml"), &text).unwrap();
    std::fs::write(force.join("referral.toml"), &text).unwrap();
    let (twin_code, twins) = checked(force);
    std::fs::remove_dir_all(&folder).unwrap();
    assert_eq!(code, ExitCode::FAILURE);
    assert!(out.contains("referral.toml:") && out.contains("^^^"), "{out}");
    assert!(out.contains("did you mean: risk.grade"), "{out}");
    assert_eq!(twin_code, ExitCode::FAILURE);
    assert!(twins.contains("could both take the same body"), "{twins}");
}

#[test]
fn a_folder_without_mappings_fails_the_check() {
    let (code, out) = checked(mappings().join("hampshire/examples"));
    assert_eq!(code, ExitCode::FAILURE);
    assert!(out.contains("no mapping here"), "{out}");
    assert_eq!(checked(mappings().join("atlantis")).0, ExitCode::FAILURE);
}

#[test]
fn a_good_record_shows_its_referral_and_where_each_field_came_from() {
    let (code, out) = tried("hampshire", "full.xml", None);
    assert_eq!(code, ExitCode::SUCCESS, "{out}");
    assert!(out.contains("record 1 of 1, from line 3: accepted"), "{out}");
    assert!(out.contains("\"family_name\": \"O'CONNELL-BRIGHT\""), "{out}");
    let line = out.lines().find(|line| line.contains("offender.address.postcode")).unwrap();
    for part in [" 19 ", "Address[@type='HOME']/Postcode", "so149zz → postcode: SO14 9ZZ"] {
        assert!(line.contains(part), "{part} in {line}");
    }
    let line = out.lines().find(|line| line.contains("caution.conditions[2].kind")).unwrap();
    assert!(line.contains("NCON → lookup \"condition\": no_contact"), "{line}");
}

#[test]
fn a_bad_record_shows_everything_that_stops_it() {
    let (code, out) = tried("norfolk", "refused.txt", None);
    assert_eq!(code, ExitCode::FAILURE);
    assert!(out.contains(": refused"), "{out}");
    for part in [
        "violation V104 contact_missing: offender.phones",
        "caution.deadline from caution/deadline",
    ] {
        assert!(out.contains(part), "{part} in {out}");
    }
    let (code, out) = tried("norfolk", "unlisted.txt", None);
    assert_eq!(code, ExitCode::FAILURE);
    assert!(
        out.contains(": held") && out.contains("not listed: \"ZZ\" for relationship.kind"),
        "{out}"
    );
}

#[test]
fn every_record_of_a_body_is_tried() {
    let (code, out) = tried("leicestershire", "several.csv", None);
    assert_eq!(code, ExitCode::SUCCESS, "{out}");
    assert!(out.contains("record 3 of 3"), "{out}");
}

#[test]
fn a_body_that_the_mapping_does_not_take_is_refused_with_its_place() {
    let (code, out) = tried("hampshire", "../../west-midlands/examples/full.json", None);
    assert_eq!(code, ExitCode::FAILURE);
    assert!(out.contains("line 1"), "{out}");
    assert_eq!(tried("hampshire", "absent.xml", None).0, ExitCode::FAILURE);
    let full = mappings().join("hampshire/examples/full.xml");
    let (code, out) = tried("rutland", full.to_str().unwrap(), None);
    assert_eq!(code, ExitCode::FAILURE);
    assert!(out.contains("no mapping of this force"), "{out}");
}

/// Norfolk's mapping split into a base and a file that extends it, in a folder of their own.
fn split(name: &str) -> PathBuf {
    let folder = std::env::temp_dir().join(format!("mapping-{name}-{}", std::process::id()));
    let text = std::fs::read_to_string(mappings().join("norfolk/referral.toml")).unwrap();
    let (shared, tests) = text.split_at(text.find("[[test]]").unwrap());
    let (force, shared): (Vec<_>, Vec<_>) =
        shared.lines().partition(|line| line.starts_with("force "));
    for below in ["base", "norfolk"] {
        std::fs::create_dir_all(folder.join(below)).unwrap();
    }
    std::fs::write(folder.join("base/shared.toml"), shared.join("\n")).unwrap();
    let own = format!("extends = \"../base/shared.toml\"\n{}\n{tests}", force[0]);
    std::fs::write(folder.join("norfolk/referral.toml"), own).unwrap();
    let examples = mappings().join("norfolk/examples");
    std::os::unix::fs::symlink(examples, folder.join("norfolk/examples")).unwrap();
    folder
}

#[test]
fn a_base_is_checked_through_the_files_that_extend_it() {
    let folder = split("base");
    let (code, out) = checked(folder.clone());
    assert_eq!(code, ExitCode::SUCCESS, "{out}");
    assert!(out.ends_with("nothing to mend in 1 mapping and 1 base\n"), "{out}");
    for path in ["base", "base/shared.toml"] {
        let (code, of_base) = checked(folder.join(path));
        assert_eq!(code, ExitCode::SUCCESS, "{of_base}");
        let by = folder.join("norfolk/referral.toml").display().to_string();
        assert!(of_base.contains(&format!("shared.toml is extended by {by}\n")), "{of_base}");
        assert!(of_base.ends_with(&out), "{of_base}");
    }
    let lonely = folder.join("base/lonely.toml");
    std::fs::write(&lonely, "").unwrap();
    let (code, out) = checked(lonely);
    assert_eq!(code, ExitCode::FAILURE);
    assert!(out.ends_with("lonely.toml is extended by no mapping\n"), "{out}");
    std::fs::remove_dir_all(&folder).unwrap();
}

#[test]
fn a_mapping_is_shown_with_the_lines_of_its_base() {
    let folder = split("show");
    let shown = |shape| {
        let (force, name) = ("norfolk".to_owned(), "referral".to_owned());
        let mut out = Vec::new();
        let args = Show { force, name, mappings: folder.clone(), shape };
        assert_eq!(args.run(&mut out).unwrap(), ExitCode::SUCCESS);
        String::from_utf8(out).unwrap()
    };
    let text = shown(Shape { format: Format::Text });
    let marked = |line: &str, mark: &str| {
        let line = text.lines().find(|it| it.starts_with(line)).unwrap();
        assert!(line.contains(mark), "{line}");
    };
    marked("[source]", "  # base:");
    marked("force ", "  # own:2");
    let document: Value = serde_json::from_str(&shown(Shape { format: Format::Json })).unwrap();
    let lines = document["lines"].as_array().unwrap();
    assert_eq!(lines.len(), text.lines().count());
    let of = |text: &str| lines.iter().find(|it| it["text"].as_str().unwrap().starts_with(text));
    let line = of("force ").unwrap();
    assert!(line["file"].as_str().unwrap().ends_with("norfolk/referral.toml"), "{line}");
    assert_eq!(line["line"], 2);
    assert!(of("[source]").unwrap()["file"].as_str().unwrap().ends_with("base/shared.toml"));
    // What is shown is a mapping itself, and the same one.
    std::fs::write(folder.join("norfolk/referral.toml"), text).unwrap();
    let (code, out) = checked(folder.clone());
    std::fs::remove_dir_all(&folder).unwrap();
    assert_eq!(code, ExitCode::SUCCESS, "{out}");
}

/// The trace of a record, as a person reads it.
#[test]
fn a_trace_shows_lines_paths_and_every_step() {
    let (_, out) = tried("leicestershire", "full.csv", None);
    let table = out.find("\n  field").map_or("", |start| &out[start..]);
    insta::assert_snapshot!(table.replace(&mappings().display().to_string(), "mappings"));
}

const JSON: Shape = Shape { format: Format::Json };

fn parsed((code, out): (ExitCode, String)) -> (ExitCode, serde_json::Value) {
    (code, serde_json::from_str(&out).unwrap())
}

#[test]
fn a_try_as_json_says_what_became_of_the_record_and_of_each_field() {
    let (code, all) = parsed(tried_in(JSON, "hampshire", "full.xml", None));
    assert_eq!(code, ExitCode::SUCCESS);
    let record = &all["records"][0];
    assert_eq!((&all["problems"], &record["line"]), (&serde_json::json!([]), &3.into()));
    assert_eq!(record["outcome"], "accepted");
    assert_eq!(record["content"]["offender_side"]["offender"]["family_name"], "O'CONNELL-BRIGHT");
    let fields = record["fields"].as_array().unwrap();
    let postcode = fields.iter().find(|it| it["field"] == "offender.address.postcode").unwrap();
    assert_eq!(
        postcode["steps"],
        serde_json::json!([
            { "by": "reading", "texts": ["so149zz"] },
            { "by": "transform", "name": "postcode", "texts": ["SO14 9ZZ"] },
        ])
    );
    assert_eq!((&postcode["value"][0], &postcode["record_line"]), (&"SO14 9ZZ".into(), &19.into()));

    let (code, all) = parsed(tried_in(JSON, "norfolk", "unlisted.txt", None));
    assert_eq!(code, ExitCode::FAILURE);
    let record = &all["records"][0];
    assert_eq!(
        (&record["outcome"], &record["findings"][0]["kind"]),
        (&"held".into(), &"hold".into())
    );
    let fields = record["fields"].as_array().unwrap();
    let relation = fields.iter().find(|it| it["field"] == "relationship.kind").unwrap();
    assert_eq!(relation["stuck_at"]["by"], "lookup");
    assert_eq!(relation["value"], serde_json::json!([]));

    let (code, all) = parsed(tried_in(JSON, "rutland", "full.xml", None));
    assert_eq!((code, all["problems"].as_array().unwrap().len()), (ExitCode::FAILURE, 1));
}

#[test]
fn a_check_as_json_says_the_same_as_in_words() {
    let check = |path: PathBuf| {
        let mut out = Vec::new();
        let code = Check { path, watch: false, shape: JSON }.run(&mut out).unwrap();
        parsed((code, String::from_utf8(out).unwrap()))
    };
    let (code, all) = check(mappings().join("norfolk/referral.toml"));
    assert_eq!((code, &all["to_mend"]), (ExitCode::SUCCESS, &0.into()));
    let tests = &all["mappings"][0]["tests"];
    assert!(tests["passed"].as_u64().unwrap() > 0 && tests["failures"] == serde_json::json!([]));
    assert_eq!(tests["coverage"][1]["of"], "lookup rows");

    let file = std::env::temp_dir().join(format!("slip-{}.toml", std::process::id()));
    std::fs::write(&file, "format = 1\nforce = \"hampshir\"\n").unwrap();
    let (code, all) = check(file.clone());
    std::fs::remove_file(file).unwrap();
    assert_eq!((code, &all["to_mend"]), (ExitCode::FAILURE, &1.into()));
    let diagnostics = all["mappings"][0]["diagnostics"].as_array().unwrap();
    let slip = diagnostics.iter().find(|it| it["line"] == 2).unwrap();
    assert_eq!((&slip["suggestion"], &slip["column"]), (&"hampshire".into(), &9.into()));
    assert!(slip["code"].as_str().unwrap().starts_with('M'));

    let (code, all) = check(mappings().join("atlantis"));
    assert_eq!((code, all["problem"].is_string()), (ExitCode::FAILURE, true));
}

#[test]
fn every_mapping_command_has_an_example_in_its_help() {
    use clap::Subcommand as _;
    let group = super::Command::augment_subcommands(clap::Command::new("mapping"));
    let without = group.get_subcommands().filter_map(|command| {
        let help = command.clone().render_long_help().to_string();
        let example = format!("Example: cara-gateway mapping {} ", command.get_name());
        (!help.contains(&example)).then(|| command.get_name().to_owned())
    });
    assert_eq!(without.collect::<Vec<_>>(), Vec::<String>::new());
}
