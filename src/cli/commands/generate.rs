//! `generate`: prints passwords, or samples of every profile.

use super::policy::{Profiles, form, policy};
use crate::cli::{
    args::PolicyArgs,
    console::{Reporter, sign_in, strength},
    failure::Failure,
};
use passwave::{
    account::language::Language,
    password::{Form, Generator, Person, Profile},
};
use std::io::Write;

/// Passwords per chunk.
const CHUNK: usize = 8_192;

/// Prints passwords, one per line, and reports their entropy.
pub fn generate(reporter: &Reporter, count: usize, args: &PolicyArgs) -> Result<u8, Failure> {
    let policy = policy(args, Profiles::OfFlags)?;
    let form = form(args);
    let mut generator = Generator::new(&policy)?;
    reporter.output(|out| {
        let mut left = count;
        while left > 0 {
            let people = vec![Person { form, ..Person::default() }; left.min(CHUNK)];
            for password in generator.generate(&people)? {
                writeln!(out, "{}", password.expose())?;
            }
            left -= people.len();
        }
        Ok::<_, Failure>(())
    })?;
    let bits = policy.entropy_bits(form);
    reporter.notice(match form.profile {
        Some(profile) => format!("{}; {}", strength(bits), sign_in(profile.force_change())),
        None => format!("{bits:.1} bits of entropy each"),
    });
    Ok(0)
}

/// Prints a table with `count` passwords for each profile and language that `args` allows.
pub fn samples(reporter: &Reporter, count: usize, args: &PolicyArgs) -> Result<u8, Failure> {
    let policy = policy(args, Profiles::Many)?;
    let profiles = Profile::ALL.into_iter().filter(|profile| args.profile.is_none_or(|wanted| wanted == *profile));
    let languages = || Language::ALL.into_iter().filter(|one| args.language.is_none_or(|wanted| wanted == *one));
    let forms = profiles.flat_map(|profile| languages().map(move |language| Form { profile: Some(profile), language }));
    let forms: Vec<Form> = forms.collect();
    let people: Vec<_> = forms.iter().map(|&form| Person { form, ..Person::default() }).collect();
    let people: Vec<_> = people.into_iter().flat_map(|person| std::iter::repeat_n(person, count)).collect();
    let made = Generator::new(&policy)?.generate(&people)?;
    let widest = made.iter().map(|password| password.expose().len()).max().unwrap_or_default();
    reporter.output(|out| {
        writeln!(
            out,
            "{:<11}  {:<8}  {:<widest$}  {:>6}  {:>5}  at the next sign-in",
            "profile", "language", "password", "length", "bits"
        )?;
        for (person, password) in people.iter().zip(&made) {
            let (text, form) = (password.expose(), person.form);
            let then = form.profile.map(Profile::force_change).map_or("", sign_in);
            let (name, bits) = (form.profile.map_or("", Profile::as_str), policy.entropy_bits(form));
            writeln!(out, "{name:<11}  {:<8}  {text:<widest$}  {:>6}  {bits:>5.1}  {then}", form.language, text.len())?;
        }
        Ok::<_, Failure>(())
    })?;
    Ok(0)
}
