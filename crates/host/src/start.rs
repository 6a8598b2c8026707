//! What a process needs before anything else, where the program begins without the standard
//! library's own start.
#![expect(unsafe_code, reason = "signal has no safe form; this is the one file")]

use std::fs::File;
use std::os::fd::{AsRawFd, IntoRawFd};

/// Standard error, the last of the three that a program takes for granted.
const LAST_STANDARD: i32 = 2;

/// Makes the process as the standard library would: what is opened later is never taken for
/// standard input, output or error, and whoever goes away while we write to him ends no plan
/// half-way (`SIGPIPE`, signal(7)).
///
/// To be called first, while there is one thread.
pub fn settle() {
    // open(2) gives the lowest number that is free. Without /dev/null there is nothing to put there.
    while let Ok(null) = File::options().read(true).write(true).open("/dev/null") {
        if null.as_raw_fd() > LAST_STANDARD {
            break;
        }
        // It stays open to the end.
        let _ = null.into_raw_fd();
    }
    // SAFETY: no handler of ours is installed; the call cannot fail for a signal that exists.
    unsafe { libc::signal(libc::SIGPIPE, libc::SIG_IGN) };
}
