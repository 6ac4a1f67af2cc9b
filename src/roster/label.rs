//! Remarks in column names: `[Required]`, `(optional)`, `- read only`.
//!
//! Only words about how to fill in a column are remarks. A word that says whose value it is, or which one (`(parent)`,
//! `[school]`), belongs to the name: without it, the name would mean another column.

use super::letters::letters;

/// The words that make a remark, without case, accents and spaces. A longer word comes before one that it begins with.
const CORE: [&str; 60] = [
    "required",
    "mandatory",
    "optional",
    "readonly",
    "uploadonly",
    "downloadonly",
    "donotedit",
    "donotchange",
    "donotmodify",
    "neededfor",
    "erforderlich",
    "pflichtfeld",
    "pflicht",
    "schreibgeschutzt",
    "nurlesen",
    "freiwillig",
    "obligatoire",
    "requis",
    "facultatif",
    "optionnel",
    "lectureseule",
    "obligatorio",
    "obrigatorio",
    "requerido",
    "necesario",
    "opcional",
    "sololectura",
    "sololettura",
    "obbligatorio",
    "richiesto",
    "facoltativo",
    "opzionale",
    "verplicht",
    "vereist",
    "optioneel",
    "alleenlezen",
    "somenteleitura",
    "apenasleitura",
    "necessario",
    "obligatorisk",
    "kravs",
    "valfritt",
    "valfri",
    "skrivskyddad",
    "pakraevet",
    "valgfritt",
    "valgfri",
    "skrivebeskyttet",
    "pakrevd",
    "pakollinen",
    "vaaditaan",
    "valinnainen",
    "vainluku",
    "wymagane",
    "opcjonalne",
    "tylkodoodczytu",
    "povinne",
    "nepovinne",
    "kotelezo",
    "zorunlu",
];
/// The same in scripts without spaces between words.
const CORE_SIGNS: [&str; 10] =
    ["必須", "任意", "必填项", "必填", "必需", "필수", "선택", "обязательно", "необязательно", "istegebagli"];
/// Other words that may appear in a remark.
const FILLER: [&str; 21] = [
    "this",
    "field",
    "column",
    "value",
    "text",
    "is",
    "if",
    "new",
    "and",
    "must",
    "be",
    "unique",
    "feld",
    "champ",
    "campo",
    "veld",
    "falt",
    "felt",
    "pole",
    "kentta",
    "inputonly",
];
/// Maximum number of words in a remark that follows a name without brackets.
const TAIL_WORDS_MAX: usize = 4;

/// A piece of a name: inside or outside brackets.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Piece<'n> {
    Plain(&'n str),
    /// Text in brackets, and whether they are square.
    Bracketed(&'n str, bool),
}

/// The pieces of a name that are not remarks.
pub(super) fn pieces(name: &str) -> Vec<Piece<'_>> {
    let mut found = split(name);
    found.retain(|piece| match piece {
        Piece::Plain(text) => !text.trim().is_empty(),
        Piece::Bracketed(inner, _) => !(letters(inner).is_empty() || is_remark(&letters(inner))),
    });
    found
}

fn split(name: &str) -> Vec<Piece<'_>> {
    let (mut found, mut rest) = (Vec::new(), name);
    while let Some((at, open)) = rest.char_indices().find(|(_, c)| closing(*c).is_some()) {
        let after = &rest[at + open.len_utf8()..];
        let Some((inner, behind)) = closing(open).and_then(|close| after.split_once(close)) else { break };
        found.push(Piece::Plain(&rest[..at]));
        found.push(Piece::Bracketed(inner, matches!(open, '[' | '［')));
        rest = behind;
    }
    found.push(Piece::Plain(rest));
    found
}

const fn closing(open: char) -> Option<char> {
    Some(match open {
        '[' => ']',
        '(' => ')',
        '{' => '}',
        '<' => '>',
        '［' => '］',
        '（' => '）',
        '【' => '】',
        '〔' => '〕',
        _ => return None,
    })
}

/// A text without the remark at its end, or before a colon or dash: `Required: Email`, `Email - required`.
pub(super) fn without_remark(text: &str) -> &str {
    let mut kept = text.trim();
    if let Some((before, after)) = kept.split_once([':', '-', '*', '–', '—', '|', '/'])
        && is_remark(&letters(before))
        && !letters(after).is_empty()
    {
        kept = after.trim();
    }
    while let Some(shorter) = shortened(kept) {
        kept = shorter;
    }
    kept
}

fn shortened(text: &str) -> Option<&str> {
    let is_gap = |c: char| !c.is_alphanumeric();
    let text = text.trim_end_matches(is_gap);
    let mut ends: Vec<usize> = text.rmatch_indices(is_gap).map(|(at, gap)| at + gap.len()).collect();
    ends.truncate(TAIL_WORDS_MAX);
    let start = ends.into_iter().rev().find(|at| is_remark(&letters(&text[*at..])))?;
    let kept = text[..start].trim_end_matches(is_gap);
    (!letters(kept).is_empty()).then_some(kept)
}

/// Whether these letters consist only of remark words, and at least one of them makes a remark.
pub(super) fn is_remark(letters: &str) -> bool {
    let (mut rest, mut has_core) = (letters, false);
    while !rest.is_empty() {
        let core = CORE.iter().chain(&CORE_SIGNS).find_map(|word| rest.strip_prefix(word));
        let filler = || FILLER.iter().find_map(|word| rest.strip_prefix(word));
        match (core, rest.trim_start_matches(|c: char| c.is_ascii_digit())) {
            (Some(behind), _) => (rest, has_core) = (behind, true),
            (None, behind) if behind.len() < rest.len() => rest = behind,
            (None, _) => match filler() {
                Some(behind) => rest = behind,
                None => return false,
            },
        }
    }
    has_core
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn remarks_consist_of_known_words() {
        for remark in ["Required", "READ ONLY", "UPLOAD ONLY", "optional", "Required, unique", "Pflichtfeld", "必須"]
        {
            assert!(is_remark(&letters(remark)), "{remark}");
        }
        for name in ["", "unique", "field", "parent", "required for parents", "school", "userPrincipalName"] {
            assert!(!is_remark(&letters(name)), "{name}");
        }
    }

    #[test]
    fn names_lose_only_their_remarks() {
        for (name, kept) in [
            ("Email required", "Email"),
            ("Email - Required", "Email"),
            ("Required: Email", "Email"),
            ("Email, read only", "Email"),
            ("Email *", "Email *"),
            ("Required", "Required"),
            ("Optional Email", "Optional Email"),
            ("E-Mail-Adresse, Pflichtfeld", "E-Mail-Adresse"),
        ] {
            assert_eq!(without_remark(name), kept, "{name}");
        }
        assert_eq!(pieces("Email [Required] (parent)"), [Piece::Plain("Email "), Piece::Bracketed("parent", false)]);
        assert_eq!(pieces("Email [x"), [Piece::Plain("Email [x")]);
    }
}
