//! Mistakes about what is carried inside, namespaces and persons who are said several times.

use super::diagnostics::SOUND;
use super::mistakes::Mistake;

const TOP: &str = "[fields]\n";

pub const LAYERS: &[Mistake] = &[
    ("a kind that does not exist", TOP, "[[unwrap]]\nat = \"//Line\"\nas = \"xlm\"\n[fields]\n"),
    ("a kind is missing", TOP, "[[unwrap]]\nat = \"//Line\"\n[fields]\n"),
    ("a place is missing", TOP, "[[unwrap]]\nas = \"json\"\n[fields]\n"),
    ("a place that no example has", TOP, "[[unwrap]]\nat = \"//Lien\"\nas = \"xml\"\n[fields]\n"),
    (
        "columns for another kind",
        TOP,
        "[[unwrap]]\nat = \"//Line\"\nas = \"json\"\ncolumns = [\"a 2\"]\n[fields]\n",
    ),
    ("columns are missing", TOP, "[[unwrap]]\nat = \"//Line\"\nas = \"fixed\"\n[fields]\n"),
    (
        "no column in the list",
        TOP,
        "[[unwrap]]\nat = \"//Line\"\nas = \"fixed\"\ncolumns = []\n[fields]\n",
    ),
    (
        "a column without a width",
        TOP,
        "[[unwrap]]\nat = \"//Line\"\nas = \"fixed\"\ncolumns = [\"code two\"]\n[fields]\n",
    ),
    ("a key that does not exist", TOP, "[[unwrap]]\nfrom = \"//Line\"\n[fields]\n"),
    ("a section where it cannot be", TOP, "[unwrap]\nat = \"//Line\"\nas = \"xml\"\n[fields]\n"),
    ("inside an attribute that nothing opens", "\"Officer/Name\"", "\"Officer/@collar/Name\""),
    (
        "a prefix that is nearly declared",
        TOP,
        "[source.namespaces]\npolice = \"urn:example:police\"\n[fields]\n\
         officer.unit = { from = \"pol:Officer/Unit\" }\n\
         officer.phone = { from = \"police:Officer/Phone\" }\n",
    ),
    ("a prefix that nothing uses", TOP, "[source.namespaces]\np = \"urn:example:p\"\n[fields]\n"),
    (
        "a name that is there in another namespace",
        "blank    = [\"NULL\"]\n\n[fields]\nsource.record_ref              = { from = [\"Number\"",
        "blank = [\"NULL\"]\n[source.namespaces]\np = \"urn:example:p\"\n[fields]\n\
         source.record_ref = { from = [\"p:Number\"",
    ),
    ("a namespace that is no text", TOP, "[source.namespaces]\np = 1\n[fields]\n"),
    ("a namespace that is blank", TOP, "[source.namespaces]\np = \" \"\n[fields]\n"),
    ("a prefix that is none", TOP, "[source.namespaces]\n\"a b\" = \"urn:example:p\"\n[fields]\n"),
    (
        "namespaces of what has none",
        "type     = \"xml\"",
        "namespaces = { p = \"urn:example:p\" }\ntype = \"json\"",
    ),
    (
        "the same person in a list of things",
        "from  = \"Offence\"\n",
        "from = \"Offence\"\nsame_by = \"@code\"\n",
    ),
    (
        "the same person by what no example has",
        "from  = \"Person[@role='S']\"\n",
        "from = \"Person[@role='S']\"\nsame_by = \"PersonID\"\n",
    ),
    (
        "the same person by nothing",
        "from  = \"Person[@role='S']\"\n",
        "from = \"Person[@role='S']\"\nsame_by = []\n",
    ),
];

#[test]
fn mistakes_of_what_is_carried_inside_and_of_who_somebody_is() {
    insta::assert_snapshot!(SOUND.shown(LAYERS));
}
