//! Tests the whole reader with files as administrators have them, and with arbitrary input.

use super::*;
use crate::{
    account::language::Language,
    outcome::Skip,
    password::{Form, Profile},
};
use proptest::{prelude::*, sample::select};

const ID: &str = "0b8f2a6e-3c1d-4e5f-8a9b-0c1d2e3f4a5b";

const BULK_CREATE: &str = "Name [displayName] Required,User name [userPrincipalName] Required,Initial password [passwordProfile] Required,Block sign in (Yes/No) [accountEnabled] Required,First name [givenName],Last name [surname],Job title [jobTitle],Department [department],Usage location [usageLocation],Street address [streetAddress],State or province [state],Country or region [country],Office [physicalDeliveryOfficeName],City [city],ZIP or postal code [postalCode],Office phone [telephoneNumber],Mobile phone [mobile]";
const DOWNLOAD_OLD: &str = "userPrincipalName,displayName,surname,mail,givenName,objectId,userType,jobTitle,department,accountEnabled,usageLocation,streetAddress,state,country,physicalDeliveryOfficeName,city,postalCode,telephoneNumber,mobile,authenticationAlternativePhoneNumber,authenticationEmail,alternateEmailAddress,ageGroup,consentProvidedForMinor,legalAgeGroupClassification";
const DOWNLOAD_NEW: &str = "userPrincipalName,displayName,surname,mail,givenName,id,userType,jobTitle,department,accountEnabled,usageLocation,streetAddress,state,country,officeLocation,city,postalCode,telephoneNumber,mobilePhone,alternateEmailAddress,ageGroup,consentProvidedForMinor,legalAgeGroupClassification,companyName,creationType,directorySynced,invitationState,identityIssuer,createdDateTime";
const M365_NEW: &str = "Display name,DirSyncEnabled,User principal name,Object Id,First name,Last name,When created,Soft deletion time stamp,Title,Department,Preferred data location,City,CountryOrRegion,Office,StateOrProvince,Usage location,Last dirsync time,Block credential,Licenses,Password never expires,Last password change time stamp,Mobile Phone,Phone number,Postal code,Preferred language,Street address,Fax,Proxy addresses";
const M365_OLD: &str = "Block credential,City,Country/Region,Department,DirSyncEnabled,Display name,Fax,First name,Last dirsync time,Last name,Last password change time stamp,License assignment details,Licenses,Mobile Phone,Oath token meta data,Object Id,Office,Password never expires,Phone number,Postal code,Preferred data location,Preferred language,Proxy addresses,Release track,Soft deletion time stamp,State,Street address,Strong password required,Title,Usage location,User principal name,When created";
const M365_ADD: &str = "User Name,First Name,Last Name,Display Name,Job Title,Department,Office Number,Office Phone,Mobile Phone,Fax,Alternate email address,Address,City,State or Province,ZIP or Postal Code,Country or Region";
const SDS_V21: &str = "sourcedId,username,givenName,familyName,password,activeDirectoryMatchId,email,phone,sms";
const SDS_V2: &str = "sourcedId,orgSourcedIds,givenName,familyName,username,password,role,grade";
const SDS_V1: &str = "SIS ID,School SIS ID,First Name,Last Name,Username,Password";

fn read(bytes: impl AsRef<[u8]>) -> Result<Roster, RosterError> {
    Roster::from_bytes("r.csv", bytes.as_ref().to_vec(), &RosterOptions::default())
}

fn message(bytes: impl AsRef<[u8]>) -> String {
    read(bytes).err().expect("a refusal").to_string()
}

/// Line and address of each row, or line and reason.
fn rows(roster: &Roster) -> Vec<(u64, Result<String, Skip>)> {
    let told = |row: Row| (row.line, row.address.map(|upn| upn.as_str().to_owned()).map_err(|refusal| refusal.skip));
    roster.rows().map(|row| row.map(told).expect("a row")).collect()
}

fn good(line: u64, address: &str) -> (u64, Result<String, Skip>) {
    (line, Ok(address.to_owned()))
}

/// A file below `header` with two rows: an address in the column `column`, and suitable values elsewhere.
fn under(header: &str, column: &str) -> String {
    let row = |who: &str| {
        let cell = |name: &str| match name {
            _ if name == column => format!("{who}@contoso.com"),
            "mail" | "email" => format!("{who}@mail.contoso.com"),
            "id" | "objectId" | "Object Id" => {
                ID.replace("0b8f2a6e", if who == "ann" { "00000001" } else { "00000002" })
            }
            "displayName" | "Display name" => format!("\"{who}, Ms\""),
            _ => String::new(),
        };
        header.split(',').map(cell).collect::<Vec<_>>().join(",")
    };
    format!("{header}\n{}\n{}\n", row("ann"), row("bob"))
}

