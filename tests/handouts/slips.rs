//! Which file has which slip, and the text of slips.

use crate::workspace::{Workspace, escaped};

/// The slips of a page, each as a whole.
fn slips(page: &str) -> Vec<&str> {
    page.split("<article").skip(1).map(|rest| rest.split("</article>").next().expect("its end")).collect()
}

/// The accounts of a page, in the order of its slips.
fn accounts(page: &str) -> Vec<&str> {
    let account = |slip: &str| {
        let from = slip.find("class=\"account").expect("an account");
        let from = from + slip[from..].find('>').expect("a name") + 1;
        from..from + slip[from..].find('<').expect("its end")
    };
    slips(page).into_iter().map(|slip| &slip[account(slip)]).collect()
}

#[test]
fn groups_contain_only_their_slips() {
    let workspace = Workspace::rehearsed(&[]);
    let said = workspace.handouts(1, &["--by", "klasse"]);
    assert_eq!(workspace.files("run/handouts"), ["7A.html", "7B.html", "7a-2.html", "index.csv", "no-Klasse.html"]);
    assert_eq!(
        workspace.read("run/handouts/index.csv"),
        "group,file,slips\r\n7A,7A.html,2\r\n7a,7a-2.html,1\r\n7B,7B.html,1\r\n,no-Klasse.html,1\r\n"
    );
    for (file, members) in [
        ("7A.html", &["bob@contoso.com", "ann@contoso.com"][..]),
        ("7B.html", &["zoe@contoso.com"]),
        ("7a-2.html", &["kim@contoso.com"]),
        ("no-Klasse.html", &["smith@contoso.com"]),
    ] {
        let page = workspace.read(&format!("run/handouts/{file}"));
        assert_eq!(accounts(&page), members, "{file}");
        for (upn, password) in workspace.passwords() {
            assert_eq!(page.contains(&escaped(&password)), members.contains(&&*upn), "{upn} in {file}");
        }
    }
    for told in [
        "5 slips in 4 files",
        "No slip for 1 row: skipped; report.csv says why",
        "in clear text",
        "REHEARSAL",
        "2  7A.html",
    ] {
        assert!(said.contains(told), "{told} is missing: {said}");
    }
}

#[test]
fn slips_use_their_readers_language() {
    let workspace = Workspace::rehearsed(&[]);
    let said = workspace.handouts(1, &["--language", "es", "--language-column", "Sprache", "--order", "name"]);
    assert!(said.contains("1 slip asks for the language \"Klingon\""), "{said}");
    let page = workspace.read("run/handouts/handouts.html");
    let order = ["kim", "ann", "zoe", "smith", "bob"].map(|name| format!("{name}@contoso.com"));
    assert_eq!(accounts(&page), order, "accents and marks count for nothing");
    for (slip, words) in slips(&page).iter().zip(["Contraseña", "Contraseña", "Mot de passe", "Contraseña", "Kennwort"])
    {
        assert!(slip.contains(words), "{words} is missing: {slip}");
    }
    assert!(page.contains("Zoë Åberg") && page.contains("Bob Zander"), "given names first");
    assert!(page.contains("Kim &lt;b&gt;O&#x27;Brien&lt;&#x2f;b&gt;") && !page.contains("<b>O'"), "escaped");
}

#[test]
fn rehearsal_slips_are_labelled() {
    let workspace = Workspace::rehearsed(&[]);
    workspace.handouts(1, &[]);
    let page = workspace.read("run/handouts/handouts.html");
    assert_eq!(slips(&page).len(), 5);
    assert!(slips(&page).iter().all(|slip| slip.contains("Rehearsal: this password is not valid")));
}

#[test]
fn next_step_matches_the_run() {
    for (flag, words) in [
        ("--no-force-change", "This is your password from now on"),
        ("--force-change-with-mfa", "first confirm with your app or phone that it is you"),
    ] {
        let workspace = Workspace::rehearsed(&[flag]);
        workspace.handouts(1, &["--sign-in", "https://Portal.contoso.com/"]);
        let page = workspace.read("run/handouts/handouts.html");
        assert!(
            slips(&page).iter().all(|slip| slip.contains(words) && slip.contains(">portal.contoso.com<")),
            "{flag}"
        );
    }
}

