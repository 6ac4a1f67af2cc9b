//! Sealed handouts, and handouts of a sealed run.

use crate::workspace::{Workspace, escaped};
use age::{Decryptor, x25519::Identity};
use secrecy::ExposeSecret;
use std::{fs, io::Read, iter};

/// The content that a key opens; `None` if the file is sealed to others.
fn opened(sealed: &[u8], key: &Identity) -> Option<String> {
    let decryptor = Decryptor::new_buffered(sealed).expect("a file of age");
    let mut plain = String::new();
    decryptor.decrypt(iter::once(key as _)).ok()?.read_to_string(&mut plain).expect("whole");
    Some(plain)
}

#[test]
fn each_group_needs_its_own_key() {
    let workspace = Workspace::rehearsed(&[]);
    let keys = [(); 3].map(|()| Identity::generate());
    let [a, b, head] = &keys;
    let map = format!(
        "Klasse;Empfänger\n7A;{}\n7B;{}\n7a;{}\n;{}\n7A;{}\n7B;{}\n9Z;{}\n",
        a.to_public(),
        b.to_public(),
        head.to_public(),
        head.to_public(),
        head.to_public(),
        head.to_public(),
        a.to_public()
    );
    workspace.write("map.csv", &map);
    let said = workspace.handouts(1, &["--by", "Klasse", "--seal-map", "map.csv"]);
    assert!(said.contains("the seal map names \"9Z\"") && said.contains("sealed to the recipients"), "{said}");
    let files = workspace.files("run/handouts");
    assert_eq!(files, ["7A.html.age", "7B.html.age", "7a-2.html.age", "index.csv", "no-Klasse.html.age"]);
    for file in &files {
        let bytes = fs::read(workspace.path(&format!("run/handouts/{file}"))).expect("readable");
        let text = String::from_utf8_lossy(&bytes);
        assert!(workspace.passwords().iter().all(|(_, password)| !text.contains(password)), "{file} is not sealed");
    }
    let file = |name: &str| fs::read(workspace.path(&format!("run/handouts/{name}"))).expect("readable");
    let (mine, theirs) =
        (escaped(&workspace.password("bob@contoso.com")), escaped(&workspace.password("zoe@contoso.com")));
    let page = opened(&file("7A.html.age"), a).expect("A's own");
    assert!(page.contains(&mine) && !page.contains(&theirs) && page.ends_with("</html>"));
    assert!(opened(&file("7B.html.age"), b).expect("B's own").contains(&theirs));
    assert!(opened(&file("7A.html.age"), b).is_none(), "A's file does not open to B's key");
    assert!(opened(&file("7B.html.age"), a).is_none(), "nor B's to A's");
    assert!(opened(&file("7A.html.age"), head).is_some() && opened(&file("7B.html.age"), head).is_some());
}

#[test]
fn missing_recipient_stops_all_groups() {
    let workspace = Workspace::rehearsed(&[]);
    let recipient = Identity::generate().to_public().to_string();
    workspace.write("map.csv", &format!("7A,{recipient}\n"));
    let said = workspace.handouts(2, &["--by", "Klasse", "--seal-map", "map.csv"]);
    assert!(said.contains("no recipient for \"7a\", \"7B\", \"\"") && said.contains("hint:"), "{said}");
    assert!(!workspace.path("run/handouts").exists() && !workspace.path("run/handouts.draft").exists());
    for (map, told) in [
        ("7A,nobody@contoso.com\n7B,nobody@contoso.com\n".to_owned(), "line 2: this is not an age recipient"),
        (format!("7A,{recipient},{recipient}\n"), "line 1: there are more than two"),
        (Identity::generate().to_string().expose_secret().replace("AGE", "7A,AGE"), "line 1: a secret key was given"),
    ] {
        workspace.write("map.csv", &map);
        let said = workspace.handouts(2, &["--by", "Klasse", "--seal-map", "map.csv"]);
        assert!(said.contains(told), "{said}");
        assert!(!said.contains("AGE-SECRET"), "{said}");
    }
    assert!(workspace.handouts(2, &["--seal-map", "map.csv"]).contains("--by"));
}

