//! The query of a `GET`: read once, checked against the route, and done on any list.
//!
//! Invariant: an option that is not done is refused.

mod filter;
mod lexer;
mod listing;
mod parser;
mod search;

pub(super) use self::{
    filter::Filter,
    listing::{Candidates, Listing, expanded},
};

use super::{
    refusal::Refusal,
    route::form,
    schema::{Entity, Options, Property, Route, Support},
};

/// Default page size, and the maximum for `$top`.
const PAGE: usize = 100;
const PAGE_MAX: usize = 999;

/// A query, as far as the request has one.
#[derive(Debug, Default)]
pub(super) struct Query<'a> {
    /// The properties asked for; `None` for those that are there by default.
    pub select: Option<Vec<&'static str>>,
    pub expand: Vec<Expand>,
    pub filter: Option<Filter>,
    pub search: Option<Filter>,
    pub order: Option<(&'static Property, Direction)>,
    pub top: Option<usize>,
    /// Whether the number of all items is asked for and given.
    pub count: bool,
    /// Where the page begins, from the last page's link.
    pub skip_token: Option<usize>,
    /// Up to where changes are known, from the last answer's link.
    pub delta_token: Option<String>,
    text: &'a str,
}

/// A navigation property to expand.
#[derive(Debug, PartialEq)]
pub(super) struct Expand {
    pub name: &'static str,
    pub select: Option<Vec<String>>,
}

/// How `$orderby` sorts.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Direction {
    Ascending,
    Descending,
}

/// What a query is checked against.
#[derive(Clone, Copy)]
pub(super) struct Allowed<'a> {
    pub route: &'static Route,
    /// The types of the objects, after a cast.
    pub types: &'a [&'static Entity],
    /// Whether the request has `ConsistencyLevel: eventual`.
    pub eventual: bool,
    /// Whether only the number of items is asked for, with `/$count`.
    pub counting: bool,
}

impl<'a> Query<'a> {
    /// Reads the text after the question mark.
    pub(super) fn read(text: &'a str, allowed: &Allowed<'_>) -> Result<Self, Refusal> {
        let mut query = Self { text, ..Self::default() };
        if text.is_empty() {
            return Ok(query);
        }
        let pairs: Vec<_> = form(text).collect();
        for (at, (name, _)) in pairs.iter().enumerate() {
            if pairs[..at].iter().any(|(other, _)| other.eq_ignore_ascii_case(name)) {
                return Err(Refusal::option_twice(name));
            }
        }
        let counted = pairs.iter().any(|(name, value)| name.eq_ignore_ascii_case("$count") && value == "true");
        let advanced = allowed.route.is_advanced() && allowed.eventual && (counted || allowed.counting);
        for (name, value) in &pairs {
            query.option(name, value, allowed, advanced)?;
        }
        query.agree(advanced)?;
        Ok(query)
    }

    fn option(&mut self, name: &str, value: &str, allowed: &Allowed<'_>, advanced: bool) -> Result<(), Refusal> {
        let Allowed { route, types, eventual, .. } = *allowed;
        let takes = |option| route.options.has(option);
        match name.to_ascii_lowercase().as_str() {
            "$select" if takes(Options::SELECT) => self.select = select(value, types)?,
            "$expand" if takes(Options::EXPAND) => self.expand = expand(value, types)?,
            "$filter" if takes(Options::FILTER) => self.filter = Some(parser::read(value, types, advanced)?),
            "$search" if takes(Options::SEARCH) => {
                if !eventual {
                    return Err(Refusal::SEARCH_NEEDS_EVENTUAL);
                }
                self.search = Some(search::read(value, types)?);
            }
            "$orderby" if takes(Options::ORDER_BY) => self.order = Some(order(value, types, advanced)?),
            "$top" if takes(Options::TOP) => self.top = Some(top(value)?),
            // Without the header, Graph ignores it.
            "$count" if takes(Options::COUNT) => self.count = boolean(value)? && eventual,
            "$skiptoken" if takes(Options::TOP) => {
                self.skip_token = Some(value.parse().map_err(|_| Refusal::BAD_PAGE_TOKEN)?);
            }
            "$deltatoken" if takes(Options::DELTA) => self.delta_token = Some(value.to_owned()),
            "$skip" => return Err(Refusal::NO_SKIP),
            "$orderby" => return Err(Refusal::NO_SORTING),
            "$search" => return Err(Refusal::NO_SEARCH),
            _ => return Err(Refusal::unknown_option(name)),
        }
        Ok(())
    }

    /// Options that exclude each other.
    fn agree(&self, advanced: bool) -> Result<(), Refusal> {
        match self {
            Self { order: Some(_), filter: Some(_), .. } if !advanced => Err(Refusal::NO_SORTING),
            Self { expand, .. } if advanced && !expand.is_empty() => Err(Refusal::NO_EXPAND),
            _ => Ok(()),
        }
    }

    /// The number of items on a page.
    pub(super) fn page_size(&self) -> usize {
        self.top.unwrap_or(PAGE)
    }

