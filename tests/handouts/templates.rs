//! Templates that users write.

use crate::workspace::Workspace;

#[test]
fn printed_template_gives_equal_pages() {
    let workspace = Workspace::rehearsed(&[]);
    let printed = workspace.passwave(&["handouts", "--print-template"]);
    assert!(printed.status.success() && printed.stderr.is_empty());
    workspace.write("own.html", &String::from_utf8(printed.stdout).expect("UTF-8"));
    workspace.handouts(1, &["--out", "built-in"]);
    workspace.handouts(1, &["--out", "own", "--template", "own.html"]);
    assert_eq!(workspace.read("own/handouts.html"), workspace.read("built-in/handouts.html"));
}

#[test]
fn templates_get_all_values() {
    let workspace = Workspace::rehearsed(&[]);
    workspace.write(
        "own.html",
        "{% for slip in slips %}{{ slip.row }}|{{ slip.name }}|{{ slip.password }}|{{ slip.cells.Klasse }}|\
         {{ slip.cells['Sprache'] }}|{{ slip.force_change }}|{{ slip.language }}\n{% endfor %}",
    );
    workspace.handouts(1, &["--template", "own.html"]);
    let page = workspace.read("run/handouts/handouts.html");
    let password = |name: &str| workspace.password(&format!("{name}@contoso.com"));
    let lines: Vec<&str> = page.lines().collect();
    assert_eq!(lines[0], format!("1|Bob Zander|{}|7A|de|next_sign_in|en", password("bob")));
    assert_eq!(lines[4], format!("5|Smith|{}|||next_sign_in|en", password("smith")));
}

#[test]
fn templates_can_replace_blocks() {
    let workspace = Workspace::rehearsed(&[]);
    workspace.write(
        "own.html",
        "{% extends 'handout.html' %}{% block slip %}<i>{{ slip.name }}, {{ sign_in.url }}</i>{% endblock %}",
    );
    workspace.handouts(1, &["--template", "own.html"]);
    let page = workspace.read("run/handouts/handouts.html");
    assert!(page.contains("<i>Bob Zander, https:&#x2f;&#x2f;myaccount.microsoft.com</i>"), "{page}");
    assert!(page.starts_with("<!doctype html>") && page.matches("<article").count() == 5);
}

#[test]
fn template_errors_hide_passwords() {
    let workspace = Workspace::rehearsed(&[]);
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
        workspace.write("own.html", template);
        let said = workspace.handouts(2, &["--template", "own.html"]);
        assert!(said.contains(told) && said.contains("--print-template"), "{template}: {said}");
        assert!(
            !workspace.path("run/handouts").exists() && !workspace.path("run/handouts.draft").exists(),
            "{template}"
        );
    }
    assert!(workspace.handouts(2, &["--template", "absent.html"]).contains("absent.html cannot be read"));
}
