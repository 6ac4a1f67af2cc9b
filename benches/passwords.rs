//! A million passwords for a million users: generated, checked against names and banned words, and made unique.
//!
//! `cargo bench --bench passwords`; compare the passwords per second.

use criterion::{BatchSize, Criterion, Throughput, criterion_group, criterion_main};
use passwave::password::{BannedWords, Form, Generator, PasswordPolicy, Person, Profile, Style};

const PEOPLE: usize = 1_000_000;
const GIVEN: [&str; 16] = [
    "Anna",
    "Mohammed",
    "Lucía",
    "Wei",
    "Oliver",
    "Fatima",
    "Noah",
    "Zoë",
    "Giulia",
    "Jan",
    "Priya",
    "Chidi",
    "Hanna",
    "Liam",
    "Yuki",
    "Bartholomew",
];
const FAMILY: [&str; 16] = [
    "Smith",
    "Nguyen",
    "García",
    "O'Neill",
    "Kowalski",
    "Li",
    "Van den Berg",
    "Okafor",
    "Müller",
    "Rossi",
    "Patel",
    "Yılmaz",
    "Johansson",
    "Dubois",
    "Fernandes-Lopes",
    "Wright",
];

/// User principal name, given name, family name and display name of each.
fn roster() -> Vec<[String; 4]> {
    let ascii = |name: &str| name.chars().filter(char::is_ascii_alphabetic).collect::<String>().to_lowercase();
    (0..PEOPLE)
        .map(|n| {
            let (given, family) = (GIVEN[n % 16], FAMILY[n / 16 % 16]);
            let upn = format!("{}.{}{n}@students.contoso-academy.edu", ascii(given), ascii(family));
            [upn, given.to_owned(), family.to_owned(), format!("{given} {family}")]
        })
        .collect()
}

fn banned(words: usize) -> BannedWords {
    let list: String = (0..words).map(|n| format!("contoso{n}\n")).collect();
    BannedWords::read(&list).expect("a good list")
}

fn passwords(criterion: &mut Criterion) {
    let roster = roster();
    let people = |profile| -> Vec<_> {
        let form = Form { profile, ..Form::default() };
        roster
            .iter()
            .map(|[upn, given, family, display]| Person { upn, names: [given, family, display], form })
            .collect()
    };
    let words = || Style::Words { words: 4, separator: "-".to_owned() };
    let mut group = criterion.benchmark_group("passwords");
    group.throughput(Throughput::Elements(PEOPLE as u64)).sample_size(10);
    for (name, profile, style, banned_words) in [
        ("random", None, Style::default(), 0),
        ("random, 1000 banned words", None, Style::default(), 1_000),
        ("words", None, words(), 0),
        ("words, 1000 banned words", None, words(), 1_000),
        ("junior", Some(Profile::Junior), Style::default(), 0),
        ("admin", Some(Profile::Admin), Style::default(), 0),
    ] {
        let policy = PasswordPolicy::new(style, banned(banned_words)).expect("good settings");
        let people = people(profile);
        group.bench_function(name, |bencher| {
            let generator = || Generator::new(&policy).expect("randomness");
            let make = |mut generator: Generator<'_>| generator.generate(&people).expect("passwords");
            bencher.iter_batched(generator, make, BatchSize::PerIteration);
        });
    }
    group.finish();
}

criterion_group!(benches, passwords);
criterion_main!(benches);
