//! `generate`: only passwords.

use super::{plan, process::makers};
use crate::{
    cli::PolicyArgs,
    failure::Failure,
    terminal::{print, say},
};
use passwave::password::{Generator, Person};
use std::io::Write;

/// Passwords made at a time.
const CHUNK: usize = 8_192;

/// Prints passwords, one a line, and tells their entropy.
pub fn generate(count: usize, args: &PolicyArgs) -> Result<u8, Failure> {
    makers()?;
    let policy = plan::policy(args)?;
    let mut generator = Generator::new(&policy)?;
    print(|out| {
        let mut left = count;
        while left > 0 {
            let nobody = vec![Person::default(); left.min(CHUNK)];
            for password in generator.generate(&nobody)? {
                writeln!(out, "{}", password.expose())?;
            }
            left -= nobody.len();
        }
        Ok::<_, Failure>(())
    })?;
    say(&format!("{:.1} bits of entropy each", policy.entropy_bits()));
    Ok(0)
}
