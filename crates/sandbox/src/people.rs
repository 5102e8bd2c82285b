//! Made-up people. The same seed gives the same people; nobody of them exists.
//!
//! Words about victims share no word with words about offenders, so that a single word tells whose
//! it is when it turns up somewhere.

/// One person as the shapes of all forces need it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Person {
    pub family_name: String,
    pub given_name: String,
    /// Eleven digits from Ofcom's range for drama: `07700900123`.
    pub phone: String,
    /// Before the `@`.
    pub mailbox: String,
    /// Of the force's own system.
    pub number: u32,
    /// A word that only this person knows.
    pub code_word: String,
}

/// Endless people, always in the same order for one seed.
#[derive(Clone, Debug)]
pub struct People {
    state: u64,
    made: u32,
}

const OFFENDER_SYLLABLES: [&str; 16] = [
    "bar", "cor", "den", "fol", "gar", "hol", "kin", "lor", "mer", "nor", "pel", "rad", "sel",
    "tor", "wen", "dal",
];
const VICTIM_SYLLABLES: [&str; 16] = [
    "vi", "zu", "qua", "xe", "vo", "zy", "que", "xi", "va", "ze", "qui", "xo", "vey", "zo", "quo",
    "xa",
];

impl People {
    pub fn seeded(seed: u64) -> People {
        People { state: seed, made: 0 }
    }

    pub fn offender(&mut self) -> Person {
        self.person(&OFFENDER_SYLLABLES, "o", 0)
    }

    pub fn victim(&mut self) -> Person {
        self.person(&VICTIM_SYLLABLES, "z", 500)
    }

    /// A whole number below `bound`.
    pub fn below(&mut self, bound: u64) -> u64 {
        // splitmix64
        self.state = self.state.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.state;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        (z ^ (z >> 31)) % bound.max(1)
    }

    fn person(&mut self, syllables: &[&str; 16], side: &str, phones_from: u32) -> Person {
        self.made += 1;
        let phone = phones_from + self.made % 500;
        Person {
            family_name: capital(&self.word(syllables, 4)),
            given_name: capital(&self.word(syllables, 3)),
            phone: format!("07700900{phone:03}"),
            mailbox: format!("{side}{}{}", self.word(syllables, 3), self.made),
            number: 100_000 + self.made,
            code_word: self.word(syllables, 5),
        }
    }

    fn word(&mut self, syllables: &[&str; 16], count: usize) -> String {
        (0..count).map(|_| syllables[self.below(16) as usize]).collect()
    }
}

fn capital(word: &str) -> String {
    let (first, rest) = word.split_at(1);
    first.to_uppercase() + rest
}

impl Person {
    /// The words by which this person would be recognised in a text, as [`words`] writes them.
    pub fn marks(&self) -> Vec<String> {
        let phone = self.phone.trim_start_matches('0');
        vec![
            self.family_name.to_lowercase(),
            self.given_name.to_lowercase(),
            self.phone.clone(),
            format!("44{phone}"),
            self.mailbox.clone(),
            self.code_word.clone(),
        ]
    }
}

/// The words of a text in lower case: letters and digits without what is between them.
pub fn words(text: &str) -> impl Iterator<Item = String> + '_ {
    let words = text.split(|c: char| !c.is_alphanumeric());
    words.filter(|word| !word.is_empty()).map(str::to_lowercase)
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn no_word_about_a_victim_is_also_about_an_offender() {
        let mut people = People::seeded(7);
        let mut offenders = BTreeSet::new();
        let mut victims = BTreeSet::new();
        for _ in 0..2000 {
            offenders.extend(people.offender().marks());
            victims.extend(people.victim().marks());
        }
        assert_eq!(offenders.intersection(&victims).next(), None);
    }

    #[test]
    fn a_mark_is_found_in_a_message() {
        let mut people = People::seeded(7);
        let victim = people.victim();
        let body = format!(
            r#"{{"name":"{}","phone":"+44{}","mail":"{}@mail.example"}}"#,
            victim.family_name,
            &victim.phone[1..],
            victim.mailbox
        );
        let found: BTreeSet<_> = words(&body).collect();
        let marks = victim.marks();
        assert_eq!(marks.iter().filter(|mark| found.contains(*mark)).count(), 3);
    }
}
