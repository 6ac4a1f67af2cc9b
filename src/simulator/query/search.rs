//! Reads a `$search`: clauses of the form `"property:value"`, joined with `AND` and `OR`.

use super::filter::{Filter, Literal, Subject, Test};
use crate::simulator::{refusal::Refusal, schema::Entity};

/// The properties whose words are searched; of the others, only the beginning.
const WORDS: &[&str] = &["displayName", "description"];

/// Reads a search for objects of these `types`.
pub(super) fn read(text: &str, types: &[&'static Entity]) -> Result<Filter, Refusal> {
    let (mut any, mut all) = (Vec::new(), Vec::new());
    let mut rest = text.trim();
    loop {
        let (clause, after) = clause(rest, text)?;
        all.push(condition(&clause, types)?);
        rest = after.trim_start();
        if rest.is_empty() {
            break;
        }
        let (word, after) = rest.split_once(' ').ok_or_else(|| Refusal::bad_search(rest, text))?;
        match word.to_ascii_uppercase().as_str() {
            "AND" => {}
            "OR" => any.push(Filter::All(std::mem::take(&mut all))),
            _ => return Err(Refusal::bad_search(rest, text)),
        }
        rest = after.trim_start();
    }
    any.push(Filter::All(all));
    Ok(Filter::Any(any))
}

/// The text of the first clause without its quotes, and what follows it.
fn clause<'a>(rest: &'a str, whole: &str) -> Result<(String, &'a str), Refusal> {
    let unquoted = || {
        let colon = rest.find(':').unwrap_or(0);
        Refusal::bad_search(&rest[colon..], whole)
    };
    let inner = rest.strip_prefix('"').ok_or_else(unquoted)?;
    let (mut read, mut letters) = (String::new(), inner.char_indices());
    while let Some((at, letter)) = letters.next() {
        match letter {
            '"' => return Ok((read, &inner[at + 1..])),
            '\\' => read.extend(letters.next().map(|(_, escaped)| escaped)),
            letter => read.push(letter),
        }
    }
    Err(unquoted())
}

fn condition(clause: &str, types: &[&'static Entity]) -> Result<Filter, Refusal> {
    let kind = types.last().map_or("", |entity| entity.name);
    let (name, value) = clause.split_once(':').ok_or(Refusal::SEARCH_WITHOUT_PROPERTY)?;
    let found = types.iter().find_map(|entity| entity.property(name.trim()));
    let property = found.filter(|property| property.search).ok_or_else(|| Refusal::no_search(name.trim(), kind))?;
    let test = if WORDS.contains(&property.name) { Test::Words } else { Test::Starts };
    Ok(Filter::Is { subject: Subject::Property(property), test, values: vec![Literal::Text(value.trim().to_owned())] })
}
