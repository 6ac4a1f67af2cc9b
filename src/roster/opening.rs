//! Finds where the table of a file begins: below titles, comments and a row of headings, in texts and sheets alike.
//!
//! A row is known to be the header if it names a column of accounts and contains no address. Rows above it are skipped
//! and reported. It never skips a row that could be an account: an address above the header, in a column that the
//! header gives to accounts, is an error.
//!
//! Invariant: if no row is known to be the header, the table begins with the first row that is not a preamble or a
//! comment.

use super::{
    dialect,
    names::{Meaning, normalize, speaks_of_passwords},
    records::{Mark, QuoteFault},
    source::Source,
};
use crate::{account::upn::Upn, util::sanitize::trim};
use csv::StringRecord;

/// How many rows are searched for the header, and how many are examined in all.
const HEADER_ROWS: usize = 40;
const SAMPLE_ROWS: usize = 100;
/// Rows with an address that may be above a header, such as a school's contact.
const CONTACTS_MAX: usize = 3;

/// The first record of the table, and what is needed to read on.
#[derive(Debug)]
pub(super) struct Opening {
    /// The header, or a row if the file has none.
    pub(super) first: StringRecord,
    /// Where it begins.
    pub(super) at: Mark,
    /// Where it ends.
    pub(super) after: Mark,
    /// Whether it is known to be a header, because it names a column of accounts.
    pub(super) is_known: bool,
    /// Whether the next record is a line of dashes, as below printed headings.
    pub(super) is_underlined: bool,
    /// The number of skipped rows above it.
    pub(super) passed: u64,
    /// The line of the first skipped row with an address.
    pub(super) passed_address: Option<u64>,
    /// Whether a skipped row is about passwords.
    pub(super) passed_passwords: bool,
}

impl Opening {
    /// Whether the first record has the column names: it does unless it contains an address, as data rows do.
    pub(super) fn is_header(&self) -> bool {
        !dialect::has_address(&self.first)
    }
}

/// Why it is not clear where the table begins.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum OpeningFault {
    /// A quotation mark before it is not closed.
    Quote(QuoteFault),
    /// There is an address above the likely header, and it could be an account.
    AddressAbove { address: u64, header: u64 },
}

impl From<QuoteFault> for OpeningFault {
    fn from(fault: QuoteFault) -> Self {
        Self::Quote(fault)
    }
}

/// What the beginning of a sheet shows about accounts.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
#[cfg_attr(not(feature = "xlsx"), allow(dead_code, reason = "only workbooks have sheets"))]
pub(super) enum Shows {
    Nothing,
    /// A single address, such as a contact.
    Contact,
    /// Several addresses, one below the other.
    Addresses,
    /// A column that is known to name accounts, with addresses below it.
    Accounts,
}

/// Finds the first record of the table; `None` if the file has none. `wanted` is the flag's value for the account
/// column, because that name may be in a row below titles.
pub(super) fn of(source: &Source, wanted: Option<&str>) -> Result<Option<Opening>, OpeningFault> {
    let sample = Sample::of(source, wanted)?;
    match sample.header() {
        Some(header) => {
            sample.must_have_no_account_above(header)?;
            Ok(Some(sample.opening(header, true)))
        }
        None => {
            let Some(first) = sample.first() else { return Ok(None) };
            sample.must_have_no_heading_below(first)?;
            Ok(Some(sample.opening(first, false)))
        }
    }
}

/// What the beginning of a sheet shows about accounts.
#[cfg_attr(not(feature = "xlsx"), allow(dead_code, reason = "only workbooks have sheets"))]
pub(super) fn shows(source: &Source, wanted: Option<&str>) -> Shows {
    let Ok(sample) = Sample::of(source, wanted) else { return Shows::Nothing };
    let width = sample.rows.iter().map(|row| row.cells.len()).max().unwrap_or_default();
    let addresses = |column: usize| sample.rows.iter().filter(|row| row.has_address_at(column)).count();
    let numbered = wanted.and_then(|wanted| wanted.trim().parse::<usize>().ok()?.checked_sub(1));
    let is_known = sample.header().is_some_and(|header| sample.has_addresses_below(header));
    if is_known || numbered.is_some_and(|column| addresses(column) > 0) {
        return Shows::Accounts;
    }
    match (0..width).map(addresses).max() {
        None | Some(0) => Shows::Nothing,
        Some(1) => Shows::Contact,
        Some(_) => Shows::Addresses,
    }
}

struct SampleRow {
    cells: StringRecord,
    at: Mark,
    after: Mark,
    /// Columns with an address.
    addresses: Vec<usize>,
    /// Columns whose name means accounts; empty if the row has an address.
    accounts: Vec<usize>,
}

impl SampleRow {
    fn has_address_at(&self, column: usize) -> bool {
        self.addresses.contains(&column)
    }

    /// A comment on a line of its own. `#;Login` is the header of a numbered list.
    fn is_comment(&self) -> bool {
        let first = self.cells.get(0).map_or("", trim);
        let is_alone = self.cells.iter().skip(1).all(|cell| trim(cell).is_empty());
        is_alone && first.len() > 1 && first.starts_with('#') && self.accounts.is_empty() && self.addresses.is_empty()
    }
}

