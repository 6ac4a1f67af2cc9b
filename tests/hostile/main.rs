//! What others say, at its worst: files that are none, and servers that answer wrongly.

mod checks;
mod properties;
mod server;
mod wrong_answers;
