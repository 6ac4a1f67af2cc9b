//! A million passwords for a million people: drawn, checked against names and banned words, made unique, kept secret.
//!
//! `cargo bench --bench passwords`; the figure to read is passwords a second.

use criterion::{BatchSize, Criterion, Throughput, criterion_group, criterion_main};
use passwave::password::{BannedWords, Generator, PasswordPolicy, Person, Style};

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
    let people: Vec<_> =
        roster.iter().map(|[upn, given, family, display]| Person { upn, names: [given, family, display] }).collect();
    let words = || Style::Words { words: 4, separator: "-".to_owned() };
    let mut group = criterion.benchmark_group("passwords");
    group.throughput(Throughput::Elements(PEOPLE as u64)).sample_size(10);
    for (name, style, banned_words) in [
        ("random", Style::default(), 0),
        ("random, 1000 banned words", Style::default(), 1_000),
        ("words", words(), 0),
        ("words, 1000 banned words", words(), 1_000),
    ] {
        let policy = PasswordPolicy::new(style, banned(banned_words)).expect("good settings");
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
