//! What a browser meets at the authorization endpoint: the checks in Entra's order, and the user's decision.
//!
//! Invariant: a browser is only sent back after its application and its address were checked.

use super::{
    Consent, Form, Tokens, Visit, apps,
    authorize::{Ask, has_cookie},
    error::OAuthError,
    page,
};
use crate::{
    graph::guid,
    simulator::{account::AccountKind, faults::BrowserFault, http::Answer},
};

impl Tokens {
    /// Answers a browser that begins a sign-in.
    pub(super) fn authorize(&mut self, tenant: &str, visit: &mut Visit<'_>) -> Answer {
        let is_post = visit.request.method == "POST";
        let form = Form::read(if is_post { visit.request.body } else { visit.query.as_bytes() });
        let checked = self
            .check_person(tenant, &form, "redirect_uri", visit)
            .and_then(|()| Ok((Ask::read(&form, visit.context)?, self.user(&form, visit)?)));
        let (ask, user) = match checked {
            Ok(checked) => checked,
            Err(denial) => return page::refusal(&denial.description(visit.context, visit.rng)),
        };
        let decided = self.decide(&ask, user, visit);
        decided.unwrap_or_else(|denial| ask.refuse(denial, &self.faults, visit.context, visit.rng))
    }

    /// The object id of the user whom the application expects, or of the administrator.
    fn user(&self, form: &Form, visit: &mut Visit<'_>) -> Result<u128, OAuthError> {
        let hint = form.field("login_hint");
        if hint.is_empty() {
            return Ok(visit.directory.administrator().id);
        }
        if visit.directory.find(hint).is_none() {
            // The administrator exists as soon as somebody asks for them.
            let administrator = visit.directory.administrator();
            if administrator.upn.eq_ignore_ascii_case(hint) {
                return Ok(administrator.id);
            }
        }
        let held = visit.directory.find(hint).ok_or_else(|| OAuthError::no_account(&self.credentials.tenant_id))?;
        if held.kind == AccountKind::Disabled { Err(OAuthError::disabled()) } else { Ok(held.id) }
    }

    /// What the user decides: the faults say it.
    fn decide(&mut self, ask: &Ask<'_>, user: u128, visit: &mut Visit<'_>) -> Result<Answer, OAuthError> {
        let form = ask.form;
        let scopes = ask.check(has_cookie(visit.request.header("cookie")), visit.context)?;
        let client_id = form.field("client_id").to_ascii_lowercase();
        let (decision, is_silent) = (form.field("simulated"), form.field("prompt") == "none");
        match self.faults.browser {
            BrowserFault::Asks if decision.is_empty() && !is_silent => {
                let held = visit.directory.find(&guid::text(user));
                let upn = held.map_or("", |held| &*held.upn);
                return Ok(page::question(upn, apps::display_name(&client_id), visit.request.target));
            }
            BrowserFault::Denied => return Err(OAuthError::declined()),
            BrowserFault::ConsentMissing if is_silent => {
                return Err(OAuthError::consent(&client_id, apps::display_name(&client_id)));
            }
            _ if decision == "cancel" => return Err(OAuthError::declined()),
            _ => {}
        }
        let consent = Consent { client_id, scopes, nonce: form.field("nonce").to_owned(), user: Some(user) };
        let code = self.codes.issue(consent, ask, visit.context.at, visit.rng);
        Ok(ask.accept(&code, &self.faults, &visit.rng.guid()))
    }
}
