//! The pages that a browser gets from the sign-in service.
//!
//! Invariant: text of a request is on a page only with its markup escaped.

use crate::{simulator::http::Answer, util::markup::escaped};

const HTML: &str = "text/html; charset=utf-8";

fn page(status: u16, body: &str) -> Answer {
    let text = format!(
        "<!doctype html><html lang=\"en\"><head><meta charset=\"utf-8\"><title>Simulated sign-in</title></head>\
         <body>{body}</body></html>"
    );
    Answer::new(status, HTML, text.into_bytes())
}

/// Sends the browser somewhere else.
pub(super) fn redirect(address: String) -> Answer {
    let mut answer = Answer::new(302, HTML, Vec::new());
    answer.headers.push(("Location".into(), address.into()));
    answer
}

/// A form that a browser sends at once.
pub(super) fn form_post(action: &str, fields: &[(&str, String)]) -> Answer {
    let inputs = fields
        .iter()
        .map(|(name, value)| format!("<input type=\"hidden\" name=\"{name}\" value=\"{}\">", escaped(value)));
    let inputs: String = inputs.collect();
    page(
        200,
        &format!(
            "<form method=\"post\" action=\"{}\">{inputs}<noscript><button>Continue</button></noscript></form>\
             <script>document.forms[0].submit();</script>",
            escaped(action)
        ),
    )
}

/// Why a browser is sent nowhere.
pub(super) fn refusal(said: &str) -> Answer {
    page(400, &format!("<h1>Sorry, but we&#x2019;re having trouble signing you in.</h1><p>{}</p>", escaped(said)))
}

/// Asks whether the user agrees; both answers repeat the request.
pub(super) fn question(upn: &str, application: &str, target: &str) -> Answer {
    let target = escaped(target);
    page(
        200,
        &format!(
            "<h1>Sign in to {application}</h1><p>This is the simulator of passwave.</p>\
             <p><a id=\"accept\" href=\"{target}&amp;simulated=accept\">Continue as {}</a></p>\
             <p><a id=\"cancel\" href=\"{target}&amp;simulated=cancel\">Cancel</a></p>",
            escaped(upn)
        ),
    )
}

/// The page to which a device code leads. There is nothing to do on it.
pub(super) fn device() -> Answer {
    page(200, "<p>This is the simulator of passwave. A device code counts as entered without this page.</p>")
}
