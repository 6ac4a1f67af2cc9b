//! Reads whole files up to a limit: a larger one is refused before it fills the memory.
//!
//! The size of a regular file is checked before it is read. A pipe, a device or standard input has no size, so reading
//! stops just past the limit.

use std::{
    fs::File,
    io::{self, Read},
    path::Path,
};

/// Why a file could not be read completely.
#[derive(Debug, thiserror::Error)]
pub enum ReadError {
    /// It cannot be opened or read.
    #[error(transparent)]
    Io(#[from] io::Error),
    /// It is larger than the limit.
    #[error("it holds more than {} MiB, which is the limit", .0 >> 20)]
    TooLarge(u64),
}

/// Reads a file of at most `limit` bytes.
///
/// # Errors
/// Fails if it cannot be read, or is larger.
pub fn read(path: &Path, limit: u64) -> Result<Vec<u8>, ReadError> {
    let file = File::open(path)?;
    let metadata = file.metadata()?;
    if metadata.is_file() && metadata.len() > limit {
        return Err(ReadError::TooLarge(limit));
    }
    read_from(file, limit)
}

/// Reads `reader` to its end, at most `limit` bytes.
///
/// # Errors
/// Fails if it cannot be read, or is longer.
pub fn read_from(reader: impl Read, limit: u64) -> Result<Vec<u8>, ReadError> {
    let mut bytes = Vec::new();
    reader.take(limit + 1).read_to_end(&mut bytes)?;
    if bytes.len() as u64 > limit { Err(ReadError::TooLarge(limit)) } else { Ok(bytes) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn oversized_files_are_refused() {
        assert_eq!(read_from(&b"four"[..], 4).expect("just as large"), b"four");
        assert!(matches!(read_from(&b"five5"[..], 4), Err(ReadError::TooLarge(4))));
        assert!(matches!(read_from(io::repeat(0), 1 << 20), Err(ReadError::TooLarge(_))), "one without end");
        let file = tempfile::NamedTempFile::new().expect("a file");
        file.as_file().set_len(1 << 40).expect("a sparse file");
        let error = read(file.path(), 512 << 20).expect_err("a terabyte");
        assert_eq!(error.to_string(), "it holds more than 512 MiB, which is the limit");
        assert!(matches!(read(Path::new("/no/such/file"), 1), Err(ReadError::Io(_))));
    }
}
