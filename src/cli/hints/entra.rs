//! What to do about a refusal: a table of AADSTS codes (from Microsoft's error code reference, the troubleshooting
//! guides of its identity libraries, and users' issues).
//!
//! The meaning of codes may change, so a hint is only shown beside Entra's own message, and decides nothing.

use passwave::graph::client::auth::Method;

/// What to do about `code` or, if there is none, about the OAuth `error`.
pub fn hint(method: Method, code: Option<u64>, error: &str) -> &'static str {
    by_code(method, code.unwrap_or_default()).or_else(|| by_error(error)).unwrap_or_else(|| otherwise(method))
}

fn by_code(method: Method, code: u64) -> Option<&'static str> {
    let own =
        matches!(method, Method::Browser | Method::DeviceCode).then(|| of_a_public_client(method, code)).flatten();
    own.or_else(|| of_the_place(code)).or_else(|| match method {
        Method::Secret | Method::Certificate | Method::Workload => of_an_application(method, code),
        Method::Cli | Method::Browser | Method::DeviceCode => of_a_person(method, code),
        Method::Managed => None,
    })
}

/// Codes about the tenant, the cloud and the application, which are the same for every method.
fn of_the_place(code: u64) -> Option<&'static str> {
    Some(match code {
        700_016 => "the application is not in this tenant: check the client id and the tenant",
        90_002 => "AZURE_TENANT_ID names no tenant here: check it, and --cloud",
        900_023 => "AZURE_TENANT_ID must be the tenant's GUID or one of its domain names",
        70_011 | 1_002_012 => "the Graph endpoint does not belong to this cloud: check --cloud and --graph-endpoint",
        50_049 => "the sign-in host does not belong to this cloud: check --cloud and --authority-host",
        53_003 => "a Conditional Access policy blocks it: ask the owner of the policies for an exception",
        50_005 | 53_000 | 53_001 | 53_002 | 53_004 | 53_009 | 530_003 => {
            "Conditional Access wants another device, app or proof: sign in on a managed device, or ask the owner of the policies"
        }
        70_001 | 7_000_112 => "the application is disabled in this tenant: enable it under Enterprise applications",
        _ => return None,
    })
}

fn of_an_application(method: Method, code: u64) -> Option<&'static str> {
    Some(match (code, method) {
        (7_000_215, _) => "AZURE_CLIENT_SECRET is wrong: set the secret's value, not its id",
        (7_000_222, _) => "the client secret has expired: make a new one in the application's registration",
        (700_027, Method::Workload) => {
            "the application does not trust who signed the token: check the federated credential"
        }
        (700_027 | 50_012, _) => {
            "the application does not know this certificate: upload it to the registration, and check AZURE_CLIENT_ID"
        }
        (700_024, Method::Workload) => "the federated token has expired: have a new one written, and check the clock",
        (700_024, _) => "the assertion's time differs from Entra's: correct this machine's clock",
        (700_211, _) => {
            "no federated credential of the application has the token's issuer: compare them, up to the last slash"
        }
        (700_212, _) => {
            "no federated credential of the application has the token's audience: compare them, and check --cloud"
        }
        (700_213 | 7_002_137 | 7_002_138, _) => {
            "no federated credential of the application has the token's subject: compare them letter by letter (repository, branch, environment)"
        }
        (70_021, _) => {
            "no federated credential of the application fits the token: compare issuer, subject and audience; a new one takes minutes"
        }
        (5_002_738, _) => "Entra does not accept elliptic curve signatures: have the issuer sign with RSA",
        _ => return None,
    })
}

/// Codes about the application through which a user signs in, and about that user.
fn of_a_public_client(method: Method, code: u64) -> Option<&'static str> {
    Some(match (code, method) {
        (53_003, Method::DeviceCode) => {
            "a Conditional Access policy blocks it, perhaps only for device codes: try --auth browser, or ask the owner of the policies"
        }
        (50_011 | 500_113 | 9_002_327, _) => {
            "add the redirect URI http://localhost to the application's registration, under \"Mobile and desktop applications\""
        }
        (54_005 | 70_000, _) => {
            "the code was used already: sign in again, and find out who used it if that happens again"
        }
        (90_094, _) => {
            "only an administrator may consent: have one grant the delegated permissions to this application"
        }
        (65_004, _) => "consent was declined in the browser: try again, or have an administrator grant it for everyone",
        (50_057, _) => "the account is disabled: sign in with another one",
        (50_053 | 50_055 | 50_126 | 50_034, _) => {
            "check the account and its password, and whether it is locked; then sign in again"
        }
        (50_105, _) => "assign the account to the application (Enterprise applications, Users and groups)",
        _ => return None,
    })
}