#[test]
fn known_export_headers_are_recognized() {
    const UPN: &str = "userPrincipalName";
    const BULK: &str = "User name [userPrincipalName] Required";
    for (header, column, names) in [
        (BULK_CREATE, BULK, 3),
        (BULK, BULK, 0),
        (
            "Member object ID or user principal name [memberObjectIdOrUpn] Required",
            "Member object ID or user principal name [memberObjectIdOrUpn] Required",
            0,
        ),
        ("ObjectId", "ObjectId", 0),
        (DOWNLOAD_OLD, UPN, 3),
        (DOWNLOAD_NEW, UPN, 3),
        (M365_NEW, "User principal name", 3),
        (M365_OLD, "User principal name", 3),
        (M365_ADD, "User Name", 3),
        (SDS_V21, "username", 2),
        (SDS_V2, "username", 2),
        (SDS_V1, "Username", 2),
        ("Benutzername,Vorname,Nachname,Anzeigename", "Benutzername", 3),
    ] {
        let plain = under(header, column);
        for (text, first) in [
            (plain.clone(), 2),
            (format!("version:v1.0,,,,\r\n{plain}"), 3),
            (format!("#TYPE System.Object\n{plain}"), 3),
        ] {
            let roster = read(&text).unwrap_or_else(|error| panic!("{error}\n{text}"));
            assert_eq!(roster.header()[roster.upn_column()], column, "{text}");
            assert_eq!(roster.name_columns().len(), names, "{text}");
            assert_eq!(rows(&roster), [good(first, "ann@contoso.com"), good(first + 1, "bob@contoso.com")], "{text}");
        }
    }
}

#[test]
fn excel_formats_give_equal_rows() {
    let template = format!(
        "version:v1.0;;;\n{}\nExample: Chris Green;Example: chris@contoso.com;Example: pw;No\n\nZoë;\u{A0}ann@contoso.com ;x;No\n;;;\n;bob@contoso.com\n",
        BULK_CREATE.replace(',', ";")
    );
    let utf16 = |bytes: fn(u16) -> [u8; 2]| -> Vec<u8> {
        format!("\u{FEFF}{template}").encode_utf16().flat_map(bytes).collect()
    };
    for bytes in [
        template.clone().into_bytes(),
        template.replace('\n', "\r\n").into_bytes(),
        template.replace('\n', "\r").into_bytes(),
        format!("\u{FEFF}{template}").into_bytes(),
        utf16(u16::to_le_bytes),
        utf16(u16::to_be_bytes),
        encoding_rs::WINDOWS_1252.encode(&template).0.into_owned(),
    ] {
        let roster = read(bytes).unwrap_or_else(|error| panic!("{error}"));
        assert_eq!(rows(&roster), [good(5, "ann@contoso.com"), good(7, "bob@contoso.com")]);
        let first = roster.rows().next().expect("a row").unwrap_or_else(|error| panic!("{error}"));
        assert_eq!(first.cells.iter().collect::<Vec<_>>(), ["Zoë", "\u{A0}ann@contoso.com ", "x", "No"], "unchanged");
    }
}

#[test]
fn wrong_rows_name_fault_and_line() {
    let text = format!(
        "upn,name\nann@contoso.com,\"A\nB\"\n,Bob\njsmith,x\n{}@contoso.com,x\njosé@contoso.com,x\nANN@contoso.com,x\n\
         a@contoso.com,x,, \nb@contoso.com,Smith,Bob\nc@contoso.com\nb@contoso.com\n",
        "a".repeat(65)
    );
    let roster = read(&text).unwrap_or_else(|error| panic!("{error}"));
    let found = rows(&roster);
    let wrong = [Skip::Missing, Skip::Invalid, Skip::TooLong, Skip::NotAscii, Skip::Duplicate];
    assert_eq!(found[0], good(2, "ann@contoso.com"));
    assert_eq!(found[1..6], (4..).zip(wrong.map(Err)).collect::<Vec<_>>());
    assert_eq!(
        found[6..],
        [good(9, "a@contoso.com"), (10, Err(Skip::Malformed)), good(11, "c@contoso.com"), good(12, "b@contoso.com")]
    );
    let refusals = roster.rows().filter_map(|row| row.ok()?.address.err()).map(|refusal| refusal.message);
    let messages: Vec<_> = refusals.collect();
    assert_eq!(messages[4], "line 8: this is the account of row 1 again, which is on line 2");
    assert!(messages[1].starts_with("line 5: ") && messages[1].ends_with("\"jsmith\""), "{}", messages[1]);
}

