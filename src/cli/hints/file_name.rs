//! What to do about a file name that the system does not take.

use passwave::util::windows_name::NameFault;

/// What to do next.
pub const fn hint(fault: Option<&NameFault>) -> &'static str {
    match fault {
        // PowerShell 5 and `cmd` pass it on like this.
        Some(NameFault::Character('"')) => {
            "a backslash before the closing quote makes that quote a part of the name: leave out the backslash"
        }
        Some(NameFault::Ending) => "leave out the dot or the space at the end",
        Some(NameFault::Device(_) | NameFault::Character(_)) | None => "choose another name",
    }
}
