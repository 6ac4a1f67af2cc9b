//! What to do about a file that is not a table, or a workbook that cannot be read.

use passwave::roster::{
    WorkbookFault,
    text_file::{NotText, foreign::Remedy},
};

const SAVE_AS_CSV: &str = "open it in Excel and save it as \"CSV UTF-8 (Comma delimited)\"";

/// What to do about bytes that are not text.
pub const fn of_text(why: &NotText) -> &'static str {
    match why {
        NotText::Foreign(foreign) => of_foreign(foreign.remedy),
        NotText::Nul(_)
        | NotText::Control
        | NotText::Utf7
        | NotText::Utf32
        | NotText::Joined
        | NotText::NotUtf16
        | NotText::NotUtf8(_)
        | NotText::NotInCharset { .. }
        | NotText::Mixed(_)
        | NotText::UnknownCharset { .. } => SAVE_AS_UTF8,
        _ => SAVE_AS_UTF8,
    }
}

const SAVE_AS_UTF8: &str = "save it as CSV in UTF-8 (in Excel: \"CSV UTF-8 (Comma delimited)\")";

const fn of_foreign(remedy: Remedy) -> &'static str {
    match remedy {
        Remedy::SaveAsWorkbook => "open it in Excel and save it as \"Excel Workbook (.xlsx)\"",
        Remedy::SaveAsCsv => SAVE_AS_CSV,
        Remedy::Unlock => {
            "open it in Excel and save it without a password (File, Info, Protect Workbook, Encrypt with Password: empty)"
        }
        Remedy::SaveFromLibreOffice => "open it in Excel or LibreOffice Calc and save it as \"Excel Workbook (.xlsx)\"",
        Remedy::ExportFromNumbers => "open it in Numbers and choose File, Export To, CSV or Excel",
        Remedy::CopyTable => "copy the table into Excel and save it as a workbook (.xlsx)",
        Remedy::GetAgain => "copy or download it again, or open it in Excel, which may repair it, and save it again",
        Remedy::Unpack => "unpack it first, and give the CSV file or workbook that is in it",
        Remedy::SaveAttachment => "save what is attached to it, and give that file",
        Remedy::Export => "export the accounts as a CSV file or as an Excel workbook (.xlsx)",
        Remedy::ExportFromPowerShell => {
            "in PowerShell, end the command with: | Select-Object UserPrincipalName, DisplayName | Export-Csv users.csv \
             -NoTypeInformation -Encoding UTF8"
        }
        Remedy::ExportInPlaceOfJson => {
            "export CSV instead: az ad user list --query \"[].userPrincipalName\" -o tsv > users.csv, or in PowerShell: | \
             Export-Csv users.csv -NoTypeInformation -Encoding UTF8"
        }
        Remedy::ConvertClixml => {
            "in PowerShell: Import-Clixml FILE | Export-Csv users.csv -NoTypeInformation -Encoding UTF8"
        }
        Remedy::ExportFromDirectory => "export CSV instead, for example with csvde or Get-ADUser and Export-Csv",
        Remedy::FetchFromLfs => "fetch the file itself with: git lfs pull",
    }
}

/// What to do about a workbook.
pub const fn of_workbook(fault: &WorkbookFault) -> &'static str {
    match fault {
        WorkbookFault::TooLarge(_) | WorkbookFault::TooManyTexts(_) | WorkbookFault::TooManyCells => {
            "leave in it only the sheet and the columns that are needed, or save that sheet as \"CSV UTF-8 (Comma delimited)\""
        }
        WorkbookFault::NoResult(_) => "open it in Excel, which calculates it, and save it again",
        WorkbookFault::NotBuilt => SAVE_AS_CSV,
        WorkbookFault::Broken(_) => {
            "open it in Excel and save it again, as \"Excel Workbook (.xlsx)\" or \"CSV UTF-8 (Comma delimited)\""
        }
        _ => "open it in Excel and save it again",
    }
}
