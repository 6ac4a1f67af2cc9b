//! The files beside the roster, as PowerShell 5.1 and Notepad write them: UTF-16, byte order marks, Windows-1252.

use std::{fs, path::Path, process::Command};

/// The same text in each encoding.
fn encoded(text: &str) -> [(&'static str, Vec<u8>); 4] {
    let utf16 = |unit: fn(u16) -> [u8; 2]| {
        std::iter::once(0xFEFF).chain(text.encode_utf16()).flat_map(unit).collect::<Vec<u8>>()
    };
    let windows = encoding_rs::WINDOWS_1252.encode(text).0.into_owned();
    [
        ("UTF-8 with a mark", format!("\u{FEFF}{text}").into_bytes()),
        ("UTF-16LE", utf16(u16::to_le_bytes)),
        ("UTF-16BE", utf16(u16::to_be_bytes)),
        ("Windows-1252", windows),
    ]
}

/// Runs the program in the folder; it must end with this code. Returns what it says.
fn passwave(folder: &Path, arguments: &str, code: i32) -> String {
    let mut command = Command::new(env!("CARGO_BIN_EXE_passwave"));
    command.args(arguments.split(' ')).current_dir(folder).env("PASSWAVE_LENGTH", "20");
    let output = command.output().expect("it starts");
    let said = String::from_utf8_lossy(&output.stderr).into_owned() + &String::from_utf8_lossy(&output.stdout);
    assert_eq!(output.status.code(), Some(code), "{arguments}: {said}");
    said
}

#[test]
fn settings_are_read_in_every_encoding() {
    let config = "# für alle\r\nstyle = 'words'\r\n";
    let faults = "{\r\n\"accounts\": {\"zoë\": \"normal\", \"ann@contoso.com\": \"disabled\"}}\r\n";
    let (banned, template) = ("# für uns\r\nmüller\r\n", "<p>für {{ slips | length }}</p>\r\n");
    for (((name, config), (_, faults)), ((_, banned), (_, template))) in
        encoded(config).into_iter().zip(encoded(faults)).zip(encoded(banned).into_iter().zip(encoded(template)))
    {
        let home = tempfile::tempdir().expect("a folder");
        let files = [
            ("config.toml", config),
            ("faults.json", faults),
            ("banned.txt", banned),
            ("own.html", template),
            ("wave.csv", b"UPN\nann@contoso.com\n".to_vec()),
        ];
        files.iter().for_each(|(name, bytes)| fs::write(home.path().join(name), bytes).expect("written"));
        let job = "rehearse wave.csv --run-dir run --config config.toml --faults faults.json --banned-words banned.txt";
        let said = passwave(home.path(), job, 0);
        assert!(said.contains("words"), "{name}: {said}");
        passwave(home.path(), "handouts run --no-config --template own.html --out slips", 0);
        let page = fs::read_to_string(home.path().join("slips/handouts.html")).expect("a page");
        assert!(page.contains("für 1"), "{name}: {page}");
    }
}

#[cfg(feature = "seal")]
#[test]
fn keys_are_read_in_every_encoding() {
    use age::x25519;
    use secrecy::ExposeSecret;
    let key = x25519::Identity::generate();
    let recipients = format!("# für Zoë\r\n{}\r\n", key.to_public());
    let secret = format!("# für Zoë\r\n{}\r\n", key.to_string().expose_secret());
    for ((name, recipients), (_, secret)) in encoded(&recipients).into_iter().zip(encoded(&secret)) {
        let home = tempfile::tempdir().expect("a folder");
        let files = [("to.txt", recipients), ("key.txt", secret), ("wave.csv", b"UPN\nann@contoso.com\n".to_vec())];
        files.iter().for_each(|(name, bytes)| fs::write(home.path().join(name), bytes).expect("written"));
        let said = passwave(home.path(), "rehearse wave.csv --run-dir run --no-config --seal-to-file to.txt", 0);
        assert!(said.contains("für Zoë"), "{name}: {said}");
        let report = passwave(home.path(), "report run --no-config --format csv --identity key.txt", 0);
        let row = report.lines().find(|line| line.contains("ann@contoso.com")).expect("her row");
        assert!(row.split(',').nth(3).is_some_and(|password| password.len() == 20), "{name}: {row}");
    }
}
