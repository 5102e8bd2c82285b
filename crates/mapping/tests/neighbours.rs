//! Records of one body are different people: no path leads from one into another by `//`.

use cara_document::Limits;
use cara_domain::Value;
use cara_domain::field::{FieldId, Group};
use cara_mapping::compile;

const MAPPING: &str = r#"
format = 1
force = "hampshire"
fills = "referral/1"
[source]
type = "xml"
match = "/Export"
record = "/Export/Case"
[fields]
source.record_ref = { from = "//Person/@id" }
[[one]]
fills = "offender"
from = "Persons/Person"
[one.fields]
family_name = { from = "//Surname" }
"#;

const BODY: &str = "<Export>\
    <Case><Persons><Person id='1'/></Persons><Names><Surname>ONE</Surname></Names></Case>\
    <Case><Persons><Person id='2'/></Persons><Names><Surname>TWO</Surname></Names></Case>\
    </Export>";

#[test]
fn two_slashes_find_only_what_is_in_the_same_record() {
    let compiled = compile("referral.toml", MAPPING, &|_| None);
    let plan = compiled.plan.unwrap();
    let tree = plan.read(BODY, &Limits::default()).unwrap();
    let records = plan.records(&tree);
    assert_eq!(records.len(), 2);
    for (record, expected) in records.into_iter().zip([["1", "ONE"], ["2", "TWO"]]) {
        let draft = plan.translate(&tree, record).draft;
        for (field, text) in ["source.record_ref", "offender.family_name"].into_iter().zip(expected)
        {
            let value = &draft.root.slot(FieldId::find(Group::Root, field).unwrap()).value;
            assert_eq!(*value, Value::Text(text.into()), "{field}");
        }
        assert_eq!(draft.findings, []);
    }
}
