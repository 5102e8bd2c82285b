//! Letters and digits only, in one case and without accents: how names and texts are compared.

/// The folded text without any marks between words.
pub fn fold(text: &str) -> String {
    let mut folded = String::with_capacity(text.len());
    for character in text.chars() {
        push_folded(character, &mut folded);
    }
    folded
}

/// Appends the folded form of a character: nothing for what is neither letter nor digit.
#[inline]
pub fn push_folded(character: char, folded: &mut String) {
    if character.is_ascii() {
        if character.is_ascii_alphanumeric() {
            folded.push(character.to_ascii_lowercase());
        }
        return;
    }
    push_foreign(character, folded);
}

fn push_foreign(character: char, folded: &mut String) {
    match plain(character) {
        Some(plain) => folded.push_str(plain),
        None if character.is_alphanumeric() => folded.extend(character.to_lowercase()),
        None => {}
    }
}

/// Accents that stand behind their letter; and the soft hyphen and joiners, which nobody sees.
pub fn is_combining(character: char) -> bool {
    matches!(character, '\u{300}'..='\u{36f}' | '\u{ad}' | '\u{200b}'..='\u{200d}' | '\u{2060}' | '\u{feff}')
}

/// Latin letters with an accent, full-width forms and ligatures without what is special in them.
fn plain(character: char) -> Option<&'static str> {
    const FULL_WIDTH: &str = "0123456789abcdefghijklmnopqrstuvwxyz";
    let full_width = |index: u32| {
        let index = index as usize;
        FULL_WIDTH.get(index..=index)
    };
    Some(match character {
        'À'..='Å' | 'à'..='å' | 'Ā'..='ą' => "a",
        'Æ' | 'æ' => "ae",
        'Ç' | 'ç' | 'Ć'..='č' => "c",
        'Ď'..='đ' | 'Ð' | 'ð' => "d",
        'È'..='Ë' | 'è'..='ë' | 'Ē'..='ě' => "e",
        'Ĝ'..='ģ' => "g",
        'Ĥ'..='ħ' => "h",
        'Ì'..='Ï' | 'ì'..='ï' | 'Ĩ'..='ı' => "i",
        'Ĵ' | 'ĵ' => "j",
        'Ķ'..='ĸ' => "k",
        'Ĺ'..='ł' => "l",
        'Ñ' | 'ñ' | 'Ń'..='ŋ' => "n",
        'Ò'..='Ö' | 'Ø' | 'ò'..='ö' | 'ø' | 'Ō'..='ő' => "o",
        'Œ' | 'œ' => "oe",
        'Ŕ'..='ř' => "r",
        'Ś'..='š' | 'Ș' | 'ș' => "s",
        'ß' => "ss",
        'Ţ'..='ŧ' | 'Ț' | 'ț' => "t",
        'Þ' | 'þ' => "th",
        'Ù'..='Ü' | 'ù'..='ü' | 'Ũ'..='ų' => "u",
        'Ŵ' | 'ŵ' => "w",
        'Ý' | 'ý' | 'ÿ' | 'Ŷ'..='Ÿ' => "y",
        'Ź'..='ž' => "z",
        '０'..='９' => full_width(character as u32 - '０' as u32)?,
        'Ａ'..='Ｚ' => full_width(10 + character as u32 - 'Ａ' as u32)?,
        'ａ'..='ｚ' => full_width(10 + character as u32 - 'ａ' as u32)?,
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn spellings_of_one_name_fold_alike() {
        for text in ["O'Connell-Bright", "O CONNELL BRIGHT", "o’connell–bright", "ＯConnell Bright"]
        {
            assert_eq!(fold(text), "oconnellbright", "{text}");
        }
        for text in ["Zoë", "Zoe\u{308}", "ZOE", "Zo\u{ad}e"] {
            assert_eq!(fold(text), "zoe", "{text}");
        }
        assert_eq!(fold("Łucja Müßig"), "lucjamussig");
        assert_eq!(fold("Дарья"), fold("ДАРЬЯ"));
    }
}
