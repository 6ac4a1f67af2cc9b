//! Handouts that are sealed, and handouts of a sealed run.

use crate::desk::{Desk, escaped};
use age::{Decryptor, x25519::Identity};
use secrecy::ExposeSecret;
use std::{fs, io::Read, iter};

/// What a key opens; none where the file is sealed to others.
fn opened(sealed: &[u8], key: &Identity) -> Option<String> {
    let decryptor = Decryptor::new_buffered(sealed).expect("a file of age");
    let mut plain = String::new();
    decryptor.decrypt(iter::once(key as _)).ok()?.read_to_string(&mut plain).expect("whole");
    Some(plain)
}

#[test]
fn a_groups_key_opens_its_file_and_no_other() {
    let desk = Desk::rehearsed(&[]);
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
    desk.write("map.csv", &map);
    let said = desk.handouts(1, &["--by", "Klasse", "--seal-map", "map.csv"]);
    assert!(said.contains("the seal map names \"9Z\"") && said.contains("sealed to the recipients"), "{said}");
    let files = desk.files("run/handouts");
    assert_eq!(files, ["7A.html.age", "7B.html.age", "7a-2.html.age", "index.csv", "no-Klasse.html.age"]);
    for file in &files {
        let bytes = fs::read(desk.path(&format!("run/handouts/{file}"))).expect("readable");
        let text = String::from_utf8_lossy(&bytes);
        assert!(desk.passwords().iter().all(|(_, password)| !text.contains(password)), "{file} is not sealed");
    }
    let file = |name: &str| fs::read(desk.path(&format!("run/handouts/{name}"))).expect("readable");
    let (mine, theirs) = (escaped(&desk.password("bob@contoso.com")), escaped(&desk.password("zoe@contoso.com")));
    let page = opened(&file("7A.html.age"), a).expect("A's own");
    assert!(page.contains(&mine) && !page.contains(&theirs) && page.ends_with("</html>"));
    assert!(opened(&file("7B.html.age"), b).expect("B's own").contains(&theirs));
    assert!(opened(&file("7A.html.age"), b).is_none(), "A's file does not open to B's key");
    assert!(opened(&file("7B.html.age"), a).is_none(), "nor B's to A's");
    assert!(opened(&file("7A.html.age"), head).is_some() && opened(&file("7B.html.age"), head).is_some());
}

#[test]
fn a_group_without_a_recipient_stops_everything() {
    let desk = Desk::rehearsed(&[]);
    let recipient = Identity::generate().to_public().to_string();
    desk.write("map.csv", &format!("7A,{recipient}\n"));
    let said = desk.handouts(2, &["--by", "Klasse", "--seal-map", "map.csv"]);
    assert!(said.contains("no recipient for \"7a\", \"7B\", \"\"") && said.contains("hint:"), "{said}");
    assert!(!desk.path("run/handouts").exists() && !desk.path("run/handouts.draft").exists());
    for (map, told) in [
        ("7A,nobody@contoso.com\n7B,nobody@contoso.com\n".to_owned(), "line 2: this is no recipient"),
        (format!("7A,{recipient},{recipient}\n"), "line 1: there are more than two"),
        (Identity::generate().to_string().expose_secret().replace("AGE", "7A,AGE"), "line 1: a secret key was given"),
    ] {
        desk.write("map.csv", &map);
        let said = desk.handouts(2, &["--by", "Klasse", "--seal-map", "map.csv"]);
        assert!(said.contains(told), "{said}");
        assert!(!said.contains("AGE-SECRET"), "{said}");
    }
    assert!(desk.handouts(2, &["--seal-map", "map.csv"]).contains("--by"));
}

#[test]
fn a_sealed_run_gives_slips_to_its_key_alone() {
    let key = Identity::generate();
    let desk = Desk::rehearsed(&["--seal-to", &key.to_public().to_string()]);
    assert_eq!(desk.passwords(), []);
    let said = desk.handouts(2, &["--out", "slips"]);
    assert!(said.contains("5 of the passwords are sealed") && said.contains("--identity"), "{said}");
    assert!(!desk.path("run/handouts").exists());
    desk.write("head.key", key.to_string().expose_secret());
    let said = desk.handouts(1, &["--identity", "head.key", "--out", "slips"]);
    assert!(said.contains("in clear text, although the run is sealed"), "{said}");
    assert_eq!(desk.read("slips/handouts.html").matches("<article").count(), 5);
}

#[test]
fn clear_slips_stay_out_of_sealed_folders() {
    let key = Identity::generate();
    let desk = Desk::rehearsed(&["--seal-to", &key.to_public().to_string()]);
    desk.write("head.key", key.to_string().expose_secret());
    fs::create_dir(desk.path("run/below")).expect("made");
    #[cfg(unix)]
    std::os::unix::fs::symlink(desk.path("run"), desk.path("link")).expect("linked");
    let inside = ["run/slips", "run/below/slips", "elsewhere/../run/slips", "link/slips"];
    fs::create_dir(desk.path("elsewhere")).expect("made");
    let before = desk.files("run");
    for out in [&[][..], &["--out", inside[0]], &["--out", inside[1]], &["--out", inside[2]], &["--out", inside[3]]] {
        if cfg!(unix) || out.get(1) != Some(&inside[3]) {
            let said = desk.handouts(2, &[&["--identity", "head.key"], out].concat());
            assert!(said.contains("this run is sealed") && said.contains("--out DIR"), "{out:?}: {said}");
        }
    }
    assert_eq!((desk.files("run"), desk.files("run/below")), (before, Vec::<String>::new()));
    desk.write("map.csv", &["7A", "7B", "7a", ""].map(|class| format!("{class},{}\n", key.to_public())).concat());
    desk.handouts(1, &["--identity", "head.key", "--by", "Klasse", "--seal-map", "map.csv"]);
    assert!(desk.path("run/handouts/7A.html.age").exists(), "sealed slips may lie there");
}
