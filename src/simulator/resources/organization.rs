//! The organization, its domains, its application, and objects of any type by their id.

use super::{
    Asked, Directory,
    made::{object, service},
    principal::{Object, principal},
};
use crate::simulator::{
    AccountKind,
    record::{Made, Record, View, time_text},
    refusal::Refusal,
    reply::Body,
    schema::{DOMAIN, ORGANIZATION},
    tenant::id_bits,
    token::service_principal,
};
use serde::Deserialize;
use serde_json::{Value, json, value::RawValue};

/// Most ids in one request.
const IDS_MAX: usize = 1_000;

fn tenant_record(directory: Directory<'_>) -> Made {
    let domains = directory.register.domains.iter().enumerate().map(|(at, (name, federated))| {
        let kind = if *federated { "Federated" } else { "Managed" };
        let first = at == 0;
        json!({"name": name, "type": kind, "isDefault": first, "isInitial": first, "capabilities": "Email"})
    });
    let domains: Vec<_> = domains.collect();
    let synced = directory.tenant.accounts.iter().any(|held| held.kind == AccountKind::Synced);
    let epoch = time_text(directory.view.clock.epoch);
    let values = json!({
        "id": directory.credentials.tenant_id, "displayName": "Contoso", "tenantType": "AAD", "countryLetterCode": "US",
        "preferredLanguage": "en", "createdDateTime": epoch, "verifiedDomains": domains,
        "onPremisesSyncEnabled": synced.then_some(true), "onPremisesLastSyncDateTime": synced.then_some(epoch.clone()),
        "mobileDeviceManagementAuthority": "unknown",
    });
    Made { entity: &ORGANIZATION, values: object(values) }
}

/// `GET /organization`.
pub(super) fn list(directory: Directory<'_>, asked: &Asked<'_>) -> Body {
    asked.these("organization", &[tenant_record(directory)])
}

/// `GET /organization/{id}`.
pub(super) fn read(directory: Directory<'_>, asked: &Asked<'_>) -> Result<Body, Refusal> {
    match asked.key.eq_ignore_ascii_case(&directory.credentials.tenant_id) {
        true => Ok(asked.one("organization", &tenant_record(directory))),
        false => Err(Refusal::not_found(asked.key)),
    }
}

fn domain_record(at: usize, (name, federated): &(String, bool)) -> Made {
    let values = json!({
        "id": name, "authenticationType": if *federated { "Federated" } else { "Managed" }, "isAdminManaged": true,
        "isDefault": at == 0, "isInitial": at == 0, "isRoot": true, "isVerified": true, "supportedServices": ["Email"],
    });
    Made { entity: &DOMAIN, values: object(values) }
}

/// `GET /domains`.
pub(super) fn domains(directory: Directory<'_>, asked: &Asked<'_>) -> Body {
    let domains = directory.register.domains.iter().enumerate();
    let domains: Vec<_> = domains.map(|(at, domain)| domain_record(at, domain)).collect();
    asked.these("domains", &domains)
}

/// `GET /domains/{name}`.
pub(super) fn domain(directory: Directory<'_>, asked: &Asked<'_>) -> Result<Body, Refusal> {
    let mut domains = directory.register.domains.iter().enumerate();
    let found = domains.find(|(_, (name, _))| name.eq_ignore_ascii_case(asked.key));
    let (at, domain) = found.ok_or_else(|| Refusal::not_found(asked.key))?;
    Ok(asked.one("domains", &domain_record(at, domain)))
}

/// `GET /servicePrincipals`.
pub(super) fn applications(directory: Directory<'_>, asked: &Asked<'_>) -> Body {
    asked.these("servicePrincipals", &[service(directory)])
}

/// `GET /servicePrincipals/{id}`, also by `appId=…`.
pub(super) fn application(directory: Directory<'_>, asked: &Asked<'_>) -> Result<Body, Refusal> {
    let client_id = &directory.credentials.client_id;
    let found = match asked.key.strip_prefix("appId=") {
        Some(client) => client.eq_ignore_ascii_case(client_id),
        None => id_bits(asked.key) == Some(service_principal(client_id)),
    };
    if found { Ok(asked.one("servicePrincipals", &service(directory))) } else { Err(Refusal::not_found(asked.key)) }
}

/// `GET /directoryObjects/{id}`.
pub(super) fn object_by_id(directory: Directory<'_>, asked: &Asked<'_>) -> Result<Body, Refusal> {
    let found = id_bits(asked.key).and_then(|bits| principal(directory, bits));
    let found = found.ok_or_else(|| Refusal::not_found(asked.key))?;
    Ok(asked.one("directoryObjects", &found))
}

#[derive(Deserialize)]
struct Ids {
    ids: Vec<String>,
    #[serde(default)]
    types: Option<Vec<String>>,
}

/// `POST /directoryObjects/getByIds`: those that exist.
pub(super) fn by_ids(directory: Directory<'_>, asked: &Asked<'_>, body: &[u8]) -> Result<Body, Refusal> {
    let wanted: Ids = serde_json::from_slice(body).map_err(|_| Refusal::BAD_BODY)?;
    if wanted.ids.len() > IDS_MAX {
        return Err(Refusal::too_many_ids(IDS_MAX));
    }
    let found = wanted.ids.iter().filter_map(|id| principal(directory, id_bits(id)?));
    let typed = |record: &Object<'_>| {
        let name = record.entity().name;
        wanted
            .types
            .as_ref()
            .is_none_or(|types| types.iter().any(|wanted| wanted == name || wanted == "directoryObject"))
    };
    let value: Vec<Box<RawValue>> = found
        .filter(typed)
        .map(|record| View { record: &record, context: None, typed: true, select: None, expanded: Vec::new() }.json())
        .collect();
    let mut answer = serde_json::Map::new();
    answer.insert("@odata.context".into(), Value::String(asked.context("directoryObjects", "")));
    answer.insert("value".into(), json!(value));
    Ok(Body::json(&answer))
}
