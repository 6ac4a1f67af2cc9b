//! Tests what is shown of refused rows, and of passwave's own report.

use super::*;
use proptest::{prelude::*, sample::select};

const SECRET: &str = "Fiets-5678";

fn read(text: &str, upn_column: Option<&str>) -> Roster {
    let options = RosterOptions { upn_column: upn_column.map(str::to_owned), ..RosterOptions::default() };
    Roster::from_bytes("r.csv", text.as_bytes().to_vec(), &options).unwrap_or_else(|error| panic!("{error}\n{text}"))
}

/// The messages of all refused rows.
fn refusals(roster: &Roster) -> String {
    let messages = roster.rows().filter_map(|row| row.expect("a row").address.err()).map(|refusal| refusal.message);
    messages.collect::<Vec<_>>().join("\n")
}

#[test]
fn safe_wrong_values_are_shown() {
    for header in ["UPN,Name", "Username,Class", "E-Mail,Vorname", "Email Address [Required],Status [READ ONLY]"] {
        let text = format!("{header}\nann@c.com,x\njsmith,x\nbob@c.com\n");
        assert!(refusals(&read(&text, None)).contains("\"jsmith\""), "{header}");
    }
    let text = "UPN,Name,,\nann@c.com,x,,\njsmith,x,,\nbob@c.com,x,,\n";
    assert!(refusals(&read(text, None)).contains("\"jsmith\""), "columns without a name and without values");
}

#[test]
fn possible_passwords_are_not_shown() {
    for (header, upn_column) in [
        ("Gebruikersnaam,Wachtwoord", None),
        ("Gebruikersnaam,Toegang", None),
        ("Username,", None),
        ("Email Address [Required],Password [Required]", None),
        ("UPN,PIN", None),
        ("Kennung,Name", Some("Kennung")),
        ("Login,Name", Some("Login")),
        ("UPN,password", None),
    ] {
        let text = format!("{header}\nann@c.com,x\nbob@c.com,x\n{SECRET},cid@c.com\n");
        let refusals = refusals(&read(&text, upn_column));
        assert!(refusals.contains("line 4") && !refusals.contains(SECRET), "{header}: {refusals}");
    }
    let headerless = format!("ann@c.com\nbob@c.com\n{SECRET}\n");
    assert!(!refusals(&read(&headerless, None)).contains(SECRET));
}

#[test]
fn possible_password_profiles_stay_hidden() {
    let options = RosterOptions { profile_column: Some("Year".into()), ..RosterOptions::default() };
    let text = format!("UPN,Year,Wachtwoord\nann@c.com,{SECRET},junior\n");
    let roster = Roster::from_bytes("r.csv", text.into_bytes(), &options).unwrap_or_else(|error| panic!("{error}"));
    let refusals = refusals(&roster);
    assert!(refusals.contains("there is no profile") && !refusals.contains(SECRET), "{refusals}");
}

const REPORT: &str = "row,user_principal_name,status,password,error_code,error_message,attempts,request_id,changed_at,upn,'=Note\n\
     1,'-ann@c.com,failed,,x,'=y,1,,,'-ann@c.com,'+49\n\
     2,bob@c.com,reset,Old-1234,,,1,,,bob@c.com,it's\n\
     3,nobody,skipped,Old-5678,,,0,,,nobody,'\n";

#[test]
fn own_report_is_a_roster() {
    let roster = read(REPORT, None);
    assert_eq!((roster.upn_column(), roster.header()[10].as_str()), (1, "=Note"));
    let rows: Vec<Row> = roster.rows().map(|row| row.expect("a row")).collect();
    assert_eq!(rows[0].address.as_ref().map(|upn| upn.as_str().to_owned()), Ok("-ann@c.com".into()));
    let cells = |row: usize| rows[row].cells.iter().collect::<Vec<_>>();
    assert_eq!(cells(0), ["1", "-ann@c.com", "failed", "", "x", "=y", "1", "", "", "-ann@c.com", "'+49"]);
    assert_eq!((cells(1)[3], cells(1)[10], cells(2)[10]), ("", "it's", "'"));
    assert!(!refusals(&roster).contains("nobody") && !refusals(&roster).contains("Old"));
    assert_eq!(roster.reset_before().expect("rows"), Some(1));
    assert_eq!(read("upn\na@c.com\n", None).reset_before().expect("rows"), None);
}

#[test]
fn own_passwords_return_on_request() {
    let options = RosterOptions { password_column: Some("password".into()), ..RosterOptions::default() };
    let roster = Roster::from_bytes("r.csv", REPORT.as_bytes().to_vec(), &options).expect("a roster");
    let second = roster.rows().nth(1).expect("a row").expect("a row");
    assert_eq!(&second.cells[3], "Old-1234");
    assert_eq!(read(REPORT, Some("upn")).upn_column(), 9, "a flag decides");
}

#[test]
fn another_file_keeps_its_apostrophes() {
    let roster = read("user_principal_name,status\n'-ann@c.com,failed\n", None);
    let row = roster.rows().next().expect("a row").expect("a row");
    assert_eq!(row.address.map(|upn| upn.as_str().to_owned()), Ok("'-ann@c.com".into()));
}

proptest! {
    #[test]
    fn headers_never_reveal_secrets(
        account in select(vec!["Username", "Benutzername", "UPN", "E-Mail", "Kennung", "Login"]),
        other in "[A-Za-z]{3,12}( [A-Za-z]{3,8})?",
    ) {
        prop_assume!(matches!(Meaning::of(&other), Meaning::Other | Meaning::Password));
        let text = format!("{account},{other}\nann@c.com,x\nbob@c.com,x\n{SECRET},y\n");
        prop_assert!(!refusals(&read(&text, Some(account))).contains(SECRET), "{}", text);
    }
}