fn of_a_person(method: Method, code: u64) -> Option<&'static str> {
    Some(match (code, method) {
        (50_058 | 50_072 | 50_074 | 50_076 | 50_078 | 50_079 | 70_043 | 700_082 | 70_008 | 50_173, Method::Cli) => {
            "run `az login` again, with multi-factor authentication if it is asked for, then run this again"
        }
        (50_072 | 50_079, _) => "register for multi-factor authentication, then sign in again",
        (50_058 | 50_074 | 50_076 | 50_078, _) => "sign in again, and pass multi-factor authentication",
        (70_008 | 70_043 | 700_082 | 50_173, _) => "the sign-in has expired: sign in again",
        (65_001, Method::Cli) => {
            "the Azure CLI's application has no consent for passwords here: use --auth browser, or your own application"
        }
        (65_001 | 65_004, _) => {
            "an administrator must consent to User-PasswordProfile.ReadWrite.All for this application"
        }
        (65_002, _) => "this Microsoft application may not ask for that: give your own with --client-id",
        (7_000_218, _) => {
            "the application is not a public client: switch on \"Allow public client flows\" in its registration"
        }
        (50_059 | 90_019 | 9_001_023, _) => "set AZURE_TENANT_ID to the tenant",
        (50_020 | 500_200 | 500_208, _) => {
            "the account belongs to another tenant: sign in with one of this tenant, or set AZURE_TENANT_ID"
        }
        _ => return None,
    })
}

fn by_error(error: &str) -> Option<&'static str> {
    Some(match error {
        "authorization_declined" | "access_denied" => "the sign-in was declined in the browser: try again",
        "timed_out" => {
            "try again; if the browser shows AADSTS50011, register the redirect URI http://localhost; if it is on another machine, forward the port"
        }
        "expired_token" | "code_expired" => "the code was not entered in time: try again",
        "bad_verification_code" => "try again to get a new code",
        "interaction_required" => "somebody must sign in again, then run this again",
        _ => return None,
    })
}

const fn otherwise(method: Method) -> &'static str {
    match method {
        Method::Managed => {
            "check that the machine or app has this identity (AZURE_CLIENT_ID chooses a user-assigned one)"
        }
        Method::Cli => "run `az login`, and check who is signed in with `az account show`",
        _ => "look the code up at https://login.microsoftonline.com/error, and check the AZURE_ variables",
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use Method::{Browser, Certificate, Cli, DeviceCode, Managed, Secret, Workload};

    #[test]
    fn hints_depend_on_the_method() {
        for (method, code, words) in [
            (Secret, 7_000_215, "AZURE_CLIENT_SECRET"),
            (Certificate, 700_027, "upload it"),
            (Workload, 700_027, "federated credential"),
            (Certificate, 700_024, "clock"),
            (Cli, 50_076, "az login"),
            (DeviceCode, 50_076, "multi-factor"),
            (Cli, 65_001, "--auth browser"),
            (DeviceCode, 65_001, "administrator"),
            (Browser, 65_001, "administrator"),
            (Browser, 65_004, "declined"),
            (Browser, 50_011, "Mobile and desktop applications"),
            (Browser, 53_003, "Conditional Access"),
            (DeviceCode, 53_003, "--auth browser"),
            (Browser, 50_057, "disabled"),
            (Browser, 50_020, "another tenant"),
            (DeviceCode, 7_000_218, "public client"),
            (Managed, 700_016, "client id"),
        ] {
            let told = hint(method, Some(code), "");
            assert!(told.contains(words), "{code}: {told}");
        }
    }

    #[test]
    fn common_codes_have_hints() {
        let place = [700_016, 90_002, 900_023, 70_011, 1_002_012, 50_049, 53_003, 7_000_112];
        let proof = [7_000_215, 7_000_222, 700_027, 700_024, 70_021, 700_211, 700_212, 700_213, 7_002_138];
        let person = [50_058, 50_076, 50_079, 65_001, 700_082, 70_043, 7_000_218];
        let has_hint = |method, codes: &[u64]| {
            for code in codes {
                assert_ne!(hint(method, Some(*code), ""), otherwise(method), "{code}");
            }
        };
        for method in [Secret, Certificate, Workload, Managed, Cli, Browser, DeviceCode] {
            has_hint(method, &place);
        }
        [Secret, Certificate, Workload].into_iter().for_each(|method| has_hint(method, &proof));
        [Cli, Browser, DeviceCode].into_iter().for_each(|method| has_hint(method, &person));
    }

    #[test]
    fn only_secrets_are_called_wrong() {
        for method in [Managed, Cli, Browser, DeviceCode] {
            assert!(!hint(method, Some(7_000_215), "").contains("AZURE_CLIENT_SECRET"));
        }
    }

    #[test]
    fn errors_without_codes_have_hints() {
        assert!(hint(DeviceCode, None, "authorization_declined").contains("declined"));
        assert!(hint(DeviceCode, Some(1), "expired_token").contains("in time"));
        assert!(hint(Managed, None, "invalid_request").contains("user-assigned"));
        assert!(hint(Secret, None, "").contains("error"));
    }
}