#[test]
fn sealed_slips_need_the_key() {
    let key = Identity::generate();
    let workspace = Workspace::rehearsed(&["--seal-to", &key.to_public().to_string()]);
    assert_eq!(workspace.passwords(), []);
    let said = workspace.handouts(2, &["--out", "slips"]);
    assert!(said.contains("5 of the passwords are sealed") && said.contains("--identity"), "{said}");
    assert!(!workspace.path("run/handouts").exists());
    workspace.write("head.key", key.to_string().expose_secret());
    let said = workspace.handouts(1, &["--identity", "head.key", "--out", "slips"]);
    assert!(said.contains("in clear text, although the run is sealed"), "{said}");
    assert_eq!(workspace.read("slips/handouts.html").matches("<article").count(), 5);
}

#[test]
fn sealed_folders_get_no_clear_slips() {
    let key = Identity::generate();
    let workspace = Workspace::rehearsed(&["--seal-to", &key.to_public().to_string()]);
    workspace.write("head.key", key.to_string().expose_secret());
    fs::create_dir(workspace.path("run/below")).expect("made");
    #[cfg(unix)]
    std::os::unix::fs::symlink(workspace.path("run"), workspace.path("link")).expect("linked");
    let inside = ["run/slips", "run/below/slips", "elsewhere/../run/slips", "link/slips"];
    fs::create_dir(workspace.path("elsewhere")).expect("made");
    let before = workspace.files("run");
    for out in [&[][..], &["--out", inside[0]], &["--out", inside[1]], &["--out", inside[2]], &["--out", inside[3]]] {
        if cfg!(unix) || out.get(1) != Some(&inside[3]) {
            let said = workspace.handouts(2, &[&["--identity", "head.key"], out].concat());
            assert!(said.contains("this run is sealed") && said.contains("--out DIR"), "{out:?}: {said}");
        }
    }
    assert_eq!((workspace.files("run"), workspace.files("run/below")), (before, Vec::<String>::new()));
    workspace.write("map.csv", &["7A", "7B", "7a", ""].map(|class| format!("{class},{}\n", key.to_public())).concat());
    workspace.handouts(1, &["--identity", "head.key", "--by", "Klasse", "--seal-map", "map.csv"]);
    assert!(workspace.path("run/handouts/7A.html.age").exists(), "sealed slips may lie there");
}

#[test]
fn recipients_are_named_everywhere() {
    let workspace = Workspace::new();
    let (key, other) = (Identity::generate(), Identity::generate().to_public().to_string());
    let recipient = key.to_public().to_string();
    let short = |recipient: &str| format!("{}…{}", &recipient[..10], &recipient[recipient.len() - 6..]);
    let names = format!("Head office ({}), {}", short(&recipient), short(&other));
    workspace.write("key", key.to_string().expose_secret());
    workspace.write("to", &format!("# Head office\n{recipient}\n\n{other}\n"));
    workspace.write("school.csv", "UPN\nann@contoso.com\n");
    let shown = |arguments: &[&str]| {
        let output = workspace.passwave(arguments);
        assert!(output.status.success(), "{output:?}");
        let said = String::from_utf8_lossy(&output.stderr).into_owned();
        assert!(said.contains(&format!("sealed to 2 recipients: {names}")), "{arguments:?}: {said}");
    };
    shown(&["rehearse", "school.csv", "--run-dir", "run", "--seal-to-file", "to"]);
    shown(&["report", "run"]);
    shown(&["handouts", "run", "--identity", "key", "--out", "slips"]);
    let summary: serde_json::Value = serde_json::from_str(&workspace.read("run/summary.json")).expect("JSON");
    assert_eq!(summary["sealed_to_names"].as_array().map(Vec::len), Some(2));
    assert_eq!(summary["sealed_to_names"][0], format!("Head office ({})", short(&recipient)));
    let page = workspace.read("run/report.html");
    assert!(page.contains(&format!("<dt>Sealed to</dt><dd>{names}</dd>")), "{page}");
}
