//! Home Office force codes.

use std::borrow::Cow;
use std::fmt;

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::{Deserialize, Deserializer, Serialize, Serializer, de};

use super::UnreadableIdentifier;

/// A police force by its Home Office two-digit code: `44`. `00` ("Athena forces") is a pseudo-code
/// and not a force.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ForceCode(u8);

/// Every force with its slug (DOMAIN section 3.3); 02 is a second code of the Metropolitan Police.
static FORCES: &[(u8, &str)] = &[
    (1, "metropolitan"),
    (2, "metropolitan"),
    (3, "cumbria"),
    (4, "lancashire"),
    (5, "merseyside"),
    (6, "greater-manchester"),
    (7, "cheshire"),
    (10, "northumbria"),
    (11, "durham"),
    (12, "north-yorkshire"),
    (13, "west-yorkshire"),
    (14, "south-yorkshire"),
    (16, "humberside"),
    (17, "cleveland"),
    (20, "west-midlands"),
    (21, "staffordshire"),
    (22, "west-mercia"),
    (23, "warwickshire"),
    (24, "ministry-of-defence"),
    (30, "derbyshire"),
    (31, "nottinghamshire"),
    (32, "lincolnshire"),
    (33, "leicestershire"),
    (34, "northamptonshire"),
    (35, "cambridgeshire"),
    (36, "norfolk"),
    (37, "suffolk"),
    (40, "bedfordshire"),
    (41, "hertfordshire"),
    (42, "essex"),
    (43, "thames-valley"),
    (44, "hampshire"),
    (45, "surrey"),
    (46, "kent"),
    (47, "sussex"),
    (48, "city-of-london"),
    (50, "devon-and-cornwall"),
    (52, "avon-and-somerset"),
    (53, "gloucestershire"),
    (54, "wiltshire"),
    (55, "dorset"),
    (59, "civil-nuclear"),
    (60, "north-wales"),
    (61, "gwent"),
    (62, "south-wales"),
    (63, "dyfed-powys"),
    (88, "hmrc"),
    (91, "nca"),
    (93, "british-transport"),
    (97, "isle-of-man"),
    (98, "psni"),
];

impl ForceCode {
    const UNREADABLE: UnreadableIdentifier =
        UnreadableIdentifier { expected: "a Home Office force code" };

    /// Reads two digits of a force that exists.
    pub fn parse(text: &str) -> Result<ForceCode, UnreadableIdentifier> {
        match text.trim().as_bytes() {
            &[tens @ b'0'..=b'9', ones @ b'0'..=b'9'] => {
                ForceCode::from_number((tens - b'0') * 10 + (ones - b'0')).ok_or(Self::UNREADABLE)
            }
            _ => Err(Self::UNREADABLE),
        }
    }

    /// The force with this number, 0 to 99; None when there is none.
    pub fn from_number(number: u8) -> Option<ForceCode> {
        FORCES.iter().any(|&(code, _)| code == number).then_some(ForceCode(number))
    }

    /// The force with this slug: `hampshire`. For the Metropolitan Police it is 01.
    pub fn from_slug(slug: &str) -> Option<ForceCode> {
        FORCES.iter().find(|&&(_, name)| name == slug).map(|&(code, _)| ForceCode(code))
    }

    pub fn number(self) -> u8 {
        self.0
    }

    /// The name of the force's folder of mappings: `hampshire`.
    pub fn slug(self) -> &'static str {
        let row = FORCES.iter().find(|&&(code, _)| code == self.0);
        row.map_or_else(|| unreachable!("a force code is made from a row"), |&(_, slug)| slug)
    }

    /// Every code there is, in order.
    pub fn all() -> impl Iterator<Item = ForceCode> {
        FORCES.iter().map(|&(code, _)| ForceCode(code))
    }
}

impl fmt::Display for ForceCode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:02}", self.0)
    }
}

/// A force's code is not personal, so it may be shown.
impl fmt::Debug for ForceCode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "ForceCode({self})")
    }
}

impl Serialize for ForceCode {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for ForceCode {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = <Cow<'de, str>>::deserialize(deserializer)?;
        ForceCode::parse(&text).map_err(de::Error::custom)
    }
}

impl JsonSchema for ForceCode {
    fn inline_schema() -> bool {
        true
    }
    fn schema_name() -> Cow<'static, str> {
        "ForceCode".into()
    }
    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({ "type": "string", "pattern": "^[0-9]{2}$", "description": Self::UNREADABLE.expected })
    }
}
