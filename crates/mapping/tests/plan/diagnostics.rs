//! Every mistake with the exact text that a person sees.

use cara_mapping::Plan;
use cara_mapping::code::MappingCode;

use super::layer::LAYERS;
use super::mistakes::{Base, Mistake};
use super::{BASE, compiled};

pub const SOUND: Base<Plan> = Base { text: BASE, compile: compiled };

const SYNTAX: &[Mistake] = &[
    ("a quote is missing at the end", "\"hampshire\"", "\"hampshire"),
    ("a quote is missing at the start", "\"hampshire\"", "hampshire\""),
    ("a quote is missing in a line", "{ from = \"Number\" }", "{ from = \"Number }"),
    ("a brace is missing", "{ from = \"Number\" }", "{ from = \"Number\""),
    ("a bracket is missing in a list", "[\"NULL\"]", "[\"NULL\""),
    ("an equals sign is missing", "force  =", "force"),
    ("a text of several lines never ends", "because   = \"High", "because   = \'\'\'High"),
    ("a section is not closed", "[source]", "[source"),
    ("a line stands twice", "risk.tool                      =", "risk.grade ="),
    ("an escape that is none", "\"/Export/Case\"", "\"\\Export\\Case\""),
];

const KEYS: &[Mistake] = &[
    ("a key that does not exist", "timezone =", "timezon ="),
    ("a key of another section", "format = 1", "format = 1\nnamespaces = []"),
    ("a number that is another", "format = 1", "format = 2"),
    ("a text where a number belongs", "format = 1", "format = \"1\""),
    ("a force that does not exist", "\"hampshire\"", "\"hampshir\""),
    ("another kind of document", "\"referral/1\"", "\"referal/1\""),
    ("a key is missing", "force  = \"hampshire\"\n", ""),
    ("a type that does not exist", "\"xml\"", "\"xlm\""),
    ("a time zone that does not exist", "\"Europe/London\"", "\"Europe/Londn\""),
    ("an encoding that does not exist", "blank ", "encoding = \"utf8-8\"\nblank "),
    ("a key for another type", "blank ", "separator = \";\"\nblank "),
    ("a section where it cannot be", "[[rule]]", "[rule]"),
    ("a line of a fixed-width file", "[[rule]]", "[[line]]\nname = \"A\"\n\n[[rule]]"),
];

const FIELDS: &[Mistake] = &[
    ("a field that does not exist", "family_name        =", "familly_name ="),
    ("a field of a group", "case.occurrence_number ", "offences.cjs_code "),
    ("a field of the root", "cjs_code   =", "risk.grade ="),
    ("a field filled twice", "views               =", "ref = { from = \"@id\" }\nviews ="),
    ("a person's field twice", "risk.tool ", "offender.sex = { from = \"@sex\" }\nrisk.tool "),
    ("a mandatory field is not filled", "family_name        = { from = \"Surname\" }\n", ""),
    ("nothing to reach the offender", "phones             =", "title ="),
    ("evidence from a constant", "{ from = \"Risk/@tool\" }", "{ value = \"dash\" }"),
    ("a constant that cannot be", "\"conditional_caution\"", "\"conditional\""),
    ("a constant that is no date", "{ from = \"Disposal/Deadline\" }", "{ value = \"soon\" }"),
    ("a constant with a lookup", "value = \"cond", "lookup = \"grade\", value = \"cond"),
    ("from and value", "from = \"Officer/Name\"", "from = \"Officer/Name\", value = \"X\""),
    ("neither from nor value", "from = \"Officer/Name\"", "apply = [\"trim\"]"),
    ("from misspelt", "from = \"Officer/Name\"", "form = \"Officer/Name\""),
    ("a path without its braces", "{ from = \"Officer/Name\" }", "\"Officer/Name\""),
    ("an empty list", "from = \"Officer/Name\"", "from = []"),
    ("a block for nobody", "fills = \"offender\"", "fills = \"offfender\""),
    ("a block without a place", "from  = \"Person[@role='S']\"\n", ""),
];