/// The first rows of a file, without blank rows and preambles.
struct Sample {
    rows: Vec<SampleRow>,
}

impl Sample {
    fn of(source: &Source, wanted: Option<&str>) -> Result<Self, QuoteFault> {
        let mut sample = Self { rows: Vec::new() };
        let (mut records, mut cells) = (source.records(source.start()), StringRecord::new());
        while sample.rows.len() < SAMPLE_ROWS {
            let at = match records.read(&mut cells) {
                Ok(Some(at)) => at,
                Ok(None) => break,
                // The rows before the fault may still have the header, so report what they show.
                Err(fault) if sample.rows.is_empty() => return Err(fault),
                Err(_) => break,
            };
            if !dialect::is_blank(&cells) && !dialect::is_preamble(&cells) {
                let addresses = columns(&cells, |cell| Upn::parse(trim(cell)).is_ok());
                sample.rows.push(SampleRow {
                    cells: cells.clone(),
                    at,
                    after: records.mark(),
                    addresses,
                    accounts: Vec::new(),
                });
            }
        }
        // A number names no header; and the choice of columns reports a name that no header has.
        let wanted = wanted.map(normalize).filter(|plain| !plain.is_empty() && plain.parse::<usize>().is_err());
        if let Some(plain) = wanted {
            sample.name_accounts(|cell| normalize(cell) == plain);
        }
        if sample.header().is_none() {
            sample.name_accounts(|cell| Meaning::of(cell).is_account());
        }
        Ok(sample)
    }

    /// Notes which rows name a column of accounts.
    fn name_accounts(&mut self, is_account: impl Fn(&str) -> bool) {
        for row in self.rows.iter_mut().take(HEADER_ROWS).filter(|row| row.addresses.is_empty()) {
            row.accounts = columns(&row.cells, &is_account);
        }
    }

    /// The row that is known to be the header: the first that names accounts, or the last if several follow each other.
    fn header(&self) -> Option<usize> {
        let is_named = |at: &usize| !self.rows[*at].accounts.is_empty();
        let is_sure = |at: &usize| is_named(at) && (*at == 0 || self.has_addresses_below(*at));
        let mut header = (0..self.rows.len()).find(is_sure)?;
        while let Some(next) = self.rows.get(header + 1) {
            let same = next.accounts.iter().any(|column| self.rows[header].accounts.contains(column));
            if !same || !self.has_addresses_below(header + 1) {
                break;
            }
            header += 1;
        }
        Some(header)
    }

    fn has_addresses_below(&self, header: usize) -> bool {
        let accounts = &self.rows[header].accounts;
        self.rows[header + 1..].iter().any(|row| accounts.iter().any(|column| row.has_address_at(*column)))
    }

    fn first(&self) -> Option<usize> {
        let first = self.rows.iter().position(|row| !row.is_comment());
        first.or(if self.rows.is_empty() { None } else { Some(0) })
    }

    fn must_have_no_account_above(&self, header: usize) -> Result<(), OpeningFault> {
        let above = || self.rows[..header].iter().filter(|row| !row.addresses.is_empty());
        let accounts = &self.rows[header].accounts;
        let could_be_one = |row: &&SampleRow| row.addresses.iter().any(|column| accounts.contains(column));
        let fault = above().find(could_be_one).or_else(|| above().nth(CONTACTS_MAX));
        fault.map_or(Ok(()), |row| Err(self.address_above(row, header)))
    }

    /// A list without a header has no row of headings further down; a contact above an unknown header does.
    fn must_have_no_heading_below(&self, first: usize) -> Result<(), OpeningFault> {
        let row = &self.rows[first];
        let is_heading = |at: &usize| {
            let names = |cell: &str| Meaning::of(cell) == Meaning::PersonName;
            self.rows[*at].addresses.is_empty() && self.rows[*at].cells.iter().any(names)
        };
        let heading = (first + 1..self.rows.len().min(HEADER_ROWS)).find(is_heading);
        match heading.filter(|_| !row.addresses.is_empty()) {
            Some(header) => Err(self.address_above(row, header)),
            None => Ok(()),
        }
    }

    fn address_above(&self, row: &SampleRow, header: usize) -> OpeningFault {
        OpeningFault::AddressAbove { address: row.at.line, header: self.rows[header].at.line }
    }

    fn opening(&self, at: usize, is_known: bool) -> Opening {
        let (row, passed) = (&self.rows[at], &self.rows[..at]);
        let with_address = passed.iter().find(|row| !row.addresses.is_empty());
        Opening {
            first: row.cells.clone(),
            at: row.at,
            after: row.after,
            is_known,
            is_underlined: self.rows.get(at + 1).is_some_and(|next| is_underline(&next.cells)),
            passed: passed.len() as u64,
            passed_address: with_address.map(|row| row.at.line),
            passed_passwords: passed.iter().flat_map(|row| &row.cells).any(speaks_of_passwords),
        }
    }
}

fn columns(cells: &StringRecord, holds: impl Fn(&str) -> bool) -> Vec<usize> {
    (0..cells.len()).filter(|at| cells.get(*at).is_some_and(&holds)).collect()
}

