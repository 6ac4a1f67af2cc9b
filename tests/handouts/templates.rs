//! Templates of the user's own.

use crate::desk::Desk;

#[test]
fn the_printed_template_makes_the_same_pages() {
    let desk = Desk::rehearsed(&[]);
    let printed = desk.passwave(&["handouts", "--print-template"]);
    assert!(printed.status.success() && printed.stderr.is_empty());
    desk.write("own.html", &String::from_utf8(printed.stdout).expect("UTF-8"));
    desk.handouts(1, &["--out", "built-in"]);
    desk.handouts(1, &["--out", "own", "--template", "own.html"]);
    assert_eq!(desk.read("own/handouts.html"), desk.read("built-in/handouts.html"));
}

#[test]
fn a_template_uses_what_it_is_told() {
    let desk = Desk::rehearsed(&[]);
    desk.write(
        "own.html",
        "{% for slip in slips %}{{ slip.row }}|{{ slip.name }}|{{ slip.password }}|{{ slip.cells.Klasse }}|\
         {{ slip.cells['Sprache'] }}|{{ slip.force_change }}|{{ slip.language }}\n{% endfor %}",
    );
    desk.handouts(1, &["--template", "own.html"]);
    let page = desk.read("run/handouts/handouts.html");
    let password = |name: &str| desk.password(&format!("{name}@contoso.com"));
    let lines: Vec<&str> = page.lines().collect();
    assert_eq!(lines[0], format!("1|Bob Zander|{}|7A|de|next_sign_in|en", password("bob")));
    assert_eq!(lines[4], format!("5|Smith|{}|||next_sign_in|en", password("smith")));
}

#[test]
fn a_template_may_replace_a_block_of_the_built_in_one() {
    let desk = Desk::rehearsed(&[]);
    desk.write(
        "own.html",
        "{% extends 'handout.html' %}{% block slip %}<i>{{ slip.name }}, {{ sign_in.url }}</i>{% endblock %}",
    );
    desk.handouts(1, &["--template", "own.html"]);
    let page = desk.read("run/handouts/handouts.html");
    assert!(page.contains("<i>Bob Zander, https:&#x2f;&#x2f;myaccount.microsoft.com</i>"), "{page}");
    assert!(page.starts_with("<!doctype html>") && page.matches("<article").count() == 5);
}

#[test]
fn a_faulty_template_is_told_with_its_line_and_without_a_password() {
    let desk = Desk::rehearsed(&[]);
    for (template, told) in [
        ("a\n{% for slip in slips %}\n{{ slip.nme }}{% endfor %}", "own.html, line 3: undefined value"),
        ("a\n{{ slip }", "own.html, line 2: syntax error"),
        ("{% for slip in slips %}\n\n{{ slip.password + 1 }}{% endfor %}", "own.html, line 3: "),
        ("{% for slip in slips %}{{ slip.password|string|int }}{% endfor %}", "own.html, line 1: "),
        (
            "{% for slip in slips %}{{ (slip.password ~ '')|frobnicate }}{% endfor %}",
            "own.html, line 1: unknown filter",
        ),
        ("{% for slip in slips %}{{ {}[slip.password ~ 'x'].y }}{% endfor %}", "own.html, line 1: "),
        ("{% include slips[0].password ~ '' %}", "own.html, line 1: "),
        (
            "{% extends 'handout.html' %}{% block slip %}\n{{ nobody }}{% endblock %}",
            "own.html, line 2: undefined value",
        ),
        ("{% include '/etc/passwd' %}", "own.html, line 1: template not found"),
    ] {
        desk.write("own.html", template);
        let said = desk.handouts(2, &["--template", "own.html"]);
        assert!(said.contains(told) && said.contains("--print-template"), "{template}: {said}");
        assert!(!desk.path("run/handouts").exists() && !desk.path("run/handouts.draft").exists(), "{template}");
    }
    assert!(desk.handouts(2, &["--template", "absent.html"]).contains("absent.html cannot be read"));
}
