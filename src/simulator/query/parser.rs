//! Reads a `$filter`: its grammar, and what Graph supports for each property.

use super::{
    filter::{Filter, Literal, Subject, Test},
    lexer::{Token, tokens},
};
use crate::simulator::{
    refusal::Refusal,
    schema::{Entity, Kind, Property, Support, complex},
};
use jiff::{Timestamp, civil::Date, tz::TimeZone};

/// Most comparisons in one filter with `or`.
const CLAUSES_MAX: usize = 15;
/// Deepest nesting of brackets.
const DEPTH_MAX: usize = 50;

/// What is read, and where the reader is.
struct Parser<'a> {
    text: &'a str,
    tokens: Vec<Token>,
    at: usize,
    depth: usize,
    types: &'a [&'static Entity],
    /// Whether the request has the parameters of an advanced query.
    advanced: bool,
    /// The list and the variable of the `any` that is being read.
    scope: Option<(&'static Property, String)>,
}

/// Reads the filter of a request for objects of these `types`.
pub(super) fn read(text: &str, types: &[&'static Entity], advanced: bool) -> Result<Filter, Refusal> {
    let tokens = tokens(text).map_err(|at| match text[at..].chars().next() {
        Some('\'') => Refusal::bad_filter(&format!(
            "There is an unterminated string literal at position {} in '{text}'.",
            text.len()
        )),
        Some(letter) => Refusal::bad_filter(&format!(
            "Syntax error: character '{letter}' is not valid at position {at} in '{text}'."
        )),
        None => Refusal::BAD_FILTER,
    })?;
    let mut parser = Parser { text, tokens, at: 0, depth: 0, types, advanced, scope: None };
    let filter = parser.either()?;
    match parser.at == parser.tokens.len() {
        true => Ok(filter),
        false => Err(parser.syntax()),
    }
}

impl Parser<'_> {
    fn next(&mut self) -> Option<Token> {
        self.at += 1;
        self.tokens.get(self.at - 1).cloned()
    }

    fn takes(&mut self, token: &Token) -> bool {
        let taken = self.tokens.get(self.at) == Some(token);
        self.at += usize::from(taken);
        taken
    }

    /// Takes a word, in any case.
    fn takes_word(&mut self, word: &str) -> bool {
        let taken = matches!(self.tokens.get(self.at), Some(Token::Word(held)) if held.eq_ignore_ascii_case(word));
        self.at += usize::from(taken);
        taken
    }

    fn needs(&mut self, token: &Token) -> Result<(), Refusal> {
        if self.takes(token) { Ok(()) } else { Err(self.syntax()) }
    }

    fn syntax(&self) -> Refusal {
        let position = self.text.len();
        Refusal::bad_filter(&format!("Syntax error at position {position} in '{}'.", self.text))
    }

    fn either(&mut self) -> Result<Filter, Refusal> {
        let mut parts = vec![self.both()?];
        while self.takes_word("or") {
            parts.push(self.both()?);
        }
        if parts.len() > CLAUSES_MAX {
            return Err(Refusal::too_many_clauses(parts.len(), CLAUSES_MAX));
        }
        Ok(if parts.len() == 1 { parts.remove(0) } else { Filter::Any(parts) })
    }

    fn both(&mut self) -> Result<Filter, Refusal> {
        let mut parts = vec![self.single()?];
        while self.takes_word("and") {
            parts.push(self.single()?);
        }
        Ok(if parts.len() == 1 { parts.remove(0) } else { Filter::All(parts) })
    }

    fn single(&mut self) -> Result<Filter, Refusal> {
        self.depth += 1;
        if self.depth > DEPTH_MAX {
            return Err(Refusal::BAD_FILTER);
        }
        let filter = if self.takes_word("not") {
            self.advanced("not")?;
            Filter::Not(Box::new(self.single()?))
        } else if self.takes(&Token::Open) {
            let inner = self.either()?;
            self.needs(&Token::Close)?;
            inner
        } else {
            self.comparison()?
        };
        self.depth -= 1;
        Ok(filter)
    }

    fn comparison(&mut self) -> Result<Filter, Refusal> {
        let Some(Token::Word(word)) = self.next() else { return Err(self.syntax()) };
        if self.takes(&Token::Open) {
            return self.call(&word);
        }
        let subject = self.subject(&word)?;
        let Some(Token::Word(operator)) = self.next() else { return Err(self.syntax()) };
        let test = match operator.to_ascii_lowercase().as_str() {
            "eq" => Test::Equal,
            "ne" => Test::NotEqual,
            "ge" => Test::AtLeast,
            "le" => Test::AtMost,
            "in" => return self.list(subject),
            "gt" | "lt" => return Err(self.unsupported(&subject)),
            _ => return Err(self.syntax()),
        };
        let value = self.literal(&subject)?;
        self.supported(&subject, test, &value)?;
        Ok(Filter::Is { subject, test, values: vec![value] })
    }

    /// `startsWith(…)`, `endsWith(…)` or a list's `any(…)`, after the bracket.
    fn call(&mut self, name: &str) -> Result<Filter, Refusal> {
        if let Some((list, "any")) = name.rsplit_once('/') {
            return self.any(list);
        }
        let test = match name.to_ascii_lowercase().as_str() {
            "startswith" => Test::Starts,
            "endswith" => Test::Ends,
            "contains" => {
                let Some(Token::Word(word)) = self.next() else { return Err(self.syntax()) };
                let subject = self.subject(&word)?;
                return Err(self.unsupported(&subject));
            }
            _ => {
                let said = format!("An unknown function with name '{name}' was found.");
                return Err(Refusal::bad_filter(&said));
            }
        };
        let Some(Token::Word(word)) = self.next() else { return Err(self.syntax()) };
        let subject = self.subject(&word)?;
        self.needs(&Token::Comma)?;
        let value = self.literal(&subject)?;
        self.needs(&Token::Close)?;
        self.supported(&subject, test, &value)?;
        let filter = Filter::Is { subject, test, values: vec![value] };
        // Both functions give a boolean, which may be compared.
        match self.takes_word("eq") {
            true if self.takes_word("true") => Ok(filter),
            true if self.takes_word("false") => {
                self.advanced("not")?;
                Ok(Filter::Not(Box::new(filter)))
            }
            true => Err(self.syntax()),
            false => Ok(filter),
        }
    }

    fn any(&mut self, list: &str) -> Result<Filter, Refusal> {
        let property = self.property(list)?;
        if !property.kind.is_list() || property.equal == Support::Never {
            return Err(self.unsupported(&Subject::Property(property)));
        }
        if self.takes(&Token::Close) {
            self.advanced("any")?;
            return Ok(Filter::Item(property, None));
        }
        let Some(Token::Word(variable)) = self.next() else { return Err(self.syntax()) };
        self.needs(&Token::Colon)?;
        if self.scope.replace((property, variable)).is_some() {
            return Err(Refusal::BAD_FILTER);
        }
        let condition = self.either()?;
        self.needs(&Token::Close)?;
        self.scope = None;
        Ok(Filter::Item(property, Some(Box::new(condition))))
    }

    fn list(&mut self, subject: Subject) -> Result<Filter, Refusal> {
        self.needs(&Token::Open)?;
        let mut values = Vec::new();
        loop {
            let value = self.literal(&subject)?;
            self.supported(&subject, Test::Equal, &value)?;
            values.push(value);
            if !self.takes(&Token::Comma) {
                break;
            }
        }
        self.needs(&Token::Close)?;
        if values.len() > CLAUSES_MAX {
            return Err(Refusal::too_many_clauses(values.len(), CLAUSES_MAX));
        }
        Ok(Filter::Is { subject, test: Test::Equal, values })
    }

    fn property(&self, name: &str) -> Result<&'static Property, Refusal> {
        let found = self.types.iter().find_map(|entity| entity.property(name));
        let kind = self.types.last().map_or("", |entity| entity.name);
        found.ok_or_else(|| Refusal::bad_filter(&Refusal::no_property(name, kind).message))
    }

    fn subject(&self, path: &str) -> Result<Subject, Refusal> {
        let (first, rest) = path.split_once('/').map_or((path, None), |(first, rest)| (first, Some(rest)));
        if let Some((_, variable)) = &self.scope
            && first == variable
        {
            return Ok(Subject::Item(rest.map(str::to_owned)));
        }
        let property = self.property(first)?;
        let Some(member) = rest else { return Ok(Subject::Property(property)) };
        if member == "$count" && property.kind.is_list() {
            return Ok(Subject::Size(property));
        }
        let (mut kind, mut names) = (property.kind, Vec::new());
        for member in member.split('/') {
            let Kind::Object(name) = kind else { return Err(self.unsupported(&Subject::Property(property))) };
            let Some(found) = complex(name).and_then(|object| object.property(member)) else {
                return Err(Refusal::bad_filter(&Refusal::no_property(member, name).message));
            };
            kind = found.kind;
            names.push(found.name);
        }
        Ok(Subject::Member(property, names.join("/")))
    }

    fn literal(&mut self, subject: &Subject) -> Result<Literal, Refusal> {
        let literal = match self.next() {
            Some(Token::Text(text)) => Literal::Text(text),
            Some(Token::Word(word)) => constant(&word).ok_or_else(|| self.syntax())?,
            _ => return Err(self.syntax()),
        };
        let kind = match subject {
            Subject::Property(property) => property.kind,
            Subject::Size(_) => Kind::Number,
            Subject::Member(..) | Subject::Item(_) => return Ok(literal),
        };
        match (kind, &literal) {
            (_, Literal::Null)
            | (Kind::Boolean, Literal::Boolean(_))
            | (Kind::Number, Literal::Number(_))
            | (Kind::Text | Kind::Guid, Literal::Text(_))
            | (Kind::Time, Literal::Time(_)) => Ok(literal),
            _ => {
                let (one, two) = (kind.name(), literal.name());
                Err(Refusal::bad_filter(&format!(
                    "A binary operator with incompatible types was detected. Found operand types '{one}' and '{two}' for \
                     operator kind 'Equal'."
                )))
            }
        }
    }

    /// Whether Graph supports this comparison, with the parameters of the request.
    fn supported(&self, subject: &Subject, test: Test, value: &Literal) -> Result<(), Refusal> {
        let (property, size) = match subject {
            Subject::Property(property) | Subject::Member(property, _) => (*property, false),
            Subject::Size(property) => (*property, true),
            Subject::Item(_) => match &self.scope {
                Some((property, _)) => (*property, false),
                None => return Err(Refusal::BAD_FILTER),
            },
        };
        let need = match test {
            _ if size => match value {
                Literal::Number(0) if matches!(test, Test::Equal | Test::NotEqual) => Support::Advanced,
                _ => Support::Never,
            },
            Test::Ends if property.ends => return self.advanced("endsWith"),
            Test::Ends | Test::Words => Support::Never,
            Test::Starts => property.starts,
            Test::AtLeast | Test::AtMost => property.range,
            _ if *value == Literal::Null => property.null,
            Test::Equal => property.equal,
            Test::NotEqual if property.equal == Support::Never => Support::Never,
            Test::NotEqual => Support::Advanced,
        };
        match need {
            Support::Plain => Ok(()),
            Support::Advanced if self.advanced => Ok(()),
            Support::Advanced | Support::Never => Err(self.unsupported(subject)),
        }
    }

    fn advanced(&self, operator: &str) -> Result<(), Refusal> {
        if self.advanced { Ok(()) } else { Err(Refusal::needs_advanced(operator)) }
    }

    fn unsupported(&self, subject: &Subject) -> Refusal {
        let (name, member) = match subject {
            Subject::Property(property) | Subject::Size(property) => (property.name, None),
            Subject::Member(property, member) => (property.name, Some(member)),
            Subject::Item(_) => (self.scope.as_ref().map_or("", |(property, _)| property.name), None),
        };
        let holder = self.types.iter().find(|entity| entity.property(name).is_some());
        let name = member.map_or_else(|| name.to_owned(), |member| format!("{name}/{member}"));
        Refusal::unsupported_filter(&name, &holder.map_or_else(String::new, |entity| entity.resource()))
    }
}

/// A constant without quotes.
fn constant(word: &str) -> Option<Literal> {
    match word {
        "null" => Some(Literal::Null),
        "true" => Some(Literal::Boolean(true)),
        "false" => Some(Literal::Boolean(false)),
        _ => {
            let number = word.parse().ok().map(Literal::Number);
            let time = || word.parse::<Timestamp>().ok().map(Literal::Time);
            let day = || {
                let date: Date = word.parse().ok()?;
                date.to_zoned(TimeZone::UTC).ok().map(|start| Literal::Time(start.timestamp()))
            };
            let guid = || crate::account::upn::is_object_id(word).then(|| Literal::Text(word.to_owned()));
            number.or_else(guid).or_else(time).or_else(day)
        }
    }
}

impl Literal {
    fn name(&self) -> &'static str {
        match self {
            Self::Null => "null",
            Self::Boolean(_) => "Edm.Boolean",
            Self::Number(_) => "Edm.Int32",
            Self::Text(_) => "Edm.String",
            Self::Time(_) => "Edm.DateTimeOffset",
        }
    }
}
