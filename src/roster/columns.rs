//! Which column names the account: by a flag, by its name, and by what its values look like, in this order.
//!
//! It never guesses between two: a wrong column writes to other people's accounts, so all that could be meant are named
//! and the roster is refused. Values alone never choose a column of a file with a header.
//!
//! Invariant: a column is chosen only if no other could be meant as well, or the others hold the same in every row.

use super::{
    RosterError,
    kinship::{is_pupil_number, is_same_person},
    names::{Meaning, normalise},
    naming::{Names, UPN_FLAG, flag_with},
    open_quote, place,
    records::QuoteFault,
    survey::{Body, Shape},
};

/// Account words that take object ids as well as names.
const EITHER: [&str; 2] = ["memberobjectidorupn", "memberobjectidoruserprincipalname"];

/// The columns of one file: their names and the shapes of their first values.
pub(super) struct Columns<'a> {
    /// The file, as shown to people.
    pub(super) file: &'a str,
    pub(super) names: &'a [String],
    /// Whether the file itself names them.
    pub(super) labelled: bool,
    pub(super) shapes: &'a [Shape],
    /// All rows, for what the first values cannot tell.
    pub(super) body: Body<'a>,
}

impl Columns<'_> {
    /// The column of the accounts: the one that the flag names, or else the only one that can be meant.
    pub(super) fn upn(&self, wanted: Option<&str>) -> Result<usize, RosterError> {
        match wanted {
            Some(wanted) => self.named(UPN_FLAG, wanted),
            None => self.certain().map_or_else(|| Study::of(self)?.choose(), Ok),
        }
    }

    /// The only column with a word for the account, if its first values are what it says: no other can beat it.
    fn certain(&self) -> Option<usize> {
        let mut accounts = (0..self.names.len()).filter(|&at| Meaning::of(&self.names[at]) == Meaning::Account);
        let only = accounts.next().filter(|_| accounts.next().is_none());
        only.filter(|&at| self.labelled && self.shapes[at].is_mostly_names())
    }

    /// The column that a flag names: see [`Names::named`].
    pub(super) fn named(&self, flag: &'static str, wanted: &str) -> Result<usize, RosterError> {
        self.names().named(flag, wanted)
    }

    /// A column as a message names it.
    pub(super) fn shown(&self, at: usize) -> String {
        self.names().shown(at)
    }

    const fn names(&self) -> Names<'_> {
        Names { file: self.file, names: self.names }
    }

    fn fault(&self, fault: QuoteFault) -> RosterError {
        open_quote(self.file, fault)
    }
}

/// All columns of a file with the shapes of all their values.
struct Study<'a> {
    columns: &'a Columns<'a>,
    meanings: Vec<Meaning>,
    shapes: Vec<Shape>,
}

impl<'a> Study<'a> {
    fn of(columns: &'a Columns<'a>) -> Result<Self, RosterError> {
        let shapes = columns.body.whole(columns.names.len()).map_err(|fault| columns.fault(fault))?;
        Ok(Self { columns, meanings: columns.names.iter().map(|name| Meaning::of(name)).collect(), shapes })
    }

    fn choose(&self) -> Result<usize, RosterError> {
        if !self.columns.labelled {
            return self.of_equals(&self.those(|_, shape| shape.addresses() > 0));
        }
        let accounts = self.accounts();
        let objects = self.those(|meaning, shape| meaning == Meaning::ObjectId && shape.addresses() > 0);
        let (ids, mails) = (self.any_ids(), self.those(|meaning, shape| meaning == Meaning::Mail && shape.names > 0));
        match () {
            () if !accounts.is_empty() => self.by_word(&accounts),
            () if !objects.is_empty() => self.by_word(&objects),
            () if !ids.is_empty() => self.of_equals(&self.with_rivals(ids, &[Meaning::Mail])),
            () if !mails.is_empty() => self.by_mail(mails),
            () => self.by_nothing(),
        }
    }

    fn those(&self, matches: impl Fn(Meaning, Shape) -> bool) -> Vec<usize> {
        (0..self.shapes.len()).filter(|&at| matches(self.meanings[at], self.shapes[at])).collect()
    }

    /// Columns with a word for the account that hold names of accounts.
    fn accounts(&self) -> Vec<usize> {
        let mut found = self.those(|meaning, shape| meaning == Meaning::Account && shape.addresses() > 0);
        found.retain(|&at| self.shapes[at].names > 0 || EITHER.contains(&normalise(&self.columns.names[at]).as_str()));
        found
    }

    /// Columns of object ids whose names say less: an `Id` only if all its values are addresses of one kind, and what
    /// exports call `UserId`, as others call a column of user names.
    fn any_ids(&self) -> Vec<usize> {
        self.those(|meaning, shape| match meaning {
            Meaning::AnyId => shape.seen > 0 && (shape.ids == shape.seen || shape.names == shape.seen),
            Meaning::Account => shape.is_mostly_addresses(),
            _ => false,
        })
    }