#[test]
fn possible_passwords_are_not_shown() {
    for text in ["upn,password\nhunter2,x\n", "a@c.com,x\nhunter2,x\nb@c.com,x\n"] {
        let roster = read(text).unwrap_or_else(|error| panic!("{error}"));
        let refusal = roster.rows().find_map(|row| row.ok()?.address.err()).expect("a refusal");
        assert!(!refusal.message.contains("hunter2"), "{}", refusal.message);
    }
    let roster = read("upn\n\x1b[2J\u{202e}\n").unwrap_or_else(|error| panic!("{error}"));
    let refusal = roster.rows().find_map(|row| row.ok()?.address.err()).expect("a refusal");
    assert!(refusal.message.ends_with("\"\u{FFFD}[2J\""), "{}", refusal.message);
}

#[test]
fn only_template_examples_are_dropped() {
    let text = "Name,UPN,Title\nExample: Chris,chris@contoso.com,\nAnn,ann@contoso.com,\nBob,bob@contoso.com,Example: of zeal\n\
                Cy,example: cy@contoso.com,\n";
    let roster = read(text).unwrap_or_else(|error| panic!("{error}"));
    assert_eq!(rows(&roster), [good(3, "ann@contoso.com"), good(4, "bob@contoso.com")]);
    let numbers: Vec<_> = roster.rows().filter_map(Result::ok).map(|row| row.number).collect();
    assert_eq!(numbers, [1, 2]);
}

#[test]
fn headerless_files_are_recognized() {
    let roster =
        read(format!("ann@contoso.com\nbob@contoso.com,Bob\n{ID}\n")).unwrap_or_else(|error| panic!("{error}"));
    assert_eq!(roster.header(), ["column 1", "column 2"]);
    assert_eq!(rows(&roster), [good(1, "ann@contoso.com"), good(2, "bob@contoso.com"), good(3, ID)]);
    let roster = read("Smith, Ann;a@c.com\nJones, Bob;b@c.com").unwrap_or_else(|error| panic!("{error}"));
    assert_eq!((roster.upn_column(), roster.header().len()), (1, 2));
    let error = read("a@c.com,a@mail.com\nb@c.com,b@mail.com\n").err().expect("two columns");
    assert!(error.to_string().contains("both \"column 1\" and \"column 2\""), "{error}");
    assert_eq!(error.choices(), ["column 1", "column 2"]);
}

#[test]
fn unusable_files_are_refused() {
    for (bytes, words) in [
        (&b""[..], ["no accounts", "no text"]),
        (b"\xEF\xBB\xBF", ["no accounts", "no text"]),
        (b"\n \r\n,,,\n", ["no accounts", "no text"]),
        (b"version:v1.0\nUPN\nExample: chris@contoso.com\n", ["no accounts", "header"]),
        (b"sep=,\nUPN,name\n\n", ["no accounts", "header"]),
        (b"Login,Room\na@c.com,1\n", ["values of \"Login\"", "\"Room\""]),
        (b"upn,n\na@c.com,\"x\nb@c.com,y\n", ["line 2", "not closed"]),
        (b"PK\x03\x04", ["workbook", "zip archive"]),
        (b"a\0b", ["line 1", "NUL"]),
    ] {
        let error = message(bytes);
        assert!(words.iter().all(|word| error.contains(word)), "{error}");
    }
    let missing = Roster::open(Path::new("/no/such/folder/pupils.csv"), &RosterOptions::default());
    let error = missing.err().expect("no file").to_string();
    assert!(error.starts_with("pupils.csv cannot be read"), "{error}");
}