#[test]
fn slips_show_only_valid_passwords() {
    let workspace = Workspace::new();
    workspace.write("school.csv", "UPN\nann@contoso.com\nbob@contoso.com\nann@contoso.com\nkim@contoso.com\n");
    workspace.write("faults.json", r#"{"accounts": {"bob@contoso.com": "synced"}}"#);
    let plan = ["rehearse", "school.csv", "--run-dir", "run", "--faults", "faults.json", "--pilot", "1"];
    workspace.passwave(&plan);
    let said = workspace.handouts(1, &[]);
    for told in [
        "1 slip in 1 file",
        "No slip for 1 row: not done yet",
        "No slip for 1 row: skipped; report.csv says why",
        "No slip for 1 row: skipped on purpose (duplicate, excluded or accepted)",
    ] {
        assert!(said.contains(told), "{told} is missing: {said}");
    }
    let page = workspace.read("run/handouts/handouts.html");
    assert!(page.contains(&escaped(&workspace.password("ann@contoso.com"))));
    assert!(!page.contains(&escaped(&workspace.password("kim@contoso.com"))), "it is pending");
}

#[test]
fn groups_come_in_natural_order() {
    let workspace = Workspace::new();
    let classes = ["10A", "7B", "7A", "7D", "11", "9 c", "7C", "10a"];
    let rows: Vec<String> =
        classes.iter().enumerate().map(|(nth, class)| format!("pupil{nth}@contoso.com,{class}\n")).collect();
    workspace.write("school.csv", &format!("UPN,Class\n{}", rows.concat()));
    workspace.passwave(&["rehearse", "school.csv", "--run-dir", "run"]);
    let said = workspace.handouts(0, &["--by", "Class"]);
    let index = workspace.read("run/handouts/index.csv");
    let listed: Vec<&str> = index.lines().skip(1).map(|line| line.split(',').next().expect("a group")).collect();
    assert_eq!(listed, ["7A", "7B", "7C", "7D", "9 c", "10A", "10a", "11"]);
    let told: Vec<usize> = ["7A.html", "7B.html", "9 c.html", "10A.html", "11.html"]
        .map(|file| said.find(&format!("  {file}")).unwrap_or_else(|| panic!("{file}: {said}")))
        .into();
    assert!(told.is_sorted(), "{said}");
}

#[test]
fn one_class_is_printed_again() {
    let workspace = Workspace::rehearsed(&[]);
    workspace.handouts(1, &["--by", "Klasse"]);
    let said = workspace.handouts(0, &["--by", "Klasse", "--only", "7B", "--only", "7a"]);
    assert!(said.contains("2 slips in 2 files") && said.contains("handouts-2"), "{said}");
    assert_eq!(workspace.files("run/handouts-2"), ["7B.html", "7a.html", "index.csv"]);
    assert_eq!(accounts(&workspace.read("run/handouts-2/7B.html")), ["zoe@contoso.com"]);
    let said = workspace.handouts(1, &["--by", "Klasse", "--only", "7A", "--out", "again"]);
    assert!(said.contains("No slip for 1 row: skipped"), "the row of that class alone: {said}");
    assert_eq!(accounts(&workspace.read("again/7A.html")), ["bob@contoso.com", "ann@contoso.com"]);
    workspace.handouts(0, &["--by", "Klasse", "--only", "", "--out", "none"]);
    assert_eq!(accounts(&workspace.read("none/no-Klasse.html")), ["smith@contoso.com"]);
}

#[test]
fn one_slip_is_printed_again() {
    let workspace = Workspace::rehearsed(&[]);
    let said = workspace.handouts(0, &["--user", "Zoe@Contoso.com", "--user", "kim@contoso.com"]);
    assert!(said.contains("2 slips in 1 file"), "{said}");
    let page = workspace.read("run/handouts/handouts.html");
    assert_eq!(accounts(&page), ["zoe@contoso.com", "kim@contoso.com"]);
    let said = workspace.handouts(2, &["--user", "no address"]);
    assert!(said.contains("the account \"no address\" is not in this run; nothing was written"), "{said}");
}

#[cfg(unix)]
#[test]
fn only_their_owner_reads_them() {
    use std::os::unix::fs::PermissionsExt;
    let workspace = Workspace::rehearsed(&[]);
    workspace.handouts(1, &["--out", "here"]);
    let mode = |name: &str| std::fs::metadata(workspace.path(name)).expect("there").permissions().mode() & 0o777;
    assert_eq!((mode("here"), mode("here/handouts.html"), mode("here/index.csv")), (0o700, 0o600, 0o600));
}

#[test]
fn accepted_skips_end_with_zero() {
    let workspace = Workspace::new();
    workspace.write("school.csv", "UPN\nann@contoso.com\nno address\n");
    let plan = ["rehearse", "school.csv", "--run-dir", "run"];
    workspace.passwave(&[&plan[..], &["--accept", "upn_invalid"]].concat());
    let said = workspace.handouts(0, &[]);
    assert!(said.contains("No slip for 1 row: skipped on purpose (duplicate, excluded or accepted)"), "{said}");
    std::fs::remove_dir_all(workspace.path("run")).expect("removed");
    workspace.passwave(&plan);
    assert!(workspace.handouts(1, &[]).contains("No slip for 1 row: skipped; report.csv says why"));
}
