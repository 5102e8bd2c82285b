//! Names of elements, members and columns as words: `OIC_TEL` is officer, phone.

/// Short forms and other words for the same thing, as record systems use them, and the word that
/// the clues are written with.
const MEANT: &[(&str, &str)] = &[
    ("accused", "suspect"),
    ("actions", "action"),
    ("addr", "address"),
    ("addresses", "address"),
    ("agg", "victim"),
    ("aggrieved", "victim"),
    ("aka", "alias"),
    ("allegation", "offence"),
    ("allegations", "offence"),
    ("amt", "amount"),
    ("auth", "authority"),
    ("authorised", "authority"),
    ("authorisation", "authority"),
    ("authorization", "authority"),
    ("authorized", "authority"),
    ("born", "birth"),
    ("cautioned", "caution"),
    ("cellphone", "mobile"),
    ("charge", "offence"),
    ("charges", "offence"),
    ("child", "children"),
    ("committed", "offence"),
    ("complainant", "victim"),
    ("conditions", "condition"),
    ("contacts", "contact"),
    ("defendant", "suspect"),
    ("detainee", "suspect"),
    ("disp", "disposal"),
    ("dob", "birth"),
    ("doc", "document"),
    ("eml", "email"),
    ("eth", "ethnicity"),
    ("ethnic", "ethnicity"),
    ("firstname", "forename"),
    ("firstnames", "forename"),
    ("forenames", "forename"),
    ("fname", "forename"),
    ("gender", "sex"),
    ("ident", "id"),
    ("identifier", "id"),
    ("identifiers", "id"),
    ("incidents", "incident"),
    ("injured", "victim"),
    ("interp", "interpreter"),
    ("inv", "investigation"),
    ("ip", "victim"),
    ("issued", "given"),
    ("administered", "given"),
    ("lang", "language"),
    ("lastname", "surname"),
    ("lines", "line"),
    ("lname", "surname"),
    ("loc", "location"),
    ("mail", "email"),
    ("mailbox", "inbox"),
    ("mob", "mobile"),
    ("msg", "message"),
    ("nbr", "number"),
    ("needs", "need"),
    ("nfa", "abode"),
    ("no", "number"),
    ("nominals", "nominal"),
    ("num", "number"),
    ("occ", "occurrence"),
    ("off", "offence"),
    ("offences", "offence"),
    ("offender", "suspect"),
    ("offense", "offence"),
    ("offenses", "offence"),
    ("oic", "officer"),
    ("officers", "officer"),
    ("orders", "order"),
    ("owner", "officer"),
    ("oo", "officer"),
    ("ongoing", "current"),
    ("people", "person"),
    ("perpetrator", "suspect"),
    ("persons", "person"),
    ("place", "location"),
    ("pncid", "pnc"),
    ("pnid", "pnc"),
    ("postal", "postcode"),
    ("ptiurn", "urn"),
    ("recid", "id"),
    ("reference", "ref"),
    ("references", "ref"),
    ("refno", "ref"),
    ("rel", "relationship"),
    ("relation", "relationship"),
    ("relations", "relationship"),
    ("requirement", "condition"),
    ("requirements", "condition"),
    ("respondent", "suspect"),
    ("safecontact", "safe"),
    ("shoulder", "collar"),
    ("sus", "suspect"),
    ("susp", "suspect"),
    ("suspects", "suspect"),
    ("tel", "phone"),
    ("telephone", "phone"),
    ("telno", "phone"),
    ("phones", "phone"),
    ("emails", "email"),
    ("town", "line"),
    ("street", "line"),
    ("locality", "line"),
    ("city", "line"),
    ("county", "line"),
    ("vic", "victim"),
    ("vict", "victim"),
    ("victims", "victim"),
    ("warn", "warning"),
    ("warnings", "warning"),
    ("markers", "warning"),
    ("marker", "warning"),
    ("warrant", "collar"),
    ("zip", "postcode"),
];

/// Words that stand in one name without a capital or a stroke between them.
const JOINED: &[(&str, &[&str])] = &[
    ("cjscode", &["cjs", "code"]),
    ("crimeref", &["crime", "ref"]),
    ("dateofbirth", &["birth"]),
    ("forename1", &["forename"]),
    ("givenname", &["given", "name"]),
    ("familyname", &["family", "name"]),
    ("middlename", &["forename"]),
    ("middlenames", &["forename"]),
    ("sde", &["self", "defined", "ethnicity"]),
    ("timebar", &["time", "bar"]),
];

/// The words of a name in small letters, short forms written out, numbers left out.
pub(super) fn words(name: &str) -> Vec<String> {
    let mut words: Vec<String> = Vec::new();
    for part in parts(name) {
        if let Some((_, written)) = JOINED.iter().find(|(short, _)| *short == part) {
            words.extend(written.iter().map(|word| (*word).to_owned()));
        } else {
            let meant = MEANT.iter().find(|(short, _)| *short == part);
            words.push(meant.map_or(part, |(_, word)| (*word).to_owned()));
        }
    }
    words
}