#[test]
fn flags_name_the_columns() {
    let options = |upn: Option<&str>, password: Option<&str>| RosterOptions {
        upn_column: upn.map(str::to_owned),
        password_column: password.map(str::to_owned),
        ..RosterOptions::default()
    };
    let read = |upn, password| {
        let text = b"UPN,mail,Secret\na@c.com,a@mail.com,x\n".to_vec();
        let roster = Roster::from_bytes("r.csv", text, &options(upn, password));
        roster.map(|roster| (roster.upn_column(), roster.password_column()))
    };
    assert!(matches!(read(None, None), Ok((0, None))));
    assert!(matches!(read(Some("MAIL"), Some("3")), Ok((1, Some(2)))));
    let mistyped = read(None, Some("Sekret")).expect_err("no such column");
    assert!(
        matches!(&mistyped, RosterError::UnknownColumn { role: ColumnRole::Passwords, near: Some(near), .. } if near == "Secret"),
        "{mistyped}"
    );
    assert!(read(None, Some("upn")).is_err_and(|error| error.to_string().contains("both")));
}

#[test]
fn rows_have_profiles_and_languages() {
    let text =
        "upn,Year,Speaks,Name\na@c.com,JUNIOR,fr-CA,A\nb@c.com,,Polski,B\nc@c.com,juniper,de,C\nc@c.com,Staff,de,C\n";
    let forms = |profile: Option<Profile>| {
        let options = RosterOptions {
            profile_column: Some("year".into()),
            language_column: Some("3".into()),
            form: Form { profile, language: Language::Es },
            ..RosterOptions::default()
        };
        let roster = Roster::from_bytes("r.csv", text.into(), &options).unwrap_or_else(|error| panic!("{error}"));
        let form = |row: Row| row.address.map(|_| row.form).map_err(|refusal| (refusal.skip, refusal.message));
        roster.rows().map(|row| form(row.expect("a row"))).collect::<Vec<_>>()
    };
    let made = |profile, language| Ok(Form { profile: Some(profile), language });
    let with_default = forms(Some(Profile::Senior));
    assert_eq!(with_default[0], made(Profile::Junior, Language::Fr));
    assert_eq!(with_default[1], made(Profile::Senior, Language::Es));
    let (skip, message) = with_default[2].clone().expect_err("no profile");
    assert!(skip == Skip::ProfileUnknown && message.contains("line 4: there is no profile \"juniper\""), "{message}");
    assert!(message.contains("early-years, junior"), "{message}");
    assert_eq!(with_default[3], made(Profile::Staff, Language::De), "a later row may say it");
    let (skip, message) = forms(None)[1].clone().expect_err("no profile");
    assert!(skip == Skip::ProfileUnknown && message.contains("no default profile"), "{message}");
}

#[test]
fn profile_and_language_need_flags() {
    let read = |options: &RosterOptions| {
        Roster::from_bytes("r.csv", b"upn,profile,language\na@c.com,admin,fr\n".to_vec(), options)
    };
    let roster = read(&RosterOptions::default()).unwrap_or_else(|error| panic!("{error}"));
    assert_eq!(roster.rows().next().expect("a row").expect("a row").form, Form::default());
    for (profile, language, expected) in
        [(Some("profil"), None, ColumnRole::Profiles), (None, Some("langage"), ColumnRole::Languages)]
    {
        let [profile_column, language_column] = [profile, language].map(|name| name.map(str::to_owned));
        let error = read(&RosterOptions { profile_column, language_column, ..RosterOptions::default() });
        let error = error.err().expect("no such column");
        assert!(
            matches!(&error, RosterError::UnknownColumn { role, near: Some(_), .. } if *role == expected),
            "{error}"
        );
    }
}

#[test]
fn late_open_quote_ends_the_rows() {
    let mut text = "upn\n".to_owned();
    (0..20_000).for_each(|number| text += &format!("u{number}@contoso.com\n"));
    text += "\"x@contoso.com\ny@contoso.com\n";
    let roster = read(&text).unwrap_or_else(|error| panic!("{error}"));
    let mut rows = roster.rows().skip(20_000);
    let error = rows.next().expect("an error").err().expect("an error").to_string();
    assert!(error.contains("line 20002"), "{error}");
    assert!(rows.next().is_none());
}

/// A file as some program might write it, and what has to be read from it.
#[derive(Clone, Debug)]
struct Written {
    delimiter: char,
    line_end: &'static str,
    quote_all: bool,
    encoding: &'static str,
    /// Rows, each with the number of empty lines before it.
    rows: Vec<(usize, Vec<String>)>,
}

impl Written {
    fn cell(&self, cell: &str) -> String {
        let quoted = self.quote_all || cell.contains([self.delimiter, '"', '\n', '\r']);
        if quoted { format!("\"{}\"", cell.replace('"', "\"\"")) } else { cell.to_owned() }
    }

