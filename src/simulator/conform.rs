//! Whether an answer is one that Graph could give: its properties, their types, and those that are always there.
//!
//! It looks at the answer alone, not at what made it. With debug assertions, every answer to a call that succeeded is checked,
//! so all tests that use the simulator check it.

use super::{
    place::Place,
    reply::{Body, Reply},
    schema::{Entity, Options, Route, Target, entity, fits},
};
use serde_json::{Map, Value};

/// Checks the answer to a call that succeeded.
///
/// # Panics
/// If Graph could not give it.
pub(super) fn check(place: &Place<'_>, reply: &Reply) {
    let said = match &reply.body {
        Body::Absent | Body::Null | Body::Empty if reply.status == 204 => Ok(()),
        Body::Absent if reply.status == 202 && place.route.target == Target::ResetOnPremises => Ok(()),
        Body::Count(_) if place.counting => Ok(()),
        Body::Json(json) if matches!(reply.status, 200 | 201) => {
            let body = serde_json::from_str(json.get()).map_err(|error| error.to_string());
            body.and_then(|body| conforms(place.route, place.cast, &body))
        }
        _ => Err(format!("the status {} does not fit the body", reply.status)),
    };
    if let Err(said) = said {
        panic!("the simulator's answer to {} is not Graph's: {said}", place.route.path);
    }
}

/// Whether the body is one of this route; the error says what is wrong.
pub(super) fn conforms(route: &Route, cast: Option<&'static Entity>, body: &Value) -> Result<(), String> {
    let body = body.as_object().ok_or("it is no object")?;
    let context = body.get("@odata.context").and_then(Value::as_str).ok_or("it has no @odata.context")?;
    match route.target {
        Target::RevokeSessions => return required(body, "value", Value::is_boolean),
        Target::MemberGroups | Target::MemberObjects | Target::CheckMemberGroups | Target::CheckMemberObjects => {
            return required(body, "value", |value| {
                value.as_array().is_some_and(|ids| ids.iter().all(Value::is_string))
            });
        }
        _ => {}
    }
    let declared = cast.or(route.types.first().copied()).ok_or("its route has no type")?;
    let selected = selected(context);
    let is_list = route.is_list() && body.contains_key("value") || route.target == Target::ObjectsByIds;
    if !is_list {
        return object(body, declared, route, selected.as_deref());
    }
    required(body, "value", Value::is_array)?;
    let paged = route.options.has(Options::TOP);
    for name in body.keys() {
        match name.as_str() {
            "@odata.context" | "value" => {}
            "@odata.nextLink" if paged => required(body, name, Value::is_string)?,
            "@odata.count" if route.is_advanced() => required(body, name, Value::is_u64)?,
            "@odata.deltaLink" if route.target == Target::UsersDelta => required(body, name, Value::is_string)?,
            _ => return Err(format!("a list has no {name}")),
        }
    }
    for item in body["value"].as_array().into_iter().flatten() {
        let item = item.as_object().ok_or("an item is no object")?;
        if !item.contains_key("@removed") {
            object(item, declared, route, selected.as_deref())?;
        }
    }
    Ok(())
}

fn required(body: &Map<String, Value>, name: &str, fits: fn(&Value) -> bool) -> Result<(), String> {
    match body.get(name) {
        Some(value) if fits(value) => Ok(()),
        Some(value) => Err(format!("{name} is {value}")),
        None => Err(format!("{name} is missing")),
    }
}

/// The names in the brackets of a context; `None` if there are none, so the defaults are there.
fn selected(context: &str) -> Option<Vec<&str>> {
    let (_, rest) = context.split_once("$metadata#")?;
    let (_, names) = rest.trim_end_matches("/$entity").strip_suffix(')')?.split_once('(')?;
    let names: Vec<_> =
        names.split(',').filter(|name| !name.ends_with("()") && *name != ")" && !name.is_empty()).collect();
    let names: Vec<_> = names.into_iter().filter(|name| !name.ends_with('(')).collect();
    (!names.is_empty()).then_some(names)
}

