//! The faults of a simulated tenant.

use crate::cli::{args::SimulatorArgs, failure::Failure};
use passwave::{
    roster::text_file::{self, ReadError},
    simulator::Faults,
};

/// Maximum size of a faults file.
const FAULTS_BYTES_MAX: u64 = 8 << 20;

/// The faults from `--faults`, or `usual` without that flag.
pub fn faults(args: &SimulatorArgs, usual: Faults) -> Result<Faults, Failure> {
    let Some(file) = &args.faults else { return Ok(usual) };
    let unreadable = |error: ReadError| Failure::usage(format!("{}: {error}", file.display()));
    let bytes = text_file::read(file, FAULTS_BYTES_MAX).map_err(unreadable)?;
    let text = text_file::decode_plain(bytes)
        .map_err(|error| Failure::usage(format!("{}: {error}", file.display())).hint("save it as UTF-8"))?;
    Faults::from_json(text.as_bytes()).map_err(|error| {
        Failure::usage(format!("{}: {error}", file.display())).hint("`passwave man simulate` lists the fields")
    })
}