const PATHS: &[Mistake] = &[
    ("a bracket is not closed", "\"Person[@role='V']\"", "\"Person[@role='V'\""),
    ("a name that no example has", "\"Officer/Name\"", "\"Officer/Nmae\""),
    ("a step that no example has", "\"Officer/Name\"", "\"Oficer/Name\""),
    ("brackets that nothing passes", "\"Person[@role='V']\"", "\"Person[@role='X']\""),
    ("an attribute that is an element", "\"Risk/@tool\"", "\"Risk/tool\""),
    (
        "the victim is read from the offender's place",
        "\"Person[@role='V']\"",
        "\"Person[@role='S']\"",
    ),
    ("a path twice in one list", "[\"Mobile\", \"Phone\"]", "[\"Mobile\", \"Mobile\"]"),
    ("a value that no example has", "@type' is 'CC'", "@type' is one of 'CC', 'CCX'"),
    ("a record that no example has", "\"/Export/Case\"", "\"/Export/Cse\""),
    ("behind an escape", "\"Officer/Name\"", "\"Officer[@collar=\\\"2217\\\"]/Nmae\""),
    ("in a condition", "'Disposal/@type'", "'Disposal/@tpe'"),
    ("a join that begins nowhere", "\"Officer/Name\"", "\"Officer[@collar = Name]/Name\""),
];

const VALUES: &[Mistake] = &[
    ("a transform that does not exist", "\"postcode\"", "\"postcod\""),
    ("a transform without its argument", "\"postcode\"", "\"before\""),
    ("a transform for another field", "\"postcode\"", "\"uk phone\""),
    ("a list into one text", "\"Officer/Name\"", "\"Officer/Name\", apply = [\"words\"]"),
    ("a lookup that does not exist", "lookup = \"bond\"", "lookup = \"bnod\""),
    ("a lookup that nothing uses", "lookup = \"bond\"", "apply = [\"trim\"]"),
    (
        "no otherwise",
        "\"EX\"   = \"intimate_partner\"\notherwise = \"hold\"",
        "\"EX\" = \"relative\"",
    ),
    ("a value that cannot be", "\"medium\"\n", "\"medum\"\n"),
    ("evidence by default", "\"high\"\notherwise = \"hold\"", "\"high\"\notherwise = \"high\""),
    (
        "a row that nothing meets",
        "lookup = \"bond\"",
        "apply = [\"lower case\"], lookup = \"bond\"",
    ),
    ("a row that counts as nothing", "\"EX\"   =", "\"NULL\" ="),
    ("capitals for small codes", "\"Risk/@tool\"", "\"Risk/@tool\", apply = [\"upper case\"]"),
    ("a slip of hold", "\"high\"\notherwise = \"hold\"", "\"high\"\notherwise = \"hodl\""),
    ("a slip of otherwise", "\"high\"\notherwise =", "\"high\"\notherwse ="),
    ("formats with other strokes", "[\"DD/MM/YYYY\"]", "[\"DD.MM.YYYY\"]"),
    ("day and month exchanged", "[\"DD/MM/YYYY\"]", "[\"MM/DD/YYYY\"]"),
    ("a code twice", "\"MED\"  =", "\" STD \" = \"medium\"\n\"MED\"  ="),
    ("a date format that is none", "[\"DD/MM/YYYY\"]", "[\"DD/MM/yyyy\"]"),
    ("formats that clash", "[\"DD/MM/YYYY\"]", "[\"DD/MM/YYYY\", \"MM/DD/YYYY\"]"),
    ("no date format", "dates    = [\"DD/MM/YYYY\"]\n", ""),
    ("formats for a text", "\"Officer/Name\"", "\"Officer/Name\", dates = [\"DD/MM/YYYY\"]"),
    ("years that are none", "blank ", "years = \"30-29\"\nblank "),
];

const CONDITIONS: &[Mistake] = &[
    ("a quote is not closed", "\"'Disposal/@type' is 'CC'\"", "\"'Disposal/@type' is 'CC\""),
    ("no operator", "'Disposal/@type' is 'CC'", "'Disposal/@type' 'CC'"),
    ("a field that does not exist", "risk.grade is one", "risk.grad is one"),
    ("an operator that does not exist", "is one of standard, medium", "is oneof standard"),
    (
        "an operator of order on a text",
        "risk.grade is one of standard, medium",
        "officer.name is before 2026-01-01",
    ),
    ("a value that can never be", "standard, medium", "standard, medum"),
    (
        "a field that nothing fills",
        "risk.grade is one of standard, medium",
        "offender.language is English",
    ),
    ("a rule that is always kept", "is one of standard, medium", "is present"),
    (
        "a list without a quantifier",
        "risk.grade is one of standard, medium",
        "offender.phones is '1'",
    ),
    (
        "a rule that neither holds nor flags",
        "otherwise = \"hold\"\nbecause",
        "otherwise = \"refuse\"\nbecause",
    ),
    ("a rule without a reason", "because   = \"High-risk cases need a supervisor first\"\n", ""),
];

