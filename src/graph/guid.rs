//! GUIDs: the client's request ids and the simulator's object ids.

/// Marks the bits as a random GUID (version 4).
pub(crate) fn version_4(bits: u128) -> u128 {
    (bits & !(0xf << 76) & !(0b11 << 62)) | (4 << 76) | (0b10 << 62)
}

/// The GUID as text.
pub(crate) fn text(bits: u128) -> String {
    format!(
        "{:08x}-{:04x}-{:04x}-{:04x}-{:012x}",
        bits >> 96,
        (bits >> 80) & 0xffff,
        (bits >> 64) & 0xffff,
        (bits >> 48) & 0xffff,
        bits & 0xffff_ffff_ffff
    )
}

/// The bytes in Windows' order, in which the first three groups are reversed.
pub(crate) fn windows_bytes(bits: u128) -> [u8; 16] {
    let mut bytes = bits.to_be_bytes();
    bytes[..4].reverse();
    bytes[4..6].reverse();
    bytes[6..8].reverse();
    bytes
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn guids_have_their_shape() {
        for bits in [0, u128::MAX, 0x0123_4567_89ab_cdef_0123_4567_89ab_cdef] {
            let guid = text(version_4(bits));
            assert!(crate::account::upn::is_object_id(&guid), "{guid}");
            assert_eq!(&guid[14..15], "4");
            assert!("89ab".contains(&guid[19..20]), "{guid}");
        }
    }
}
