//! What programs read of a fleet matches its schema.

use crate::place::Place;
use boon::{Compiler, SchemaIndex, Schemas};
use serde_json::Value;
use std::path::Path;

pub struct Schema(Schemas, SchemaIndex);

impl Schema {
    pub fn new(name: &str) -> Self {
        let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("schema").join(name);
        let schema: Value = serde_json::from_slice(&std::fs::read(path).expect("a schema")).expect("JSON");
        let (mut schemas, mut compiler) = (Schemas::new(), Compiler::new());
        compiler.enable_format_assertions();
        compiler.add_resource("urn:tested", schema).expect("a schema");
        let index = compiler.compile("urn:tested", &mut schemas).expect("a schema");
        Self(schemas, index)
    }

    pub fn check(&self, value: &Value) {
        self.0.validate(value, self.1).unwrap_or_else(|error| panic!("{value}: {error:#}"));
    }
}

#[test]
fn files_and_events_match_their_schemas() {
    let faults = r#"{"tenants": {"fabrikam.com": {"token": {"refused": 65001}}}}"#;
    let place = Place::new(&["contoso.com", "fabrikam.com"], 3, faults);
    let arguments = ["reset", "trust.csv", "--tenant-column", "School", "--run-dir", "autumn", "--yes", "--json"];
    let output = place.program(&arguments).output().expect("it starts");
    assert_eq!(output.status.code(), Some(3), "{}", String::from_utf8_lossy(&output.stderr));
    let events = Schema::new("events.schema.json");
    let lines: Vec<Value> = String::from_utf8(output.stdout)
        .expect("UTF-8")
        .lines()
        .map(|line| serde_json::from_str(line).expect("JSON"))
        .collect();
    lines.iter().for_each(|line| events.check(line));
    let of = |event: &str, tenant: &str| {
        lines.iter().filter(|line| line["event"] == event && line["tenant"] == tenant).count()
    };
    assert_eq!((of("account", "contoso.com"), of("tenant_ended", "fabrikam.com")), (3, 1), "{lines:#?}");
    assert_eq!(of("signed_in", "fabrikam.com"), 0);
    let progress = |phase: &str| lines.iter().rfind(|line| line["event"] == "progress" && line["phase"] == phase);
    for phase in ["looked_up", "reset"] {
        let last = progress(phase).expect(phase);
        assert_eq!((&last["done"], &last["total"]), (&3.into(), &3.into()), "of all tenants together: {last}");
        assert!(last.get("tenant").is_none_or(Value::is_null), "{last}");
    }
    Schema::new("fleet.schema.json").check(&place.json("autumn/fleet.json"));
    Schema::new("fleet-summary.schema.json").check(&place.json("autumn/summary.json"));
}
