//! Finds the column that names the accounts: as the user says, by its name, or by its values, in this order.
//!
//! It never guesses between two columns, because the wrong one would write to other users' accounts. If several are
//! possible, it refuses the roster and names them all. In a file with a header, values alone never choose a column.
//!
//! Invariant: a column is chosen only if no other one is possible, or if the others have the same value in every row.

use super::{
    RosterError,
    fault::Unclear,
    kinship::{is_pupil_number, is_same_person},
    names::{Meaning, normalize},
    naming::Names,
    open_quote,
    origin::RowPlace,
    records::QuoteFault,
    role::ColumnRole,
    survey::{Body, Shape},
};

/// Account words for columns that may contain object ids as well as names.
const EITHER: [&str; 2] = ["memberobjectidorupn", "memberobjectidoruserprincipalname"];

/// The columns of one file: their names and the shapes of their first values.
pub(super) struct Columns<'a> {
    /// The file's name, for display.
    pub(super) file: &'a str,
    pub(super) names: &'a [String],
    /// Whether the file itself names its columns.
    pub(super) labelled: bool,
    pub(super) shapes: &'a [Shape],
    /// All rows, if the first values are not enough.
    pub(super) body: Body<'a>,
}

impl Columns<'_> {
    /// The column of the accounts: the one that the user names, otherwise the only possible one.
    pub(super) fn upn(&self, wanted: Option<&str>) -> Result<usize, RosterError> {
        match wanted {
            Some(wanted) => self.named(ColumnRole::Accounts, wanted),
            None => self.certain().map_or_else(|| Study::of(self)?.choose(), Ok),
        }
    }

    /// The only column with an account word, if its first values match: no other column can beat it.
    fn certain(&self) -> Option<usize> {
        let mut accounts = (0..self.names.len()).filter(|&at| Meaning::of(&self.names[at]) == Meaning::Account);
        let only = accounts.next().filter(|_| accounts.next().is_none());
        only.filter(|&at| self.labelled && self.shapes[at].is_mostly_names())
    }

    /// The column that the user names: see [`Names::named`].
    pub(super) fn named(&self, role: ColumnRole, wanted: &str) -> Result<usize, RosterError> {
        self.names().named(role, wanted)
    }

    /// A column's name for messages.
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

/// All columns of a file, with the shapes of all their values.
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

    /// Columns with an account word and account names as values.
    fn accounts(&self) -> Vec<usize> {
        let mut found = self.those(|meaning, shape| meaning == Meaning::Account && shape.addresses() > 0);
        found.retain(|&at| self.shapes[at].names > 0 || EITHER.contains(&normalize(&self.columns.names[at]).as_str()));
        found
    }

    /// Columns of object ids with less specific names. An `Id` column counts only if all its values are addresses of
    /// one kind. The same goes for `UserId`: in some exports it has ids, in others user names.
    fn any_ids(&self) -> Vec<usize> {
        self.those(|meaning, shape| match meaning {
            Meaning::AnyId => shape.seen > 0 && (shape.ids == shape.seen || shape.names == shape.seen),
            Meaning::Account => shape.is_mostly_addresses(),
            _ => false,
        })
    }

    /// Columns whose names say that they hold the account: they are accepted unless most of their values are not
    /// addresses.
    fn by_word(&self, columns: &[usize]) -> Result<usize, RosterError> {
        match columns {
            [only] if self.shapes[*only].is_mostly_addresses() => Ok(*only),
            [only] => {
                let better = self.with_rivals(vec![*only], &[]);
                let better: Vec<_> =
                    better.into_iter().filter(|&at| at == *only || self.shapes[at].is_mostly_addresses()).collect();
                match better[..] {
                    [only] => Ok(only),
                    _ => Err(self.unclear(&better, Unclear::FewAddresses(self.shown(*only)))),
                }
            }
            _ => self.of_equals(columns),
        }
    }

    /// These columns, followed by all other columns with addresses, except those whose names say that they are someone
    /// else's.
    fn with_rivals(&self, mut columns: Vec<usize>, harmless: &[Meaning]) -> Vec<usize> {
        let rivals =
            self.those(|meaning, shape| shape.addresses() > 0 && meaning.can_sign_in() && !harmless.contains(&meaning));
        columns.extend(rivals.into_iter().filter(|at| !columns.contains(at)).collect::<Vec<_>>());
        columns
    }

    /// A mail column is accepted only if no other column can be the sign-in name.
    fn by_mail(&self, mails: Vec<usize>) -> Result<usize, RosterError> {
        let chosen = self.of_equals(&self.with_rivals(mails, &[]))?;
        for rival in self.those(|meaning, shape| {
            matches!(meaning, Meaning::Account | Meaning::SignIn) && shape.seen > 0 && shape.addresses() == 0
        }) {
            let is_upn = normalize(&self.columns.names[rival]) == "upn";
            let agrees = |user: &str, mail: &str| {
                let says_nothing = user.is_empty() || !mail.contains('@') || (is_upn && is_pupil_number(user));
                says_nothing || is_same_person(user, mail)
            };
            if let Some(line) = self.first_where_not(rival, chosen, agrees)? {
                return Err(self.unclear(&[rival, chosen], Unclear::OtherUsers(self.place(line))));
            }
        }
        Ok(chosen)
    }

    /// The first of these columns, if all of them have the same value in every row.
    fn of_equals(&self, columns: &[usize]) -> Result<usize, RosterError> {
        let (first, others) = match columns {
            [] => return Err(self.no_column(None)),
            [first, others @ ..] => (*first, others),
        };
        for other in others {
            if let Some(line) = self.first_where_not(first, *other, |one, other| one.eq_ignore_ascii_case(other))? {
                return Err(self.unclear(columns, Unclear::Differ(self.place(line))));
            }
        }
        Ok(first)
    }

    /// No column has a known name and addresses. A column with a known name is accepted if no other column has
    /// addresses; its rows are then refused one by one.
    fn by_nothing(&self) -> Result<usize, RosterError> {
        let with = self.those(|meaning, shape| shape.addresses() > 0 && meaning.can_sign_in());
        match with[..] {
            [] => {
                let best = self.meanings.iter().filter(|meaning| meaning.is_account()).min();
                let named = self.those(|meaning, _| Some(&meaning) == best);
                self.of_equals(&named)
            }
            [only] => Err(self.no_column(Some(only))),
            _ => Err(self.unclear(&with, Unclear::NoName)),
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

    fn place(&self, line: u64) -> RowPlace {
        RowPlace::new(self.columns.body.source.sheet(), line)
    }

    fn shown(&self, at: usize) -> String {
        self.columns.shown(at)
    }

    fn no_column(&self, looks_like_one: Option<usize>) -> RosterError {
        let names = self.columns.names();
        let (name, near) = (self.columns.file.to_owned(), looks_like_one.map(|at| names.choice(at)));
        RosterError::NoColumn { name, columns: names.all_shown(), near, found: Box::default() }
    }

    /// The refusal that names these columns, in the order of the file.
    fn unclear(&self, columns: &[usize], why: Unclear) -> RosterError {
        let mut columns = columns.to_vec();
        columns.sort_unstable();
        RosterError::UnclearColumns {
            name: self.columns.file.to_owned(),
            choices: columns.iter().map(|at| self.columns.names().choice(*at)).collect(),
            columns: columns.into_iter().map(|at| self.shown(at)).collect(),
            why,
        }
    }
}
