//! The page that the browser shows after the sign-in, in the user's language.
//!
//! Invariant: foreign text is on it only with its markup escaped.

use crate::{account::language::Language, graph::client::auth::SignInError, util::markup::escaped};

/// Like the report's page: the colours of the system, and nothing to load.
const STYLE: &str = "body{margin:0;min-height:100vh;display:grid;place-items:center;font:17px/1.5 system-ui,sans-serif;\
color:#1b1f24;background:#f4f5f7}main{max-width:34rem;margin:1rem;padding:2rem 2.25rem;background:#fff;border-radius:12px;\
border-top:6px solid #1a7f4b;box-shadow:0 1px 4px #0003}main.bad{border-color:#b3261e}h1{font-size:1.4rem;margin:0 0 .5rem}\
p{margin:.5rem 0}.said{overflow-wrap:anywhere;padding:.75rem 1rem;background:#f4f5f7;border-radius:8px}\
@media(prefers-color-scheme:dark){body{color:#e6e8eb;background:#14171a}main{background:#1f2327}.said{background:#14171a}}";

/// The words of one language.
struct Words {
    signed_in: &'static str,
    close: &'static str,
    failed: &'static str,
    /// Where to read on, followed by the reason in English.
    see: &'static str,
}

const fn words(language: Language) -> Words {
    match language {
        Language::En => Words {
            signed_in: "You are signed in",
            close: "You can close this page. passwave continues in its window.",
            failed: "The sign-in failed",
            see: "You can close this page. passwave says in its window what to do. The reason:",
        },
        Language::Fr => Words {
            signed_in: "Vous êtes connecté",
            close: "Vous pouvez fermer cette page. passwave continue dans sa fenêtre.",
            failed: "La connexion a échoué",
            see: "Vous pouvez fermer cette page. passwave indique dans sa fenêtre ce qu’il faut faire. La raison :",
        },
        Language::Es => Words {
            signed_in: "Ha iniciado sesión",
            close: "Puede cerrar esta página. passwave continúa en su ventana.",
            failed: "No se pudo iniciar sesión",
            see: "Puede cerrar esta página. passwave indica en su ventana qué hacer. El motivo:",
        },
        Language::De => Words {
            signed_in: "Sie sind angemeldet",
            close: "Sie können diese Seite schließen. passwave arbeitet in seinem Fenster weiter.",
            failed: "Die Anmeldung ist fehlgeschlagen",
            see: "Sie können diese Seite schließen. passwave sagt in seinem Fenster, was zu tun ist. Der Grund:",
        },
    }
}

/// The page after a sign-in, or after its `failure`.
pub(super) fn of(language: Language, failure: Option<&SignInError>) -> String {
    let words = words(language);
    let (class, title, body) = match failure {
        None => ("good", words.signed_in, format!("<p>{}</p>", words.close)),
        Some(error) => {
            let said = escaped(&error.to_string());
            ("bad", words.failed, format!("<p>{}</p><p class=\"said\" lang=\"en\">{said}</p>", words.see))
        }
    };
    format!(
        "<!doctype html><html lang=\"{language}\"><head><meta charset=\"utf-8\"><meta name=\"viewport\" \
         content=\"width=device-width\"><meta name=\"color-scheme\" content=\"light dark\"><title>passwave: {title}</title>\
         <link rel=\"icon\" href=\"data:,\"><style>{STYLE}</style></head><body><main class=\"{class}\"><h1>{title}</h1>{body}\
         </main></body></html>"
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::graph::client::auth::{Method, exchange};

    #[test]
    fn every_language_has_its_page() {
        let pages = Language::ALL.map(|language| of(language, None));
        for (page, language) in pages.iter().zip(Language::ALL) {
            assert!(page.contains(&format!("<html lang=\"{language}\">")), "{page}");
        }
        let distinct: std::collections::HashSet<_> = pages.iter().map(|page| page.split("<h1>").nth(1)).collect();
        assert_eq!(distinct.len(), pages.len());
    }

    #[test]
    fn foreign_text_is_escaped() {
        let said = "AADSTS65004: <script>alert('x')</script> & \"more\"";
        let page = of(Language::En, Some(&exchange::refusal_of(Method::Browser, said, None, "access_denied")));
        assert!(
            page.contains("AADSTS65004: &lt;script&gt;alert(&#39;x&#39;)&lt;/script&gt; &amp; &quot;more&quot;"),
            "{page}"
        );
        assert!(!page.contains("<script"), "{page}");
    }
}
