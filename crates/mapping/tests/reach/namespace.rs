//! Names that count only in their namespace, with a decoy of another one.

use cara_mapping::could_both_match;

use super::envelope::escaped;
use super::{check, plan};

const MAPPING: &str = r#"
[source]
type   = "xml"
match  = "/libra:Message"
record = "/libra:Message/libra:Case"
dates  = ["YYYY-MM-DD"]

[source.namespaces]
libra = "urn:example:libra"
ext   = "urn:example:extension"

[[unwrap]]
at = "libra:Message/libra:Case/ext:Attached"
as = "xml"

[fields]
source.record_ref = { from = "libra:Ref" }
officer.name      = { from = "any:Officer/@ext:name" }
officer.unit      = { from = "ext:Attached/libra:Unit" }

[[one]]
fills = "offender"
from  = "//libra:Person[@ext:role='S']"
[one.fields]
family_name = { from = "libra:Name" }
title       = { from = "ext:*" }
"#;

/// The same document, however its prefixes are chosen.
const DEFAULT: &str = r#"<Message xmlns="urn:example:libra" xmlns:e="urn:example:extension">
 <Case>
  <Ref>R1</Ref><Ref xmlns="urn:example:other">R2</Ref><e:Ref>R3</e:Ref>
  <Officer xmlns="" name="decoy" e:name="T. HILL"/>
  <Person e:role="S"><e:Title>Mr</e:Title><Name>ROOK</Name><e:Name xmlns:e="urn:example:other">HALE</e:Name></Person>
  <Person role="S"><Name>FINCH</Name></Person>
  <e:Person e:role="S"><Name>MARSH</Name></e:Person>
  <e:Attached>INNER</e:Attached>
 </Case>
</Message>"#;

const INNER: &str = "<A xmlns:l='urn:example:libra'><l:Unit>Central</l:Unit><Unit>decoy</Unit></A>";

const READ: &[&str] = &[
    "source.record_ref = R1",
    "officer.name = T. HILL",
    "offender.title = Mr",
    "offender.family_name = ROOK",
];

fn with_inner(inner: &str) -> String {
    DEFAULT.replace("INNER", &escaped(inner))
}

#[test]
fn a_declared_prefix_finds_its_own_namespace_and_nothing_else() {
    let mapping = MAPPING.replace("ext:Attached/libra:Unit", "ext:Attached/A/libra:Unit");
    let mut read = READ.to_vec();
    read.insert(2, "officer.unit = Central");
    check(&mapping, with_inner(INNER), &[&read]);
    // Other prefixes for the same namespaces, and declared elsewhere, are the same document.
    let other = with_inner(INNER)
        .replace(
            "<Message xmlns=\"urn:example:libra\"",
            "<q:Message xmlns:q=\"urn:example:libra\" xmlns=\"urn:example:libra\"",
        )
        .replace("</Message>", "</q:Message>");
    check(&mapping, other, &[&read]);
}

#[test]
fn what_was_opened_inherits_no_namespace() {
    check(MAPPING, with_inner("<Unit>Central</Unit>"), &[READ]);
    let mut read = READ.to_vec();
    read.insert(2, "officer.unit = Central");
    let inner = "<Unit xmlns='urn:example:libra'>Central</Unit>";
    check(MAPPING, with_inner(inner), &[&read]);
}

#[test]
fn a_bare_name_goes_on_finding_every_namespace() {
    let mapping = MAPPING.replace("{ from = \"libra:Ref\" }", "{ from = \"Ref\" }");
    let mut read = READ.to_vec();
    read[0] = "source.record_ref = Unreadable";
    read.push("more_than_one source.record_ref line 3");
    check(&mapping, with_inner(INNER), &[&read]);
}

#[test]
fn a_body_of_another_namespace_is_for_another_mapping() {
    let other = MAPPING.replace("urn:example:libra", "urn:example:libra:2");
    assert!(!could_both_match(&plan(MAPPING), &plan(&other)));
    assert!(could_both_match(&plan(MAPPING), &plan(MAPPING)));
    let bare = MAPPING.replace("match  = \"/libra:Message\"", "match = \"/Message\"");
    assert!(could_both_match(&plan(MAPPING), &plan(&bare)));
    let tree_of = |mapping: &str| {
        let plan = plan(mapping);
        let body = with_inner(INNER);
        let tree = plan.read(&body, &cara_document::Limits::default()).unwrap();
        plan.matches(&tree)
    };
    assert!(tree_of(MAPPING));
    assert!(!tree_of(&other));
}
