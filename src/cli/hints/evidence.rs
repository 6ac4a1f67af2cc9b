//! What to do about evidence that does not hold, and keys that cannot sign.

#[cfg(feature = "sign")]
use passwave::report::evidence::{KeyFault, NAMESPACE, SignatureFault};
use passwave::{fleet::FleetEvidenceFault, report::evidence::EvidenceFault};

/// What to do about evidence that does not hold.
pub fn hint(fault: &EvidenceFault) -> Option<String> {
    let hint = match fault {
        EvidenceFault::Unreadable(_) => "name a file evidence.json",
        EvidenceFault::NotEvidence => "name a file evidence.json, or check it with the release that wrote it",
        EvidenceFault::Head | EvidenceFault::Row { .. } | EvidenceFault::End(_) | EvidenceFault::CutOff(_) => {
            "do not rely on it: get another copy, or write it again from the run folder"
        }
        _ => return None,
    };
    Some(hint.to_owned())
}

/// What to do about evidence of a fleet that does not hold.
pub fn fleet_hint(fault: &FleetEvidenceFault) -> Option<String> {
    match fault {
        FleetEvidenceFault::Tenant { fault: EvidenceFault::Unreadable(_), .. } => {
            Some("keep the folders of all tenants beside the file".into())
        }
        FleetEvidenceFault::Own(fault) | FleetEvidenceFault::Tenant { fault, .. } => hint(fault),
        FleetEvidenceFault::Another(_) => Some("get that copy, or write the evidence of the whole fleet again".into()),
        FleetEvidenceFault::Line(_) => {
            Some("do not rely on it: get another copy, or write it again from the fleet's folder".into())
        }
        _ => None,
    }
}

/// What to do about a key that cannot sign; `sign_elsewhere` is the command with which OpenSSH signs.
#[cfg(feature = "sign")]
pub fn key_hint(fault: &KeyFault, variable: &str, sign_elsewhere: &str) -> Option<String> {
    Some(match fault {
        KeyFault::Unreadable(_) => "check the path and its permissions".into(),
        KeyFault::WrongPassphrase => format!("{variable} can hold it"),
        KeyFault::NotAKey | KeyFault::OtherKind(_) | KeyFault::Refused => {
            format!("write the evidence without --sign, then sign it with:  {sign_elsewhere}")
        }
        _ => return None,
    })
}

/// What to do about a signature that does not hold.
#[cfg(feature = "sign")]
pub fn signature_hint(fault: &SignatureFault) -> Option<String> {
    Some(match fault {
        SignatureFault::Unreadable(_) => "check the path and its permissions".into(),
        SignatureFault::OtherKind(_) => format!("check it with ssh-keygen -Y verify -n {NAMESPACE}"),
        SignatureFault::NotASignature => format!("sign for the purpose {NAMESPACE}"),
        SignatureFault::Broken => "do not rely on it: get another copy of both files, or sign again".into(),
        _ => return None,
    })
}