/// Whether every non-empty cell has only dashes.
fn is_underline(cells: &StringRecord) -> bool {
    let mut filled = cells.iter().map(trim).filter(|cell| !cell.is_empty()).peekable();
    filled.peek().is_some() && filled.all(crate::roster::text_file::foreign::is_underline)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::roster::text_file::{Wanted, decode};

    fn source(text: &str) -> Source {
        Source::text(decode(text.into(), Wanted::Found).expect("text"))
    }

    /// The line of the opening, the number of skipped rows, and whether it is known to be a header.
    fn found(text: &str, wanted: Option<&str>) -> Result<(u64, u64, bool), OpeningFault> {
        of(&source(text), wanted).map(|opening| {
            let opening = opening.expect("a table");
            (opening.at.line, opening.passed, opening.is_known)
        })
    }

    #[test]
    fn header_below_titles_is_found() {
        for (text, line, passed) in [
            ("UPN,Name\na@c.com,A\n", 1, 0),
            ("Class 7A\nUPN,Name\na@c.com,A\n", 2, 1),
            ("Student list 7A\nGenerated,01/09/2026\n\nForename,Email\nAnn,a@c.com\n", 4, 2),
            ("List,as of,1 Sept,2026\nUPN,First,Last,Form\na@c.com,A,B,7A\n", 2, 1),
            ("# exported, by Ann\n# for 7A\nUPN,Name\na@c.com,A\n", 3, 2),
            ("Table 1\nUPN;Name\na@c.com;A\n", 2, 1),
            ("Contact:,it@c.com\nUPN,Name\na@c.com,A\n", 2, 1),
            ("Benutzername;Name\nuserPrincipalName;displayName\na@c.com;A\n", 2, 1),
            ("Konto,Person\nUPN,Name\na@c.com,A\n", 2, 1),
            ("version:v1.0\nUPN,Name\na@c.com,A\n", 2, 0),
        ] {
            assert_eq!(found(text, None), Ok((line, passed, true)), "{text}");
        }
        let titles = (0..30).map(|nth| format!("Rule {nth}\n")).collect::<String>();
        assert_eq!(found(&(titles + "UPN,Name\na@c.com,A\n"), None), Ok((31, 30, true)));
    }

    #[test]
    fn flag_finds_unknown_header() {
        let text = "Pupils\nby,Ann\nLog-in,Room,E-mail\na@c.com,1,x@c.com\n";
        assert_eq!(found(text, Some("log in")), Ok((3, 2, true)));
        assert_eq!(found(text, Some("room")), Ok((3, 2, true)), "by another column, since no account stands below");
        assert_eq!(found("Login,Room\na@c.com,Login\n", Some("Login")), Ok((1, 0, true)));
    }

    #[test]
    fn data_rows_are_no_headers() {
        for (text, line, known) in [
            ("Login,Contact\nann,Email\nbob,Mail\n", 1, false),
            ("username,Contact\njsmith,Email\na@c.com,x@c.com\n", 1, true),
            ("a@c.com,Ann\njsmith,Bob\nb@c.com,Cid\n", 1, false),
            ("# keep\na@c.com\nb@c.com\n", 2, false),
            ("#;Login;Room\n1;a@c.com;7\n", 1, false),
            ("Class list\nLogin,Room\na@c.com,7\n", 1, false),
        ] {
            assert_eq!(found(text, None).map(|(line, _, known)| (line, known)), Ok((line, known)), "{text}");
        }
    }

    #[test]
    fn address_above_header_is_an_error() {
        for (text, address, header) in [
            ("it@c.com\nUPN,Name\na@c.com,A\n", 1, 2),
            ("Ann,ann@c.com\nBob,bob@c.com\nName,UPN\nCid,cid@c.com\n", 1, 3),
            ("it@c.com,Contact\nLogin,Name\na@c.com,A\n", 1, 2),
            ("1,x@c.com\n2,y@c.com\n3,z@c.com\n4,w@c.com\nUPN,n\na@c.com,A\n", 4, 5),
        ] {
            assert_eq!(found(text, None), Err(OpeningFault::AddressAbove { address, header }), "{text}");
        }
    }

    #[test]
    fn sheets_show_what_they_hold() {
        for (text, shown) in [
            ("UPN\na@c.com\n", Shows::Accounts),
            ("Title\nUPN\na@c.com\n", Shows::Accounts),
            ("Login\na@c.com\nb@c.com\n", Shows::Addresses),
            ("How to\n1. Fill in\nContact,it@c.com\n", Shows::Contact),
            ("How to\n1. Send it to it@c.com\n", Shows::Nothing),
            ("UPN\n\n", Shows::Nothing),
        ] {
            assert_eq!(shows(&source(text), None), shown, "{text}");
        }
        for (wanted, shown) in [("login", Shows::Accounts), ("1", Shows::Accounts), ("2", Shows::Contact)] {
            assert_eq!(shows(&source("Login,Room\na@c.com,7\n"), Some(wanted)), shown, "{wanted}");
        }
    }
}
