//! Leaving the kernel without waiting for it.
//!
//! The last close of a socket by which elements or tables were deleted waits until no processor
//! still looks at them (nft_rcv_nl_event and nf_tables_trans_destroy_flush_work,
//! net/netfilter/nf_tables_api.c): 13 to 20 ms, and libxl waits for our exit. So a child that holds
//! nothing else closes it after us.
#![expect(
    unsafe_code,
    reason = "fork and _exit have no safe form; this is the one file"
)]

use std::os::fd::AsRawFd;

use super::Kernel;

/// Longer than the kernel needs by itself. Whoever closes earlier makes it hurry, and keeps every
/// other change of packet filters waiting meanwhile (the commit mutex).
static LATER: libc::timespec = libc::timespec {
    tv_sec: 0,
    tv_nsec: 100_000_000,
};

impl Kernel {
    /// Closes everything; what would wait is closed by a child of this process, which is not waited
    /// for. To be called where the process ends next.
    pub fn leave(self) {
        if !self.closing_waits {
            return;
        }
        let Some(socket) = &self.filters else { return };
        let kept = socket.as_raw_fd();
        // SAFETY: the child only makes calls that are safe after a fork of a process with threads
        // (signal-safety(7)): no allocation, no lock, and it never returns.
        if unsafe { libc::fork() } == 0 {
            // SAFETY: as above; what the descriptors stand for is never used again here.
            unsafe {
                close_all_but(kept);
                libc::nanosleep(&raw const LATER, std::ptr::null_mut());
                libc::_exit(0)
            }
        }
        // Without a child, dropping the socket waits.
    }
}

/// Pipes to whoever called us, locks of journals, xenstore: whoever waits for their end must not
/// wait for ours.
///
/// # Safety
/// No descriptor but `kept` may be used afterwards.
unsafe fn close_all_but(kept: i32) {
    let close = |first: i32, last: u32| {
        // SAFETY: the caller's promise.
        let closed = unsafe { libc::syscall(libc::SYS_close_range, first, last, 0) };
        if closed != 0 {
            // A kernel before 5.9. We open few.
            for number in first..i32::try_from(last.min(1023)).unwrap_or(0) + 1 {
                // SAFETY: as above.
                unsafe { libc::close(number) };
            }
        }
    };
    if let Ok(below) = u32::try_from(kept - 1) {
        close(0, below);
    }
    close(kept + 1, u32::MAX);
}