    /// The text, and the line on which each row begins.
    fn text(&self) -> (String, Vec<u64>) {
        let (mut text, mut lines) = (String::new(), Vec::new());
        for (number, (empty, cells)) in self.rows.iter().enumerate() {
            text += &self.line_end.repeat(*empty);
            // Count lines as an editor does: first turn every line end into one character.
            lines.push(1 + text.replace("\r\n", "\n").replace('\r', "\n").matches('\n').count() as u64);
            let cells: Vec<_> = cells.iter().map(|cell| self.cell(cell)).collect();
            text += &cells.join(&self.delimiter.to_string());
            if number + 1 < self.rows.len() {
                text += self.line_end;
            }
        }
        (text, lines)
    }

    fn bytes(&self, text: &str) -> Vec<u8> {
        let marked = format!("\u{FEFF}{text}");
        match self.encoding {
            "utf-8" => text.as_bytes().to_vec(),
            "utf-8 with mark" => marked.into_bytes(),
            "utf-16le" => marked.encode_utf16().flat_map(u16::to_le_bytes).collect(),
            "utf-16be" => marked.encode_utf16().flat_map(u16::to_be_bytes).collect(),
            _ => encoding_rs::WINDOWS_1252.encode(text).0.into_owned(),
        }
    }
}

fn written() -> impl Strategy<Value = Written> {
    // In Windows-1252, no two of these letters form valid UTF-8.
    let cell = || {
        proptest::collection::vec(
            select(vec!["a", "Bé", "ü", " ", ",", ";", "\t", "|", "\"", "\n", "\r", "\r\n", "="]),
            0..6,
        )
    };
    let cells = (1_usize..5).prop_flat_map(move |width| {
        let row = proptest::collection::vec(cell().prop_map(|parts| parts.concat()), width);
        proptest::collection::vec((0_usize..3, row), 1..12)
    });
    let encodings = vec!["utf-8", "utf-8 with mark", "utf-16le", "utf-16be", "windows-1252"];
    let style = (select(vec![',', ';', '\t', '|']), select(vec!["\n", "\r\n", "\r"]), any::<bool>(), select(encodings));
    (style, cells).prop_map(|((delimiter, line_end, quote_all, encoding), mut rows)| {
        for (number, (_, row)) in rows.iter_mut().enumerate() {
            row.insert(0, format!("u{number}@contoso.com"));
        }
        let width = rows[0].1.len();
        let header = (0..width).map(|at| if at == 0 { "UPN".to_owned() } else { format!("c{at}") });
        rows.insert(0, (0, header.collect()));
        Written { delimiter, line_end, quote_all, encoding, rows }
    })
}

proptest! {
    #[test]
    fn written_files_are_read_back(written in written()) {
        let (text, lines) = written.text();
        let roster = read(written.bytes(&text)).map_err(|error| TestCaseError::fail(format!("{error}\n{text:?}")))?;
        let found: Vec<_> = roster.rows().map(|row| row.unwrap_or_else(|error| panic!("{error}"))).collect();
        prop_assert_eq!(found.len() + 1, written.rows.len(), "{:?}", text);
        for ((row, line), (_, cells)) in found.iter().zip(&lines[1..]).zip(&written.rows[1..]) {
            prop_assert_eq!(row.line, *line, "{:?}", text);
            prop_assert_eq!(&row.cells.iter().collect::<Vec<_>>(), cells, "{:?}", text);
            prop_assert_eq!(row.address.as_ref().map(|upn| upn.as_str().to_owned()), Ok(cells[0].clone()));
        }
    }

    #[test]
    fn no_bytes_make_it_panic(bytes in proptest::collection::vec(any::<u8>(), 0..300)) {
        if let Ok(roster) = read(bytes) {
            roster.rows().for_each(drop);
        }
    }

    #[test]
    fn no_mangled_file_makes_it_panic(parts in proptest::collection::vec(select(vec![
        "upn", "mail", "a@c.com", ID, "é", ",", ";", "\t", "|", "\"", "\"\"", "\n", "\r", "\r\n", " ", "sep=;", "sep=", "version:",
        "#TYPE ", "Example:", "\u{FEFF}", "\u{A0}", "[", "]", "required", "\u{1b}",
    ]), 0..40)) {
        if let Ok(roster) = read(parts.concat()) {
            let lines: Vec<_> = roster.rows().map_while(Result::ok).map(|row| row.line).collect();
            prop_assert!(lines.is_sorted_by(|one, next| one < next));
        }
    }
}
