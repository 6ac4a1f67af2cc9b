//! Applications that sign in as themselves, and how one proves its identity.
//!
//! Invariant: only the tenant's own application has a secret, certificates or federations.

use super::{Credentials, Form, Subject, TokenAnswer, Tokens, Visit, claims, error::OAuthError, key, scopes::Scopes};
use crate::simulator::{context::RequestContext, http::Answer};
use secrecy::ExposeSecret;

impl Tokens {
    pub(super) fn sign_in_application(
        &mut self,
        tenant: &str,
        form: &Form,
        visit: &mut Visit<'_>,
    ) -> Result<Answer, OAuthError> {
        let scopes = self.check_application(tenant, form, visit)?;
        let life = self.new_life(visit);
        let Credentials { tenant_id, client_id, .. } = &self.credentials;
        let proof = if form.field("client_assertion").is_empty() { "1" } else { "2" };
        let subject = Subject::Application { client_id, proof };
        let access_token = key::sign(&claims::access(tenant_id, &subject, &scopes.audience, &self.permissions, &life));
        self.remember(&access_token, visit.context.at, scopes.opens_graph);
        Ok(Answer::json(200, &TokenAnswer::of(access_token, self.faults.seconds)))
    }

    fn check_application(&self, tenant: &str, form: &Form, visit: &Visit<'_>) -> Result<Scopes, OAuthError> {
        if self.tenant_id(tenant, visit.directory)?.is_none() {
            return Err(OAuthError::no_tenant());
        }
        form.require(&["grant_type", "client_id"])?;
        let scope = form.scope();
        if scope.is_empty() {
            return Err(OAuthError::missing("scope"));
        }
        if form.field("grant_type") != "client_credentials" {
            let said = "The app requested an unsupported grant type.".to_owned();
            return Err(OAuthError(400, "unsupported_grant_type", 70_003, said));
        }
        if !form.field("client_id").eq_ignore_ascii_case(&self.credentials.client_id) {
            return Err(OAuthError::client(form.field("client_id"), tenant));
        }
        self.check_proof(tenant, form, visit.context)?;
        let scopes = Scopes::read(&scope, &visit.context.base)?;
        if scopes.is_default() { Ok(scopes) } else { Err(OAuthError::scope(&scope)) }
    }

    /// Checks the proof of the tenant's own application: its secret or an assertion.
    pub(super) fn check_proof(&self, tenant: &str, form: &Form, context: &RequestContext) -> Result<(), OAuthError> {
        let (secret, assertion) = (form.field("client_secret"), form.field("client_assertion"));
        let Credentials { client_id, client_secret, .. } = &self.credentials;
        let denial = |number, said: String| Err(OAuthError(401, "invalid_client", number, said));
        if secret.is_empty() && assertion.is_empty() {
            let said = "The request body must contain the following parameter: 'client_assertion' or 'client_secret'.";
            return denial(7_000_218, said.to_owned());
        }
        if secret.is_empty() {
            form.require(&["client_assertion_type"])?;
            return self.proofs.check(assertion, client_id, tenant, context);
        }
        if secret == client_secret.expose_secret() {
            return Ok(());
        }
        let said = format!(
            "Invalid client secret provided. Ensure the secret being sent in the request is the client secret value, \
             not the client secret ID, for a secret added to app '{client_id}'."
        );
        denial(7_000_215, said)
    }
}
