//! The records of a text, each with the physical line on which it begins.
//!
//! The csv crate splits the text. Lines are counted here, because the crate's own count is wrong after `\r\n` and blank
//! lines. A quotation mark never swallows rows silently: a cell over several lines has to be closed where it ends.
//!
//! Invariant: `\n`, `\r\n` and a lone `\r` each end one line, inside and outside quotes.

use csv::StringRecord;

/// A position in a text: an offset in bytes, and its line. In a sheet: the number of rows before it, and the sheet's
/// own number of the row.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Mark {
    pub(super) byte: usize,
    pub(super) line: u64,
}

/// The quotation mark that opens a cell on `line` is not closed where the cell ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct QuoteFault {
    pub(super) line: u64,
}

/// Reads records one after another, starting at a mark.
pub(super) struct Records<'t> {
    text: &'t str,
    delimiter: u8,
    reader: csv::Reader<&'t [u8]>,
    base: usize,
    /// The position after the last record; it may be between `\r` and `\n`.
    end: Mark,
}

impl<'t> Records<'t> {
    /// Skips byte order marks at `from`: the csv crate would drop one without counting it.
    pub(super) fn new(text: &'t str, delimiter: u8, from: Mark) -> Self {
        let rest = &text[from.byte..];
        let marks = rest.len() - rest.trim_start_matches('\u{FEFF}').len();
        let from = Mark { byte: from.byte + marks, ..from };
        let reader = csv::ReaderBuilder::new()
            .delimiter(delimiter)
            .has_headers(false)
            .flexible(true)
            .from_reader(&text.as_bytes()[from.byte..]);
        Self { text, delimiter, reader, base: from.byte, end: from }
    }

    /// Where the next record is read.
    pub(super) const fn mark(&self) -> Mark {
        self.end
    }

    /// Reads the next non-empty record into `cells` and returns its position; `None` at the end.
    pub(super) fn read(&mut self, cells: &mut StringRecord) -> Result<Option<Mark>, QuoteFault> {
        if !self.reader.read_record(cells).expect("text in memory is read without errors") {
            return Ok(None);
        }
        let start = self.skip_line_ends();
        let stop = self.base + self.reader.position().byte() as usize;
        let lines = breaks(self.text, start.byte, stop);
        self.end = Mark { byte: stop, line: start.line + lines };
        // Only a record over several lines, or the last one, can contain a stray quotation mark.
        if lines > 1 || stop == self.text.len() {
            self.check_quotes(start, stop)?;
        }
        Ok(Some(start))
    }

    fn skip_line_ends(&self) -> Mark {
        let rest = &self.text.as_bytes()[self.end.byte..];
        let skipped = rest.iter().take_while(|byte| matches!(byte, b'\n' | b'\r')).count();
        let byte = self.end.byte + skipped;
        Mark { byte, line: self.end.line + breaks(self.text, self.end.byte, byte) }
    }

    /// Follows the quotes of one record by the csv crate's rules, and finds a cell that runs past its end.
    fn check_quotes(&self, start: Mark, stop: usize) -> Result<(), QuoteFault> {
        let fault = |opened| Err(QuoteFault { line: start.line + breaks(self.text, start.byte, opened) });
        let mut state = Quoting::CellStart;
        for (at, &byte) in self.text.as_bytes()[..stop].iter().enumerate().skip(start.byte) {
            state = match (state, byte) {
                (Quoting::CellStart, b'"') => Quoting::Open(at),
                (Quoting::Open(opened), b'"') => Quoting::Closed(opened),
                (Quoting::Open(opened), _) | (Quoting::Closed(opened), b'"') => Quoting::Open(opened),
                _ if byte == self.delimiter || matches!(byte, b'\n' | b'\r') => Quoting::CellStart,
                (Quoting::Closed(opened), _) if breaks(self.text, opened, at) > 0 => return fault(opened),
                _ => Quoting::Plain,
            };
        }
        if let Quoting::Open(opened) = state { fault(opened) } else { Ok(()) }
    }
}

/// The state of the check of one record, with the offset of the quotation mark that opened the cell.
#[derive(Clone, Copy)]
enum Quoting {
    CellStart,
    Plain,
    Open(usize),
    Closed(usize),
}

/// Line breaks in `text[from..to]`. A `\n` after a `\r` belongs to it, even if the `\r` is before `from`.
fn breaks(text: &str, from: usize, to: usize) -> u64 {
    let bytes = text.as_bytes();
    let mut last = from.checked_sub(1).map_or(0, |before| bytes[before]);
    let mut count = 0;
    for &byte in &bytes[from..to] {
        count += u64::from(byte == b'\r') + u64::from((byte == b'\n') & (last != b'\r'));
        last = byte;
    }
    count
}

#[cfg(test)]
mod tests {
    use super::*;

    const START: Mark = Mark { byte: 0, line: 1 };

    fn lines(text: &str) -> Result<Vec<(u64, String)>, u64> {
        let (mut records, mut cells, mut found) = (Records::new(text, b',', START), StringRecord::new(), Vec::new());
        while let Some(start) = records.read(&mut cells).map_err(|fault| fault.line)? {
            found.push((start.line, cells.iter().collect::<Vec<_>>().join("|")));
        }
        Ok(found)
    }

    #[test]
    fn lines_are_those_an_editor_shows() {
        for end in ["\n", "\r\n", "\r"] {
            let text = "a,b\n\n\nc,\"x\ny\"\n \nd,e\n\n".replace('\n', end);
            let cell = format!("c|x{end}y");
            let expected = [(1, "a|b"), (4, cell.as_str()), (6, " "), (7, "d|e")];
            assert_eq!(lines(&text), Ok(expected.map(|(line, cells)| (line, cells.to_owned())).to_vec()), "{text:?}");
        }
        assert_eq!(lines("\r\n\n\ra").map(|found| found[0].0), Ok(4));
        assert_eq!(lines("\u{FEFF}\u{FEFF}\na").map(|found| found[0].0), Ok(2), "marks in the middle of a file");
    }

    #[test]
    fn reading_goes_on_from_any_mark() {
        let text = "a,b\r\n\"c\r\nd\",\r\ne";
        let (mut records, mut cells) = (Records::new(text, b',', START), StringRecord::new());
        records.read(&mut cells).expect("a record");
        let mut again = Records::new(text, b',', records.mark());
        assert_eq!(again.read(&mut cells).expect("a record").map(|mark| mark.line), Some(2));
        let mut again = Records::new(text, b',', again.mark());
        assert_eq!(again.read(&mut cells).expect("a record").map(|mark| mark.line), Some(4));
    }

    #[test]
    fn stray_quotes_are_located() {
        assert_eq!(lines("a,b\n\nc,\"d\ne,f\n"), Err(3));
        assert_eq!(lines("a\nb,\"c"), Err(2));
        assert_eq!(lines("a\n\"b\nc,\"d, e\"\nf\n"), Err(2), "closed by the next cell's opening quote");
        assert_eq!(lines("a,\"x\ny\",\"z\nb\n"), Err(2), "opened on the second line of its record");
        assert_eq!(lines("a,\"\"\"\"\nb,\"c\"\"\"").map(|found| found.len()), Ok(2));
        assert_eq!(lines("a,\"x\"y\nb\"c,d").map(|found| found.len()), Ok(2), "sloppy, but on one line");
    }
}
