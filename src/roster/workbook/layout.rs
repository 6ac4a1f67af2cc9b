//! What a workbook says besides its cells: the active sheet, and what is hidden.
//!
//! calamine reads the cells and ignores this. Parts are found in the same way as calamine does, by relationships, in
//! any case.
//!
//! Invariant: a row is hidden here if Excel does not show it, no matter if a filter, an outline or a user hid it.

use super::{super::sheet::Hidden, Fault, package::broken};
use quick_xml::{
    Reader,
    events::{BytesStart, Event},
};
use std::io::{BufRead, BufReader, Cursor};
use zip::ZipArchive;

/// Rows below this height in points, and columns below this width in characters, are invisible.
const HEIGHT_MIN: f64 = 1.0;
const WIDTH_MIN: f64 = 0.1;
/// The path of the main part, if no relationship names it.
const MAIN: &str = "xl/workbook.xml";

/// The sheets of a workbook, in its order.
pub(super) struct Layout<'b> {
    archive: ZipArchive<Cursor<&'b [u8]>>,
    /// The part of each sheet.
    parts: Vec<String>,
    /// The sheet that is active when the workbook opens.
    pub(super) active: usize,
}

impl<'b> Layout<'b> {
    pub(super) fn of(bytes: &'b [u8]) -> Result<Self, Fault> {
        let archive = ZipArchive::new(Cursor::new(bytes)).map_err(broken)?;
        let mut layout = Self { archive, parts: Vec::new(), active: 0 };
        let main = layout.relationships("_rels/.rels")?.into_iter().find(|one| one.kind.ends_with("/officeDocument"));
        let main = main.map_or_else(|| MAIN.to_owned(), |one| one.target.trim_start_matches('/').to_owned());
        let (folder, file) = main.rsplit_once('/').map_or(("", main.as_str()), |(folder, file)| (folder, file));
        let folder = if folder.is_empty() { String::new() } else { format!("{folder}/") };
        let targets = layout.relationships(&format!("{folder}_rels/{file}.rels"))?;
        let mut ids = Vec::new();
        let active = &mut layout.active;
        elements(&mut layout.archive, &main, |element| match element.local_name().as_ref() {
            "workbookView" => {
                *active = value(element, "activeTab").and_then(|tab| tab.parse().ok()).unwrap_or_default();
            }
            "sheet" => ids.push(value(element, "id").unwrap_or_default()),
            _ => {}
        })?;
        let part = |id: &String| {
            let target = targets.iter().find(|one| one.id == *id).map_or("", |one| one.target.as_str());
            target.strip_prefix('/').map_or_else(|| format!("{folder}{target}"), str::to_owned)
        };
        layout.parts = ids.iter().map(part).collect();
        Ok(layout)
    }

    /// What the sheet with this index does not show.
    pub(super) fn hidden(&mut self, sheet: usize) -> Result<Hidden, Fault> {
        let (mut hidden, mut row, mut is_hidden) = (Hidden::default(), 0, false);
        let part = self.parts.get(sheet).cloned().unwrap_or_default();
        let found = elements(&mut self.archive, &part, |element| match element.local_name().as_ref() {
            "col" if is_off(element, "width", WIDTH_MIN) => {
                let number = |name| value(element, name).and_then(|text| text.parse().ok()).unwrap_or_default();
                hidden.columns.push(number("min")..=number("max"));
            }
            "row" => {
                row = value(element, "r").and_then(|text| text.parse().ok()).unwrap_or(row + 1);
                is_hidden = is_off(element, "ht", HEIGHT_MIN);
                if is_hidden {
                    hidden.rows.insert(row);
                }
            }
            // A cell can claim another row than the element around it; calamine believes the cell.
            "c" if is_hidden => hidden.rows.extend(value(element, "r").and_then(|place| row_of(&place))),
            _ => {}
        })?;
        if found { Ok(hidden) } else { Err(Fault::broken("the part of a sheet is missing")) }
    }

    fn relationships(&mut self, part: &str) -> Result<Vec<Relationship>, Fault> {
        let mut found = Vec::new();
        elements(&mut self.archive, part, |element| {
            if element.local_name().as_ref() == "Relationship" {
                let text = |name| value(element, name).unwrap_or_default();
                found.push(Relationship { id: text("Id"), kind: text("Type"), target: text("Target") });
            }
        })?;
        Ok(found)
    }
}

struct Relationship {
    id: String,
    kind: String,
    target: String,
}

/// Whether a row or column is hidden or has no size.
fn is_off(element: &BytesStart<'_>, size: &str, least: f64) -> bool {
    let is_set = value(element, "hidden").is_some_and(|text| text == "1" || text.eq_ignore_ascii_case("true"));
    let is_flat = || value(element, size).and_then(|text| text.parse::<f64>().ok()).is_some_and(|size| size < least);
    is_set || is_flat()
}

/// The row of a cell such as `AB12`.
fn row_of(place: &str) -> Option<u32> {
    place.trim_start_matches(|c: char| c.is_ascii_alphabetic() || c == '$').parse().ok()
}

/// An attribute by name, with any prefix.
fn value(element: &BytesStart<'_>, name: &str) -> Option<String> {
    let mut attributes = element.attributes();
    let found = attributes.with_checks(false).flatten().find(|one| one.key.local_name().as_ref() == name)?;
    Some(found.value.into_owned())
}

/// Calls `meet` with every element of a part, and returns whether the part exists.
fn elements(
    archive: &mut ZipArchive<Cursor<&[u8]>>,
    part: &str,
    mut meet: impl FnMut(&BytesStart<'_>),
) -> Result<bool, Fault> {
    let plain = |name: &str| name.replace('\\', "/").to_ascii_lowercase();
    let wanted = plain(part);
    let Some(at) = (0..archive.len())
        .find(|at| archive.name_for_index(*at).is_some_and(|name| name.is_ok_and(|name| plain(&name) == wanted)))
    else {
        return Ok(false);
    };
    let content = archive.by_index(at).map_err(broken)?;
    read(BufReader::new(content), &mut meet)?;
    Ok(true)
}

/// As lenient as calamine, which reads the same parts.
fn read(content: impl BufRead, meet: &mut impl FnMut(&BytesStart<'_>)) -> Result<(), Fault> {
    let (mut reader, mut buffer) = (Reader::from_reader(content), Vec::new());
    reader.config_mut().check_end_names = false;
    loop {
        buffer.clear();
        match reader.read_event_into(&mut buffer) {
            Ok(Event::Start(element) | Event::Empty(element)) => meet(&element),
            Ok(Event::End(end)) if end.local_name().as_ref() == "sheetData" => return Ok(()),
            Ok(Event::Eof) => return Ok(()),
            Ok(_) => {}
            Err(error) => return Err(Fault::broken(&error.to_string())),
        }
    }
}