    /// Columns whose names say that they hold the account: they stand, unless most of their values are none.
    fn by_word(&self, columns: &[usize]) -> Result<usize, RosterError> {
        match columns {
            [only] if self.shapes[*only].is_mostly_addresses() => Ok(*only),
            [only] => {
                let better = self.with_rivals(vec![*only], &[]);
                let better: Vec<_> =
                    better.into_iter().filter(|&at| at == *only || self.shapes[at].is_mostly_addresses()).collect();
                match better[..] {
                    [only] => Ok(only),
                    _ => Err(self.unclear(&better, format!("most values of {} are no addresses", self.shown(*only)))),
                }
            }
            _ => self.of_equals(columns),
        }
    }

    /// These columns, and after them all others that hold addresses, but for those whose names say that they are others'.
    fn with_rivals(&self, mut columns: Vec<usize>, harmless: &[Meaning]) -> Vec<usize> {
        let rivals =
            self.those(|meaning, shape| shape.addresses() > 0 && meaning.can_sign_in() && !harmless.contains(&meaning));
        columns.extend(rivals.into_iter().filter(|at| !columns.contains(at)).collect::<Vec<_>>());
        columns
    }

    /// A mail column stands only if nothing else can be what signs in.
    fn by_mail(&self, mails: Vec<usize>) -> Result<usize, RosterError> {
        let chosen = self.of_equals(&self.with_rivals(mails, &[]))?;
        for rival in self.those(|meaning, shape| {
            matches!(meaning, Meaning::Account | Meaning::SignIn) && shape.seen > 0 && shape.addresses() == 0
        }) {
            let is_upn = normalise(&self.columns.names[rival]) == "upn";
            let agrees = |user: &str, mail: &str| {
                let says_nothing = user.is_empty() || !mail.contains('@') || (is_upn && is_pupil_number(user));
                says_nothing || is_same_person(user, mail)
            };
            if let Some(line) = self.first_where_not(rival, chosen, agrees)? {
                let why = format!(
                    "the user names without a domain are not those of the mail addresses, first on {}",
                    self.place(line)
                );
                return Err(self.unclear(&[rival, chosen], why));
            }
        }
        Ok(chosen)
    }

    /// The first of these columns, if all of them hold the same in every row.
    fn of_equals(&self, columns: &[usize]) -> Result<usize, RosterError> {
        let (first, others) = match columns {
            [] => return Err(self.no_column(None)),
            [first, others @ ..] => (*first, others),
        };
        for other in others {
            if let Some(line) = self.first_where_not(first, *other, |one, other| one.eq_ignore_ascii_case(other))? {
                return Err(self.unclear(columns, format!("they differ, first on {}", self.place(line))));
            }
        }
        Ok(first)
    }

    /// No column is known by its name and holds addresses. One that is known stands if no other has any: then the rows are
    /// refused one by one.
    fn by_nothing(&self) -> Result<usize, RosterError> {
        let with = self.those(|meaning, shape| shape.addresses() > 0 && meaning.can_sign_in());
        match with[..] {
            [] => {
                let best = self.meanings.iter().filter(|meaning| meaning.is_account()).min();
                let named = self.those(|meaning, _| Some(&meaning) == best);
                self.of_equals(&named)
            }
            [only] => Err(self.no_column(Some(only))),
            _ => Err(self.unclear(&with, "no name in the header says which one does".into())),
        }
    }

    fn first_where_not(
        &self,
        one: usize,
        other: usize,
        agrees: impl Fn(&str, &str) -> bool,
    ) -> Result<Option<u64>, RosterError> {
        self.columns.body.first_where_not(one, other, agrees).map_err(|fault| self.columns.fault(fault))
    }

    fn place(&self, line: u64) -> String {
        place(self.columns.body.source.sheet(), line)
    }

    fn shown(&self, at: usize) -> String {
        self.columns.shown(at)
    }

    fn no_column(&self, looks_like_one: Option<usize>) -> RosterError {
        let names = self.columns.names();
        let choices: Vec<String> = looks_like_one.into_iter().map(|at| names.choice(at)).collect();
        let hint = choices.first().map(|choice| {
            format!("; the values of one look like user principal names: {}", flag_with(UPN_FLAG, choice))
        });
        let (name, columns) = (self.columns.file.to_owned(), names.list());
        RosterError::NoColumn { name, columns, hint: hint.unwrap_or_default(), choices }
    }

    /// The refusal that names these columns, in the order of the file.
    fn unclear(&self, columns: &[usize], why: String) -> RosterError {
        let mut columns = columns.to_vec();
        columns.sort_unstable();
        let shown: Vec<String> = columns.iter().map(|at| self.shown(*at)).collect();
        let choices: Vec<String> = columns.iter().map(|at| self.columns.names().choice(*at)).collect();
        let flags: Vec<String> = choices.iter().map(|choice| flag_with(UPN_FLAG, choice)).collect();
        let columns = match &shown[..] {
            [one, other] => format!("both {one} and {other}"),
            [many @ .., last] => format!("{} and {last}", many.join(", ")),
            [] => String::new(),
        };
        let flags = flags.join(" or ");
        RosterError::UnclearColumns { name: self.columns.file.to_owned(), columns, why, flags, choices }
    }
}
