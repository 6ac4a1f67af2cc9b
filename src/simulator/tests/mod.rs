//! Tests the simulator through its entry point, like a client.

mod assertions;
mod batches;
mod browser;
mod changes;
mod directory;
mod in_process;
mod memberships;
mod mishaps;
mod people;
mod queries;
mod quotas;
mod reads;
mod sign_in;

use super::*;
use serde_json::{Value, json};

/// A simulator with a token, and short ways to call it.
struct Client {
    sim: Simulator,
    bearer: String,
}

/// An answer with its body as JSON.
struct Said {
    status: u16,
    answer: Answer,
    body: Value,
}

impl Said {
    fn of(answer: Answer) -> Self {
        let body = serde_json::from_slice(&answer.body).unwrap_or_default();
        Self { status: answer.status, answer, body }
    }

    fn code(&self) -> &str {
        self.body["error"]["code"].as_str().unwrap_or_default()
    }

    fn message(&self) -> &str {
        self.body["error"]["message"].as_str().unwrap_or_default()
    }

    /// The item of a batch response with this id.
    fn item(&self, id: &str) -> &Value {
        let items = self.body["responses"].as_array().expect("responses");
        items.iter().find(|item| item["id"] == id).expect("an item of this id")
    }

    /// The names of the accounts in a list, without their domain.
    fn names(&self) -> Vec<&str> {
        let items = self.body["value"].as_array().unwrap_or_else(|| panic!("a list, not {}", self.body));
        let name = |item: &'_ Value| {
            item["userPrincipalName"].as_str().map(|name| name.split('@').next().unwrap_or_default().len())
        };
        items
            .iter()
            .map(|item| {
                let length = name(item).expect("a name");
                &item["userPrincipalName"].as_str().expect("a name")[..length]
            })
            .collect()
    }

    fn statuses(&self) -> Vec<u64> {
        let items = self.body["responses"].as_array().expect("responses");
        items.iter().filter_map(|item| item["status"].as_u64()).collect()
    }
}

impl Client {
    fn new(faults: Faults) -> Self {
        Self::of(SimulatorConfig { faults, ..SimulatorConfig::default() })
    }

    /// Twenty accounts: `user0@contoso.com` to `user19@contoso.com`.
    fn of(config: SimulatorConfig) -> Self {
        let sim = Simulator::new(config);
        (0..20).for_each(|n| sim.add(Account::normal(upn(n))));
        let bearer = format!("Bearer {}", sim.state().own_token());
        Self { sim, bearer }
    }

    fn fate(&self, method: &str, target: &str, headers: &[(&str, &str)], body: &str) -> ResponsePlan {
        let mut all = vec![("AUTHORIZATION", self.bearer.as_str())];
        all.extend(headers);
        self.sim.handle(&Request { method, target, headers: &all, body: body.as_bytes() })
    }

    fn ask(&self, method: &str, target: &str, body: &str) -> Said {
        let headers: &[_] = if body.is_empty() { &[] } else { &[("content-type", "application/json")] };
        Said::of(self.fate(method, target, headers, body).answer.expect("an answer"))
    }

    /// A `GET` of an advanced query.
    fn advanced(&self, target: &str) -> Said {
        let answer = self.fate("GET", target, &[("ConsistencyLevel", "eventual")], "").answer;
        Said::of(answer.expect("an answer"))
    }

    fn batch(&self, requests: &Value) -> Said {
        self.ask("POST", "/v1.0/$batch", &json!({ "requests": requests }).to_string())
    }

    /// One batch with a write to each of the accounts `0..n`.
    fn wave(&self, n: usize) -> Said {
        self.batch(&(0..n).map(|n| write(&n.to_string(), &upn(n))).collect())
    }

    fn sign_in(&self, tenant: &str, fields: &[(&str, &str)]) -> Said {
        self.post(&format!("/{tenant}/oauth2/v2.0/token?client-request-id=1"), fields)
    }

    /// Sends a form, without a token.
    fn post(&self, target: &str, fields: &[(&str, &str)]) -> Said {
        let form: Vec<_> = fields.iter().map(|(name, value)| format!("{name}={value}")).collect();
        let body = form.join("&");
        let request = Request { method: "POST", target, headers: &[], body: body.as_bytes() };
        Said::of(self.sim.handle(&request).answer.expect("an answer"))
    }
}

/// The claims of an access token.
fn claims(token: &str) -> Value {
    let text = token.split('.').nth(1).expect("three parts");
    let digit = |byte: u8| match byte {
        b'A'..=b'Z' => byte - b'A',
        b'a'..=b'z' => byte - b'a' + 26,
        b'0'..=b'9' => byte - b'0' + 52,
        _ => {
            if byte == b'-' {
                62
            } else {
                63
            }
        }
    };
    let (mut bits, mut held, mut bytes) = (0_u32, 0, Vec::new());
    for byte in text.bytes() {
        (bits, held) = (bits << 6 | u32::from(digit(byte)), held + 6);
        if held >= 8 {
            held -= 8;
            bytes.push((bits >> held) as u8);
        }
    }
    serde_json::from_slice(&bytes).expect("JSON")
}

fn upn(n: usize) -> String {
    format!("user{n}@contoso.com")
}

const PASSWORD: &str = "Correct-Horse-7";

fn body(password: &str) -> Value {
    json!({"passwordProfile": {"password": password, "forceChangePasswordNextSignIn": true}})
}

/// An item that writes [`PASSWORD`].
fn write(id: &str, key: &str) -> Value {
    json!({"id": id, "method": "PATCH", "url": format!("/users/{}", key.replace('#', "%23")),
        "headers": {"Content-Type": "application/json"}, "body": body(PASSWORD)})
}

fn faults(json: &str) -> Faults {
    Faults::from_json(json.as_bytes()).expect("good faults")
}
