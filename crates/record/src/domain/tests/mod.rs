//! The rules, each with what breaks it and the codes that says so.
use super::*;

#[test]
fn the_example_is_a_referral_without_flags() {
    let domains = example::compliance_domains();
    match validate(example::draft(), &example::context(&domains)) {
        Validated::Referral(referral) => assert_eq!(referral.flags, []),
        Validated::Stopped(stopped) => panic!("{:?}", stopped.findings),
        Validated::Withdrawal(_) => panic!("a withdrawal"),
    }
}
