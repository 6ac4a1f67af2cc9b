//! The names of applications.

/// Public clients of Microsoft that every tenant knows, by their ids.
const KNOWN: [(&str, &str); 3] = [
    ("14d82eec-204b-4c2f-b7e8-296a70dab67e", "Microsoft Graph Command Line Tools"),
    ("04b07795-8ddb-461a-bbee-02f9e1bf7b46", "Microsoft Azure CLI"),
    ("1950a258-227b-4e31-a9cf-717495945fc2", "Microsoft Azure PowerShell"),
];

/// The name that a token shows for the application.
pub(super) fn display_name(client_id: &str) -> &'static str {
    let known = KNOWN.iter().find(|(id, _)| id.eq_ignore_ascii_case(client_id));
    known.map_or("Simulated application", |(_, name)| name)
}
