//! `generate`: only passwords.

use super::plan;
use crate::{
    cli::PolicyArgs,
    failure::Failure,
    terminal::{print, say},
};
use passwave::password::{Generator, Person};

/// Passwords made at a time.
const CHUNK: usize = 8_192;

/// Prints passwords, one a line, and tells their entropy.
pub fn generate(count: usize, args: &PolicyArgs) -> Result<u8, Failure> {
    let policy = plan::policy(args)?;
    let mut generator = Generator::new(&policy)?;
    let mut left = count;
    while left > 0 {
        let nobody = vec![Person::default(); left.min(CHUNK)];
        let passwords = generator.generate(&nobody)?;
        print(|out| passwords.iter().try_for_each(|password| writeln!(out, "{}", password.expose())))
            .map_err(Failure::away)?;
        left -= passwords.len();
    }
    say(&format!("{:.1} bits of entropy each", policy.entropy_bits()));
    Ok(0)
}
