//! The list itself: every transform with its line, the fields it fits and its example.

use super::{Argument, Doc, Fits, Plain, Step, TransformArgument, TransformExample};

/// Every transform, in the order in which the handbook shows them.
pub static ALL: &[Doc] = &[
    row("trim", Fits::Any, "Takes blanks off both ends", ("  Ashdown ", &["Ashdown"]), |_| {
        Step::Plain(Plain::Trim)
    }),
    row(
        "squeeze spaces",
        Fits::Any,
        "Makes one space of every run of blanks and line ends, and trims",
        ("12  Larch\n Way", &["12 Larch Way"]),
        |_| Step::Plain(Plain::SqueezeSpaces),
    ),
    row("upper case", Fits::Any, "Makes every letter a capital", ("cj88116", &["CJ88116"]), |_| {
        Step::Plain(Plain::UpperCase)
    }),
    row("lower case", Fits::Any, "Makes every letter small", ("Phone", &["phone"]), |_| {
        Step::Plain(Plain::LowerCase)
    }),
    row(
        "digits only",
        Fits::Any,
        "Keeps the digits 0 to 9 and leaves out everything else",
        ("PC 2 1-7", &["217"]),
        |_| Step::Plain(Plain::DigitsOnly),
    ),
    row(
        "letters only",
        Fits::Any,
        "Keeps letters and leaves out everything else",
        ("HIGH (3)", &["HIGH"]),
        |_| Step::Plain(Plain::LettersOnly),
    ),
    row(
        "first word",
        Fits::Any,
        "Keeps the text up to the first blank",
        ("PS 4417 Tamsin Rook", &["PS"]),
        |_| Step::Plain(Plain::FirstWord),
    ),
    row(
        "last word",
        Fits::Any,
        "Keeps the text after the last blank",
        ("Tamsin Jay Rook", &["Rook"]),
        |_| Step::Plain(Plain::LastWord),
    ),
    row(
        "words",
        Fits::List,
        "Makes a list of the words",
        ("Tamsin  Jay", &["Tamsin", "Jay"]),
        |_| Step::Words,
    ),
    argued(
        "split at",
        TransformArgument::Text,
        Fits::List,
        "Makes a list by cutting at every place where the given text stands; blank parts are left out",
        ("split at ;", "12 Larch Way; Fernhollow;", &["12 Larch Way", "Fernhollow"]),
        |argument| Step::SplitAt(text(argument)),
    ),
    argued(
        "before",
        TransformArgument::Text,
        Fits::Any,
        "Keeps what stands before the first place of the given text; all of it when the text is not there",
        ("before ,", "ROOK,TAMSIN J", &["ROOK"]),
        |argument| Step::Before(text(argument)),
    ),
    argued(
        "after",
        TransformArgument::Text,
        Fits::Any,
        "Keeps what stands after the first place of the given text; nothing when the text is not there",
        ("after ,", "ROOK,TAMSIN J", &["TAMSIN J"]),
        |argument| Step::After(text(argument)),
    ),
    argued(
        "without",
        TransformArgument::Text,
        Fits::Any,
        "Leaves out the given text wherever it stands",
        ("without -", "44-2025-118", &["442025118"]),
        |argument| Step::Without(text(argument)),
    ),
    argued(
        "letters",
        TransformArgument::Positions,
        Fits::Any,
        "Keeps the characters from one position to another, counted from 1, both included",
        ("letters 1 to 8", "20250114T0930", &["20250114"]),
        |argument| match argument {
            Argument::Positions(first, last) => Step::Letters { first, last },
            _ => unreachable!("`Takes::Positions` reads positions"),
        },
    ),
    row(
        "yes no",
        Fits::YesNo,
        "Reads Y, yes, true, T and 1 as yes, and N, no, false, F and 0 as no, in any case",
        ("TRUE", &["yes"]),
        |_| Step::Plain(Plain::YesNo),
    ),
    row(
        "postcode",
        Fits::Postcode,
        "A UK postcode in capitals with one space (BS 7666)",
        ("so149zz", &["SO14 9ZZ"]),
        |_| Step::Plain(Plain::Postcode),
    ),
    row(
        "uk phone",
        Fits::Phone,
        "A telephone number as +44 and digits; takes 0…, 0044, +44(0), blanks, dots and dashes, and keeps another country's number that begins with + or 00",
        ("+44 (0)7700 900-417", &["+447700900417"]),
        |_| Step::Plain(Plain::UkPhone),
    ),
    row(
        "email",
        Fits::Email,
        "An e-mail address without blanks around it, its domain in small letters",
        (" T.Rook@Hants.Example ", &["T.Rook@hants.example"]),
        |_| Step::Plain(Plain::Email),
    ),
    row(
        "pnc id",
        Fits::PncId,
        "A PNC identifier as YYYY/NNNNNNNL; a two-digit year from 00 to 39 is 20YY, from 40 to 99 is 19YY",
        ("02/73319Z", &["2002/0073319Z"]),
        |_| Step::Plain(Plain::PncId),
    ),
    row(
        "asn",
        Fits::Asn,
        "An arrest summons number in its long form, without strokes, the sequence padded to eleven digits",
        ("11/01ZD/01/448754K", &["1101ZD0100000448754K"]),
        |_| Step::Plain(Plain::Asn),
    ),
    row(
        "cro",
        Fits::Cro,
        "A CRO number as NNNNNN/YYL, or SFYY/NL for an old file",
        ("65656/91h", &["065656/91H"]),
        |_| Step::Plain(Plain::Cro),
    ),
    row(
        "pti urn",
        Fits::PtiUrn,
        "A case file's unique reference number in capitals, without blanks and strokes",
        ("01 ZD 03032 08", &["01ZD0303208"]),
        |_| Step::Plain(Plain::PtiUrn),
    ),
    row(
        "offence code",
        Fits::OffenceCode,
        "A CJS offence code in capitals, without blanks",
        ("cj 88116", &["CJ88116"]),
        |_| Step::Plain(Plain::OffenceCode),
    ),
];

const fn row(
    name: &'static str,
    fits: Fits,
    line: &'static str,
    (given, gives): (&'static str, &'static [&'static str]),
    make: fn(Argument) -> Step,
) -> Doc {
    let example = TransformExample { written: name, given, gives };
    Doc { name, takes: TransformArgument::Nothing, line, fits, example, make }
}

const fn argued(
    name: &'static str,
    takes: TransformArgument,
    fits: Fits,
    line: &'static str,
    (written, given, gives): (&'static str, &'static str, &'static [&'static str]),
    make: fn(Argument) -> Step,
) -> Doc {
    Doc { name, takes, line, fits, example: TransformExample { written, given, gives }, make }
}

fn text(argument: Argument) -> String {
    match argument {
        Argument::Text(text) => text,
        _ => unreachable!("`Takes::Text` reads a text"),
    }
}
