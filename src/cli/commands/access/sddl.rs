//! Access lists in the security descriptor definition language of Windows (Microsoft's "Security Descriptor Definition
//! Language" and "ACE Strings"). It names accounts by codes or SIDs, so it is the same in every language of Windows.

use std::collections::BTreeSet;

/// Groups that hold many people, by code and by SID ("SID Strings", "Well-known SIDs").
const CROWDS: [(&str, &str, &str); 8] = [
    ("WD", "S-1-1-0", "Everyone"),
    ("AN", "S-1-5-7", "Anonymous"),
    ("AU", "S-1-5-11", "Authenticated Users"),
    ("BU", "S-1-5-32-545", "Users"),
    ("BG", "S-1-5-32-546", "Guests"),
    ("IU", "S-1-5-4", "Interactive"),
    ("NU", "S-1-5-2", "Network"),
    ("DU", "", "Domain Users"),
];
/// How the SID of Domain Users ends.
const DOMAIN_USERS: &str = "-513";
/// Rights that include reading a file: `FILE_READ_DATA`, and the generic ones.
const READ: u32 = 0x0001 | 0x8000_0000 | 0x1000_0000;
const READ_CODES: [&str; 5] = ["GA", "GR", "FA", "FR", "CC"];

/// The crowds that may read new files in the folder with this descriptor, and in a new folder in it. A folder without a list
/// is open to everyone.
pub fn readers(descriptor: &str) -> Option<BTreeSet<&'static str>> {
    let list = descriptor.split_once("D:")?.1;
    let list = list.split("S:").next().unwrap_or(list);
    let entries: Vec<Entry<'_>> = list.split('(').skip(1).filter_map(Entry::read).collect();
    if list.contains("NO_ACCESS_CONTROL") {
        return Some(BTreeSet::from(["Everyone"]));
    }
    let denied: Vec<&str> = entries.iter().filter(|entry| entry.denies).filter_map(|entry| crowd(entry.sid)).collect();
    let allowed = entries.iter().filter(|entry| !entry.denies).filter_map(|entry| crowd(entry.sid));
    Some(allowed.filter(|name| !denied.contains(name)).collect())
}

/// An entry that applies to files below and is about reading.
struct Entry<'a> {
    denies: bool,
    sid: &'a str,
}

impl<'a> Entry<'a> {
    /// `type;flags;rights;object;inherited object;account)`, if it is such an entry.
    fn read(text: &'a str) -> Option<Self> {
        let fields: Vec<&str> = text.split(')').next()?.split(';').collect();
        let [kind, flags, rights, _, _, sid, ..] = fields[..] else { return None };
        let denies = match kind {
            "A" | "XA" => false,
            "D" | "XD" => true,
            _ => return None,
        };
        let flags = pairs(flags);
        let goes_down = flags.contains(&"OI") && !flags.contains(&"NP");
        (goes_down && reads(rights)).then_some(Self { denies, sid })
    }
}

fn reads(rights: &str) -> bool {
    let hex = rights.strip_prefix("0x").or_else(|| rights.strip_prefix("0X"));
    match hex.map(|digits| u32::from_str_radix(digits, 16)) {
        Some(mask) => mask.is_ok_and(|mask| mask & READ != 0),
        None => pairs(rights).iter().any(|code| READ_CODES.contains(code)),
    }
}

/// Codes of two letters each.
fn pairs(text: &str) -> Vec<&str> {
    (0..text.len() / 2).filter_map(|nth| text.get(nth * 2..nth * 2 + 2)).collect()
}

fn crowd(account: &str) -> Option<&'static str> {
    let is_known = |(code, sid, _): &&(&str, &str, &str)| account == *code || account == *sid;
    if account.starts_with("S-1-5-21-") && account.ends_with(DOMAIN_USERS) {
        return Some("Domain Users");
    }
    CROWDS.iter().find(is_known).filter(|_| !account.is_empty()).map(|(.., name)| *name)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names(descriptor: &str) -> Vec<&'static str> {
        readers(descriptor).expect("a list").into_iter().collect()
    }

    #[test]
    fn crowds_that_read_are_found() {
        // A folder in the root of a drive, as Windows sets it up.
        let root = "D:AI(A;ID;FA;;;BA)(A;OICIIOID;GA;;;BA)(A;ID;FA;;;SY)(A;OICIIOID;GA;;;SY)(A;OICIID;0x1200a9;;;BU)\
                    (A;ID;0x1301bf;;;AU)(A;OICIIOID;SDGXGWGR;;;AU)";
        assert_eq!(names(root), ["Authenticated Users", "Users"]);
        assert_eq!(names("D:PAI(A;OICI;FR;;;WD)"), ["Everyone"]);
        assert_eq!(names("O:BAG:SYD:(A;OICI;0x80000000;;;S-1-1-0)S:(AU;SA;FA;;;WD)"), ["Everyone"]);
        assert_eq!(names("D:(A;OICI;FA;;;S-1-5-21-1-2-3-513)"), ["Domain Users"]);
        assert_eq!(names("D:NO_ACCESS_CONTROL"), ["Everyone"]);
    }

    #[test]
    fn others_are_not_crowds() {
        // A folder in a user's profile.
        let own = "D:(A;OICIID;FA;;;SY)(A;OICIID;FA;;;BA)(A;OICIID;FA;;;S-1-5-21-1004336348-1177238915-682003330-1001)";
        for descriptor in [
            own,
            "D:P",
            "D:(A;OICI;FA;;;S-1-5-21-1-2-3-5130)",
            "D:(A;;FA;;;WD)",
            "D:(A;CI;FA;;;WD)",
            "D:(A;OICINP;FA;;;WD)",
            "D:(A;OICI;0x2;;;WD)",
            "D:(A;OICI;GWSD;;;WD)",
            "D:(D;OICI;FA;;;BU)(A;OICI;FA;;;BU)",
            "D:(OA;OICI;FA;;;WD)",
            "D:(A;OICI",
        ] {
            assert!(names(descriptor).is_empty(), "{descriptor}");
        }
        assert_eq!(readers("no descriptor"), None);
    }
}
