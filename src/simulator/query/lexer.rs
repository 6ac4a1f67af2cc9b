//! The words of a `$filter`.

/// A word of a filter.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Token {
    /// A name, a path, an operator, a number, a time: whatever stands without quotes.
    Word(String),
    /// A text in apostrophes, with doubled ones undone.
    Text(String),
    Open,
    Close,
    Comma,
    Colon,
}

/// Splits a filter; the error is the position of a character that cannot be there.
pub(super) fn tokens(filter: &str) -> Result<Vec<Token>, usize> {
    let (mut found, mut rest) = (Vec::new(), filter);
    while let Some(first) = rest.chars().next() {
        let at = filter.len() - rest.len();
        let single = match first {
            '(' => Some(Token::Open),
            ')' => Some(Token::Close),
            ',' => Some(Token::Comma),
            ':' => Some(Token::Colon),
            _ => None,
        };
        rest = if let Some(token) = single {
            found.push(token);
            &rest[1..]
        } else if first.is_whitespace() {
            rest.trim_start()
        } else if first == '\'' {
            let (text, after) = quoted(&rest[1..]).ok_or(at)?;
            found.push(Token::Text(text));
            after
        } else {
            let end = word_end(rest);
            if end == 0 {
                return Err(at);
            }
            found.push(Token::Word(rest[..end].to_owned()));
            &rest[end..]
        };
    }
    Ok(found)
}

/// Words end at a space, a bracket, a comma or an apostrophe; a colon is part of a time, but not of a name.
fn word_end(text: &str) -> usize {
    let number = text.starts_with(|letter: char| letter.is_ascii_digit() || letter == '-');
    let inside = |letter: char| {
        letter.is_alphanumeric() || matches!(letter, '_' | '/' | '.' | '$' | '-' | '+') || (letter == ':' && number)
    };
    text.find(|letter| !inside(letter)).unwrap_or(text.len())
}

/// The text up to the first single apostrophe, and what follows; `None` if it does not end.
fn quoted(text: &str) -> Option<(String, &str)> {
    let (mut read, mut rest) = (String::new(), text);
    loop {
        let (before, after) = rest.split_once('\'')?;
        read.push_str(before);
        match after.strip_prefix('\'') {
            Some(more) => {
                read.push('\'');
                rest = more;
            }
            None => return Some((read, after)),
        }
    }
}