/// `OICTelNo` → oic, tel, no. A capital after a small letter begins a word, and so does the last
/// of several capitals before a small one.
fn parts(name: &str) -> Vec<String> {
    let letters: Vec<char> = name.chars().collect();
    let mut parts = vec![String::new()];
    for (index, letter) in letters.iter().enumerate() {
        if !letter.is_alphabetic() {
            parts.push(String::new());
            continue;
        }
        let before = index.checked_sub(1).map(|before| letters[before]);
        let after = letters.get(index + 1);
        let begins = letter.is_uppercase()
            && (before.is_some_and(char::is_lowercase)
                || (before.is_some_and(char::is_uppercase)
                    && after.is_some_and(|after| after.is_lowercase())));
        if begins {
            parts.push(String::new());
        }
        if let Some(last) = parts.last_mut() {
            last.extend(letter.to_lowercase());
        }
    }
    parts.retain(|part| !part.is_empty());
    parts
}

/// Words that coded texts of this trade are made of. A text of several words may stand in a mapping
/// only if all of them are here: then it names no person.
const TRADE: &[&str] = &[
    "a",
    "abuse",
    "accepted",
    "accused",
    "active",
    "admitted",
    "aggrieved",
    "agrees",
    "and",
    "answer",
    "applicable",
    "asked",
    "assault",
    "asserted",
    "away",
    "by",
    "call",
    "cancelled",
    "cara",
    "caution",
    "cautioned",
    "child",
    "civil",
    "closed",
    "complainant",
    "conditional",
    "conviction",
    "cps",
    "current",
    "dara",
    "dash",
    "declined",
    "defendant",
    "defined",
    "disagrees",
    "domestic",
    "elsewhere",
    "engaged",
    "estranged",
    "ex",
    "family",
    "favour",
    "female",
    "former",
    "girlfriend",
    "boyfriend",
    "high",
    "home",
    "house",
    "husband",
    "in",
    "injured",
    "intimate",
    "joint",
    "known",
    "living",
    "local",
    "low",
    "male",
    "married",
    "medium",
    "member",
    "mobile",
    "mother",
    "father",
    "neutral",
    "new",
    "no",
    "none",
    "not",
    "of",
    "offender",
    "old",
    "on",
    "open",
    "opposes",
    "or",
    "order",
    "parent",
    "parents",
    "partner",
    "party",
    "person",
    "police",
    "post",
    "present",
    "prosecutor",
    "reached",
    "recorded",
    "refused",
    "relative",
    "reply",
    "sergeant",
    "inspector",
    "superintendent",
    "constable",
    "chief",
    "separated",
    "shared",
    "sought",
    "spouse",
    "standard",
    "stated",
    "subject",
    "supervisor",
    "supports",
    "suspect",
    "text",
    "the",
    "to",
    "under",
    "unknown",
    "update",
    "updated",
    "victim",
    "view",
    "wife",
    "witness",
    "work",
    "yes",
    "cond",
    "phone",
    "email",
    "landline",
    "about",
    "after",
    "before",
    "between",
];

/// Whether a text may stand in a mapping that was made from a sample: it looks like a code (at most
/// 12 characters, no space, letters of one case), or is made of words of the trade alone.
pub(super) fn may_be_written(text: &str) -> bool {
    let plain = |c: char| c.is_ascii_alphanumeric() || "_-./+*:".contains(c);
    let one_case = !text.chars().any(char::is_lowercase) || !text.chars().any(char::is_uppercase);
    let has_dash_date = text.chars().filter(char::is_ascii_digit).count() > 6;
    let code = text.chars().count() <= 12
        && one_case
        && !has_dash_date
        && text.chars().all(plain)
        && !text.is_empty();
    code || is_of_trade(text)
}

fn is_of_trade(text: &str) -> bool {
    let mut words = text.split(|c: char| !c.is_alphanumeric()).filter(|word| !word.is_empty());
    let known = |word: &str| TRADE.contains(&word.to_lowercase().as_str());
    text.chars().count() <= 40
        && text.chars().all(|c| c.is_ascii_alphanumeric() || " -/,".contains(c))
        && words.clone().next().is_some()
        && words.all(known)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_is_read_as_the_words_it_is_made_of() {
        for (name, expected) in [
            ("OIC_TEL", "officer phone"),
            ("OICTelNo", "officer phone number"),
            ("ComplianceInbox", "compliance inbox"),
            ("Forename1", "forename"),
            ("DOB", "birth"),
            ("breachMailbox", "breach inbox"),
            ("IP_DOB", "victim birth"),
            ("SDE", "self defined ethnicity"),
            ("@liveTogether", "live together"),
            ("time bar", "time bar"),
        ] {
            assert_eq!(words(name).join(" "), expected, "{name}");
        }
    }

    #[test]
    fn what_may_be_written_looks_like_a_code_or_is_of_the_trade() {
        for text in ["CCAU", "N/A", "injured party", "HUSBAND OR WIFE", "1", "OC03A"] {
            assert!(may_be_written(text), "{text}");
        }
        for text in ["Ashdown", "Petra Ashdown", "07700900862", "12 Larch Way", "", "19900214"] {
            assert!(!may_be_written(text), "{text}");
        }
    }
}