const TESTS: &[Mistake] = &[
    ("a file that is not there", "\"full.xml\"", "\"ful.xml\""),
    ("an outcome that does not exist", "\"accepted\"", "\"acepted\""),
    ("a field that does not exist", "expect.offender.family_name", "expect.offender.famly_name"),
    (
        "a code that does not exist",
        "expect.outcome =",
        "expect.flags = [\"unreadible\"]\nexpect.outcome =",
    ),
    ("no outcome", "expect.outcome = \"accepted\"\n", ""),
    ("nothing given", "given_file = \"full.xml\"\n", ""),
];

const FIXED: &str = "[source]\ntype = \"fixed\"\nrecord = \"CASE\"\ndates = [\"DDMMYYYY\"]\n";

#[test]
fn the_base_has_no_mistake() {
    assert_eq!(SOUND.seen(BASE), "");
}

#[test]
fn mistakes_in_the_toml_itself() {
    insta::assert_snapshot!(SOUND.shown(SYNTAX));
}

#[test]
fn mistakes_of_keys_and_sections() {
    insta::assert_snapshot!(SOUND.shown(KEYS));
}

#[test]
fn mistakes_of_fields() {
    insta::assert_snapshot!(SOUND.shown(FIELDS));
}

#[test]
fn mistakes_of_paths() {
    insta::assert_snapshot!(SOUND.shown(PATHS));
}

#[test]
fn mistakes_of_transforms_lookups_and_dates() {
    insta::assert_snapshot!(SOUND.shown(VALUES));
}

#[test]
fn mistakes_of_conditions() {
    insta::assert_snapshot!(SOUND.shown(CONDITIONS));
}

#[test]
fn mistakes_of_tests() {
    let without = &BASE[..BASE.find("[[test]]").unwrap()];
    insta::assert_snapshot!(format!("{}--- no test\n{}", SOUND.shown(TESTS), SOUND.seen(without)));
}

#[test]
fn mistakes_of_fixed_widths() {
    let lines =
        "[[line]]\nname = \"CASE\"\nis = \"1 are C\"\ncolumns = [\"- 1\", \"number eleven\"]\n";
    let (before, after) = BASE.split_at(BASE.find("[source]").unwrap());
    let fields = &after[after.find("[fields]").unwrap()..];
    let text = format!("{before}{FIXED}\n{lines}\n{fields}");
    let found = compiled(&text).diagnostics;
    let of_lines = found.iter().filter(|it| it.code == MappingCode::LINE);
    insta::assert_snapshot!(of_lines.map(|it| it.render()).collect::<String>());
}

#[test]
fn every_mistake_of_a_file_is_told_at_once() {
    let text = SOUND
        .with("\"hampshire\"", "\"hampshir\"")
        .replace("\"Officer/Name\"", "\"Officer/Nmae\"")
        .replace("lookup = \"bond\"", "lookup = \"bnod\"")
        .replace("\"medium\"\n", "\"medum\"\n")
        .replace("expect.outcome =", "expect.outcom =");
    let found = SOUND.found(&text);
    let expected = [(2, "M105"), (17, "M122"), (19, "M141"), (86, "M143"), (105, "M181")];
    assert_eq!(found, expected);
}

#[test]
fn what_is_no_toml_is_told_with_what_else_is_wrong_and_without_what_only_follows() {
    let text = SOUND
        .with("\"hampshire\"", "\"hampshire")
        .replace("{ from = \"Risk/@tool\" }", "{ from = \"Risk/@tool\"")
        .replace("\"medium\"\n", "\"medum\"\n");
    assert_eq!(SOUND.found(&text), [(2, "M101"), (29, "M101"), (86, "M143")]);
    assert!(compiled(&text).plan.is_none());
}

#[test]
fn every_code_has_a_mistake_here() {
    let all = [SYNTAX, KEYS, FIELDS, PATHS, VALUES, CONDITIONS, TESTS, LAYERS].concat();
    let mut found = SOUND.codes(&all);
    found.extend([MappingCode::LINE, MappingCode::NO_TEST]);
    // From M191 on they are of letters, which have a test of their own.
    let here = MappingCode::all().filter(|code| code.id() < "M191");
    let missing: Vec<MappingCode> = here.filter(|code| !found.contains(code)).collect();
    assert_eq!(missing, []);
}

#[test]
fn the_published_ids_ascend_and_every_part_of_every_page_is_written() {
    let ids: Vec<&str> = MappingCode::all().map(MappingCode::id).collect();
    assert!(ids.is_sorted_by(|one, other| one < other), "{ids:?}");
    for code in MappingCode::all() {
        let page = code.page();
        for part in [page.means, page.cause, page.fix, page.avoid] {
            assert!(part.ends_with('.') || part.contains('"') || part.contains('`'), "{code:?}");
        }
        assert!(!page.effect.is_empty());
        assert_eq!(MappingCode::find(page.id), Some(code));
    }
}