    /// OData's name for what the answer holds: the set, and what was selected.
    pub(super) fn context(&self, set: &str) -> String {
        let expanded = self.expand.iter().map(|expand| format!("{}()", expand.name));
        let parts: Vec<_> = self.select.iter().flatten().map(|name| (*name).to_owned()).chain(expanded).collect();
        if parts.is_empty() { set.to_owned() } else { format!("{set}({})", parts.join(",")) }
    }

    /// The query of the next page: all of this one, but from another position.
    pub(super) fn next(&self, token: usize) -> String {
        self.again(&format!("$skiptoken={token}"))
    }

    /// The same query with another token.
    pub(super) fn again(&self, token: &str) -> String {
        let is_token = |pair: &&str| {
            let name = pair.split('=').next().unwrap_or_default().replace("%24", "$").to_ascii_lowercase();
            name == "$skiptoken" || name == "$deltatoken"
        };
        let mut pairs: Vec<_> = self.text.split('&').filter(|pair| !pair.is_empty() && !is_token(pair)).collect();
        pairs.push(token);
        pairs.join("&")
    }
}

/// The names in a `$select`, as the types have them.
fn select(value: &str, types: &[&'static Entity]) -> Result<Option<Vec<&'static str>>, Refusal> {
    let mut names = Vec::new();
    for asked in value.split(',').map(str::trim).filter(|name| !name.is_empty()) {
        if asked == "*" {
            names.extend(types.iter().flat_map(|entity| entity.properties).map(|property| property.name));
            continue;
        }
        let found = types.iter().find_map(|entity| entity.property(asked));
        let kind = types.last().map_or("", |entity| entity.name);
        names.push(found.ok_or_else(|| Refusal::no_selection(asked, kind))?.name);
    }
    let mut known = std::collections::HashSet::new();
    names.retain(|name| known.insert(*name));
    Ok((!names.is_empty()).then_some(names))
}

/// The navigation properties in an `$expand`, each with its own `$select`.
fn expand(value: &str, types: &[&'static Entity]) -> Result<Vec<Expand>, Refusal> {
    let kind = types.last().map_or("", |entity| entity.name);
    let item = |item: &str| {
        let (name, options) = match item.split_once('(') {
            Some((name, options)) => (name.trim(), options.strip_suffix(')').ok_or_else(|| Refusal::bad_expand(item))?),
            None => (item, ""),
        };
        let mut known = types.iter().flat_map(|entity| entity.navigation);
        let Some(name) = known.find(|held| held.eq_ignore_ascii_case(name)) else {
            let structural = types.iter().any(|entity| entity.property(name).is_some());
            return Err(if structural {
                Refusal::no_navigation(name, kind)
            } else {
                Refusal::no_selection(name, kind)
            });
        };
        let mut select = None;
        for option in options.split(';').map(str::trim).filter(|option| !option.is_empty()) {
            match option.split_once('=') {
                Some(("$select", names)) => {
                    select = Some(names.split(',').map(|name| name.trim().to_owned()).collect())
                }
                _ => return Err(Refusal::bad_expand(item)),
            }
        }
        Ok(Expand { name, select })
    };
    top_level(value).into_iter().map(str::trim).filter(|part| !part.is_empty()).map(item).collect()
}

/// Splits at commas that are not in brackets.
fn top_level(value: &str) -> Vec<&str> {
    let mut depth = 0_usize;
    value
        .split(|letter| {
            match letter {
                '(' => depth += 1,
                ')' => depth = depth.saturating_sub(1),
                _ => {}
            }
            letter == ',' && depth == 0
        })
        .collect()
}

fn order(value: &str, types: &[&'static Entity], advanced: bool) -> Result<(&'static Property, Direction), Refusal> {
    let (name, direction) = value.trim().split_once(' ').unwrap_or((value.trim(), "asc"));
    let kind = types.last().map_or("", |entity| entity.name);
    let found = types.iter().find_map(|entity| entity.property(name));
    let property = found.ok_or_else(|| Refusal::bad_order(name, kind))?;
    let direction = match direction.trim().to_ascii_lowercase().as_str() {
        "asc" => Direction::Ascending,
        "desc" => Direction::Descending,
        _ => return Err(Refusal::bad_order_syntax(value)),
    };
    match property.order {
        Support::Plain => Ok((property, direction)),
        Support::Advanced if advanced => Ok((property, direction)),
        Support::Advanced | Support::Never => Err(Refusal::NO_SORTING),
    }
}

fn top(value: &str) -> Result<usize, Refusal> {
    match value.parse::<i64>() {
        Err(_) => Err(Refusal::bad_top(value)),
        Ok(top) if top < 0 => Err(Refusal::bad_top(value)),
        Ok(top) => match usize::try_from(top) {
            Ok(top @ 1..=PAGE_MAX) => Ok(top),
            _ => Err(Refusal::bad_page_size(value, PAGE_MAX)),
        },
    }
}

fn boolean(value: &str) -> Result<bool, Refusal> {
    match value {
        "true" => Ok(true),
        "false" => Ok(false),
        _ => Err(Refusal::bad_count(value)),
    }
}
