//! Small helpers that know nothing of passwords or directories.

pub mod clock;
pub mod format;
pub mod json_error;
pub mod lock_file;
pub mod markup;
pub mod private_file;
pub mod redact;
pub mod replace;
pub mod sanitize;
pub mod secret_text;
pub mod suggest;
pub mod windows_name;
