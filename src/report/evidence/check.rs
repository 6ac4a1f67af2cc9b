//! Checks the evidence: whether every line is the one that was written.
//!
//! It reads line by line, so memory stays flat. Invariant: each byte of the file is compared with what was written.

use super::chain::{Chain, FIELD, LINK_CHARS, ROW_ENDS, ROWS};
use std::{
    fs::File,
    io::{self, BufRead, BufReader, Read},
    path::Path,
};

/// The longest line, in bytes: the first one has the causes and rules of a run.
const LINE_BYTES_MAX: u64 = 16 << 20;
/// Every file begins so.
const BEGINS: &str = "{\"schema\":\"passwave.evidence.v1\",";

/// Evidence that holds.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Checked {
    /// The number of rows.
    pub rows: u64,
    /// The last link of the chain, in hexadecimal.
    pub final_chain: String,
}

/// Why evidence does not hold.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum EvidenceFault {
    /// The file cannot be read.
    #[error("{0}")]
    Unreadable(#[from] io::Error),
    /// The file is something else, or its format is not known.
    #[error("it is not evidence of passwave, or of a newer release")]
    NotEvidence,
    /// The first line is not what was written.
    #[error("the description of the run (line 1) was changed")]
    Head,
    /// A row is not what was written.
    #[error("line {line} does not follow the line before it: {what}")]
    Row {
        /// The line of the file, from 1.
        line: u64,
        /// Which row it should be.
        what: String,
    },
    /// The last line is not what was written, or something comes after it.
    #[error("the end of the file was changed, or rows before it are missing (line {0})")]
    End(u64),
    /// The file ends in the middle.
    #[error("it ends after line {0}, in the middle")]
    CutOff(u64),
}

/// Checks a file.
///
/// # Errors
/// Names the first line that is not what was written.
pub fn check(file: &Path) -> Result<Checked, EvidenceFault> {
    read(BufReader::new(File::open(file)?))
}

pub(super) fn read(file: impl BufRead) -> Result<Checked, EvidenceFault> {
    check_lines(file, BEGINS, &mut |_| {})
}

/// Checks the lines of a file that begins with `begins`; `each` sees the object of every row that holds.
pub fn check_lines(mut file: impl BufRead, begins: &str, each: &mut dyn FnMut(&str)) -> Result<Checked, EvidenceFault> {
    let Some(head) = line(&mut file)?.filter(|line| line.starts_with(begins)) else {
        return Err(EvidenceFault::NotEvidence);
    };
    let mut chain = first(&head).ok_or(EvidenceFault::Head)?;
    let (mut rows, mut has_comma) = (0, true);
    loop {
        let number = rows + 2;
        let line = line(&mut file)?.ok_or(EvidenceFault::CutOff(number - 1))?;
        if line.starts_with(']') {
            let is_whole = line == chain.end(rows) && (rows == 0 || !has_comma);
            let ends = is_whole && file.fill_buf()?.is_empty();
            let final_chain = chain.link().to_owned();
            return if ends { Ok(Checked { rows, final_chain }) } else { Err(EvidenceFault::End(number)) };
        }
        let text = line.strip_suffix(',').unwrap_or(&line);
        let is_next = has_comma && row(text, &mut chain);
        if !is_next {
            let what = format!("row {} was changed, dropped or moved", rows + 1);
            return Err(EvidenceFault::Row { line: number, what });
        }
        each(text);
        has_comma = text.len() < line.len();
        rows += 1;
    }
}

/// A line without its line feed, or `None` if the file ends without one.
fn line(file: &mut impl BufRead) -> Result<Option<String>, EvidenceFault> {
    let mut bytes = Vec::new();
    file.by_ref().take(LINE_BYTES_MAX).read_until(b'\n', &mut bytes)?;
    // Passwave writes UTF-8, and no line of the file is empty.
    let text = String::from_utf8(bytes).unwrap_or_else(|_| "\n".into());
    Ok(text.strip_suffix('\n').map(str::to_owned))
}

/// The chain that the first line begins, if it is as it was written.
fn first(line: &str) -> Option<Chain> {
    let own = line.strip_suffix(ROWS)?;
    let text = own.get(..own.len().checked_sub(FIELD.len() + LINK_CHARS)?)?;
    let (written, chain) = Chain::begin(&format!("{text}}}"));
    (written == line).then_some(chain)
}

/// Continues the chain with a row; whether the row is as it was written.
fn row(line: &str, chain: &mut Chain) -> bool {
    let Some(own) = line.strip_suffix(ROW_ENDS) else { return false };
    let Some(end) = own.len().checked_sub(FIELD.len() + LINK_CHARS) else { return false };
    own.get(..end).is_some_and(|text| chain.add(&format!("{text}}}")) == line)
}