/// Checks one object, whose type is told or declared.
fn object(
    object: &Map<String, Value>,
    declared: &'static Entity,
    route: &Route,
    selected: Option<&[&str]>,
) -> Result<(), String> {
    let told =
        object.get("@odata.type").and_then(Value::as_str).and_then(|name| name.strip_prefix("#microsoft.graph."));
    let kind = told.map_or(Some(declared), entity).ok_or_else(|| format!("the type {told:?} does not exist"))?;
    if !route.types.contains(&kind) {
        return Err(format!("{} is no type of this route", kind.name));
    }
    for (name, value) in object.iter().filter(|(name, _)| !name.starts_with('@')) {
        match kind.properties.iter().find(|property| property.name == name) {
            Some(property) if fits(value, property) => {}
            Some(property) => return Err(format!("{}.{name} is {value}, not of {}", kind.name, property.kind.name())),
            None if kind.navigation.contains(&name.as_str()) => {}
            None => return Err(format!("{} has no property {name}", kind.name)),
        }
    }
    let missing = |name: &&str| !object.contains_key(*name) && kind.property(name).is_some();
    let missing = match selected {
        Some(names) => names.iter().copied().find(missing),
        None => kind.properties.iter().filter(|property| property.default).map(|property| property.name).find(missing),
    };
    missing.map_or(Ok(()), |name| Err(format!("{}.{name} is missing", kind.name)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::simulator::place::{Resource, resource};
    use serde_json::json;

    fn judge(path: &str, body: &Value) -> Result<(), String> {
        match resource(path) {
            Resource::Known(place) | Resource::RevokeSessions(place) => conforms(place.route, place.cast, body),
            other => panic!("{other:?}"),
        }
    }

    fn account() -> Value {
        json!({
            "@odata.context": "https://graph.microsoft.com/v1.0/$metadata#users/$entity", "id": "1",
            "businessPhones": [], "displayName": "Ann", "givenName": null, "jobTitle": null, "mail": null,
            "mobilePhone": null, "officeLocation": null, "preferredLanguage": null, "surname": null,
            "userPrincipalName": "ann@contoso.com",
        })
    }

    /// What is said, and how the answer is broken.
    type Broken = (&'static str, fn(&mut Value));

    #[test]
    fn broken_answers_are_caught() {
        assert_eq!(judge("users/x", &account()), Ok(()));
        let broken: [Broken; 8] = [
            ("user has no property nickname", |body| body["nickname"] = json!("a")),
            ("user.displayName is 3, not of Edm.String", |body| body["displayName"] = json!(3)),
            ("user.id is null, not of Edm.String", |body| body["id"] = Value::Null),
            ("user.businessPhones is \"1\", not of Collection(Edm.String)", |body| body["businessPhones"] = json!("1")),
            ("user.createdDateTime is \"today\", not of Edm.DateTimeOffset", |body| {
                body["createdDateTime"] = json!("today")
            }),
            ("user.officeLocation is missing", |body| {
                body.as_object_mut().expect("an object").remove("officeLocation");
            }),
            ("it has no @odata.context", |body| {
                body.as_object_mut().expect("an object").remove("@odata.context");
            }),
            ("group is no type of this route", |body| body["@odata.type"] = json!("#microsoft.graph.group")),
        ];
        for (said, spoil) in broken {
            let mut body = account();
            spoil(&mut body);
            assert_eq!(judge("users/x", &body), Err(said.to_owned()));
        }
    }

    #[test]
    fn broken_lists_are_caught() {
        let context = "https://graph.microsoft.com/v1.0/$metadata#users(id,mail)";
        let list = |value: Value| json!({"@odata.context": context, "value": value});
        assert_eq!(judge("users", &list(json!([{"id": "1", "mail": null}]))), Ok(()));
        for (said, value) in [
            ("user.mail is missing", json!([{"id": "1"}])),
            ("an item is no object", json!([1])),
            ("value is {}", json!({})),
            ("user.mail is true, not of Edm.String", json!([{"id": "1", "mail": true}])),
        ] {
            assert_eq!(judge("users", &list(value)), Err(said.to_owned()));
        }
        let mut counted = list(json!([]));
        counted["@odata.count"] = json!(1);
        assert_eq!(judge("users", &counted), Ok(()));
        assert_eq!(judge("domains", &counted), Err("a list has no @odata.count".to_owned()));
        let mixed =
            json!({"@odata.context": "x", "value": [{"@odata.type": "#microsoft.graph.domain", "id": "c.com"}]});
        assert_eq!(judge("users/x/memberOf", &mixed), Err("domain is no type of this route".to_owned()));
        let sessions = json!({"@odata.context": "x", "value": "yes"});
        assert_eq!(judge("users/x/revokeSignInSessions", &sessions), Err("value is \"yes\"".to_owned()));
    }
}
