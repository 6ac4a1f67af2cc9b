//! Recognizes files that are not text by their first bytes: archives, documents, pictures.

use super::{Foreign, Remedy, foreign};

/// How many bytes at each end of an archive are searched for the names of its parts.
const NAMES_SAMPLE: usize = 1 << 20;

const ZIP: &[u8] = b"PK\x03\x04";
/// The first bytes of a compound file: old Office documents and encrypted new ones.
const COMPOUND: &[u8] = b"\xD0\xCF\x11\xE0";

const OLD_WORKBOOK: Foreign = foreign("it is an old workbook (.xls)", Remedy::SaveAsWorkbook);

/// Formats with their own signature.
const SIGNATURES: [(&[u8], Foreign); 19] = [
    (b"\x09\x08\x10\x00", OLD_WORKBOOK),
    (b"\x09\x08\x08\x00", OLD_WORKBOOK),
    (b"\x09\x04\x06\x00", OLD_WORKBOOK),
    (b"\x09\x02\x06\x00", OLD_WORKBOOK),
    (b"\x09\x00\x04\x00", OLD_WORKBOOK),
    (b"%PDF-", foreign("it is a PDF document", Remedy::Export)),
    (b"{\\rtf", foreign("it is a formatted text (RTF)", Remedy::CopyTable)),
    (b"\x1F\x8B", foreign("it is packed with gzip", Remedy::Unpack)),
    (b"BZh", foreign("it is packed with bzip2", Remedy::Unpack)),
    (b"\xFD7zXZ\x00", foreign("it is packed with xz", Remedy::Unpack)),
    (b"\x28\xB5\x2F\xFD", foreign("it is packed with zstd", Remedy::Unpack)),
    (b"7z\xBC\xAF\x27\x1C", foreign("it is a 7-Zip archive", Remedy::Unpack)),
    (b"Rar!\x1A\x07", foreign("it is a RAR archive", Remedy::Unpack)),
    (b"SQLite format 3\x00", foreign("it is an SQLite database", Remedy::Export)),
    (b"PAR1", foreign("it is a Parquet file", Remedy::Export)),
    (b"bplist00", foreign("it is a binary property list", Remedy::Export)),
    (b"\x89PNG\r\n", foreign("it is a picture", Remedy::Export)),
    (b"\xFF\xD8\xFF", foreign("it is a picture", Remedy::Export)),
    (b"MZ\x90\x00", foreign("it is a program", Remedy::Export)),
];

/// Kinds of zip archives, by a part that only they have.
const ARCHIVES: [(&[u8], Foreign); 8] = [
    (b"xl/workbook.bin", foreign("it is a binary workbook (.xlsb)", Remedy::SaveAsWorkbook)),
    (b"opendocument.spreadsheet", foreign("it is an OpenDocument spreadsheet (.ods)", Remedy::SaveFromLibreOffice)),
    (b"xl/worksheets/", foreign("it is a workbook that is damaged or incomplete", Remedy::GetAgain)),
    (b"content.xml", foreign("it is an OpenDocument file", Remedy::SaveFromLibreOffice)),
    (b"Index/Document.iwa", foreign("it is an Apple Numbers spreadsheet", Remedy::ExportFromNumbers)),
    (b"Index.zip", foreign("it is an Apple Numbers spreadsheet", Remedy::ExportFromNumbers)),
    (b"word/document.xml", foreign("it is a Word document", Remedy::CopyTable)),
    (b"ppt/presentation.xml", foreign("it is a PowerPoint presentation", Remedy::Export)),
];

/// Kinds of compound files, by the name of a stream that only they have.
const STREAMS: [(&str, Foreign); 6] = [
    ("EncryptedPackage", foreign("it is a workbook that is locked with a password", Remedy::Unlock)),
    ("Workbook", OLD_WORKBOOK),
    ("Book", OLD_WORKBOOK),
    ("WordDocument", foreign("it is an old Word document (.doc)", Remedy::CopyTable)),
    ("PowerPoint Document", foreign("it is an old PowerPoint presentation (.ppt)", Remedy::Export)),
    ("__properties_version1.0", foreign("it is an Outlook message (.msg)", Remedy::SaveAttachment)),
];

/// The format of a file that is not text, if it is known.
pub(in super::super) fn by_bytes(bytes: &[u8]) -> Option<Foreign> {
    if bytes.starts_with(ZIP) {
        let known = ARCHIVES.iter().find(|(part, _)| holds(bytes, part));
        return Some(
            known.map_or(foreign("it is a zip archive without a workbook in it", Remedy::Unpack), |(_, kind)| *kind),
        );
    }
    if bytes.starts_with(COMPOUND) {
        let named = |name: &str| holds(bytes, &name.encode_utf16().flat_map(u16::to_le_bytes).collect::<Vec<_>>());
        let known = STREAMS.iter().find(|(stream, _)| named(stream));
        return Some(known.map_or(foreign("it is an old Office document", Remedy::SaveAsCsv), |(_, kind)| *kind));
    }
    SIGNATURES.iter().find(|(signature, _)| bytes.starts_with(signature)).map(|(_, kind)| *kind)
}

/// Whether the name appears near either end of the bytes. The directories are there, so nothing has to be unpacked.
fn holds(bytes: &[u8], name: &[u8]) -> bool {
    let tail = bytes.len().saturating_sub(NAMES_SAMPLE);
    let head = &bytes[..bytes.len().min(NAMES_SAMPLE)];
    [head, &bytes[tail..]].iter().any(|part| part.windows(name.len()).any(|window| window == name))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn utf16(text: &str) -> Vec<u8> {
        text.encode_utf16().flat_map(u16::to_le_bytes).collect()
    }

    #[test]
    fn each_format_is_named() {
        let zip = |part: &str| [ZIP, &[0; 26], part.as_bytes()].concat();
        let compound = |stream: &str| [COMPOUND, &[0; 2_000], &utf16(stream)].concat();
        for (bytes, found) in [
            (zip("xl/workbook.bin"), ".xlsb"),
            (zip("mimetypeapplication/vnd.oasis.opendocument.spreadsheet"), ".ods"),
            (zip("Index/Document.iwa"), "Numbers"),
            (zip("word/document.xml"), "Word"),
            (zip("pupils.csv"), "zip archive"),
            (compound("EncryptedPackage"), "locked with a password"),
            (compound("Workbook"), ".xls"),
            (compound("WordDocument"), ".doc"),
            (compound("__properties_version1.0"), "Outlook"),
            (compound("?"), "old Office"),
            (b"\x09\x08\x10\x00\x00\x06".to_vec(), ".xls"),
            (b"%PDF-1.7".to_vec(), "PDF"),
            (b"{\\rtf1\\ansi".to_vec(), "RTF"),
            (b"\x1F\x8B\x08".to_vec(), "gzip"),
            (b"PAR1\x15".to_vec(), "Parquet"),
            (b"\x89PNG\r\n\x1a\n".to_vec(), "picture"),
        ] {
            let foreign = by_bytes(&bytes).expect(found);
            assert!(foreign.found.contains(found), "{foreign:?}");
        }
        for text in [&b"UPN\nann@contoso.com"[..], b"PK,UPN", b"", b"BZ,UPN\n", b"{\"a\"}"] {
            assert_eq!(by_bytes(text), None);
        }
    }
}
