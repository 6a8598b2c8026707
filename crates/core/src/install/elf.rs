//! Whether a program needs nothing but the kernel. One that is copied to where libxl calls it must
//! not depend on a library that is upgraded, or on a folder somebody built it in.

use std::fmt;

/// A program that needs a loader, or is no program of this kind.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NotStatic {
    /// It is no 64-bit little-endian ELF file, or cut off.
    Unreadable,
    /// It names a loader.
    NeedsLoader,
}

impl fmt::Display for NotStatic {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Unreadable => "it is no 64-bit ELF program",
            Self::NeedsLoader => {
                "it is linked with shared libraries; build it with `-C target-feature=+crt-static`, as .cargo/config.toml says"
            }
        })
    }
}

impl std::error::Error for NotStatic {}

/// The program header that names a loader (PT_INTERP, elf(5)).
const INTERP: u32 = 3;

/// Looks at a program's first bytes, which hold its headers: some kilobytes are plenty.
///
/// # Errors
/// [`NotStatic`], and why.
pub fn is_static(head: &[u8]) -> Result<(), NotStatic> {
    // Class 2 is 64 bits, data 1 is little-endian (elf(5), e_ident).
    if !head.starts_with(b"\x7fELF\x02\x01") {
        return Err(NotStatic::Unreadable);
    }
    let headers = number::<8>(head, 32)?;
    let (size, count) = (number::<2>(head, 54)?, number::<2>(head, 56)?);
    for index in 0..count {
        let at = headers.saturating_add(index * size);
        if number::<4>(head, at)? == u64::from(INTERP) {
            return Err(NotStatic::NeedsLoader);
        }
    }
    Ok(())
}

fn number<const N: usize>(bytes: &[u8], at: u64) -> Result<u64, NotStatic> {
    let at = usize::try_from(at).map_err(|_| NotStatic::Unreadable)?;
    let end = at.checked_add(N).ok_or(NotStatic::Unreadable)?;
    let field = bytes.get(at..end).ok_or(NotStatic::Unreadable)?;
    Ok(field
        .iter()
        .rev()
        .fold(0, |value, byte| value << 8 | u64::from(*byte)))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn program(kinds: &[u32]) -> Vec<u8> {
        let mut head = vec![0; 64];
        head[..6].copy_from_slice(b"\x7fELF\x02\x01");
        head[32] = 64;
        head[54] = 56;
        head[56] = kinds.len() as u8;
        for kind in kinds {
            head.extend(kind.to_le_bytes());
            head.extend([0; 52]);
        }
        head
    }

    #[test]
    fn a_loader_is_seen() {
        assert_eq!(is_static(&program(&[1, 2])), Ok(()));
        assert_eq!(is_static(&program(&[6, 3, 1])), Err(NotStatic::NeedsLoader));
    }

    #[test]
    fn whatever_is_no_program_is_refused() {
        let whole = program(&[1, 2]);
        for length in 0..whole.len() - 52 {
            assert_eq!(is_static(&whole[..length]), Err(NotStatic::Unreadable));
        }
        assert_eq!(is_static(b"#!/bin/sh\n"), Err(NotStatic::Unreadable));
        let mut far = whole;
        far[32..40].copy_from_slice(&[255; 8]);
        assert_eq!(is_static(&far), Err(NotStatic::Unreadable));
    }
}
