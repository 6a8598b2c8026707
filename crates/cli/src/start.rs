//! Where the C library begins us.
//!
//! A Rust program usually begins in `std::rt`, which looks for the end of the main thread's stack in
//! `/proc/self/maps` and installs a second stack for the message about an overflow. That is a tenth
//! of what a hotplug call costs (docs/benchmarks.md), and an overflow ends the process either way:
//! the kernel's guard page is there. All else that it does is in [`xenwire_host::start`].
#![expect(
    unsafe_code,
    reason = "a symbol called main cannot be had without; this is the one file"
)]

/// main(3p). The arguments are had from `std::env`, which glibc tells them before this.
// SAFETY: no other symbol of the program is called main.
#[unsafe(no_mangle)]
extern "C" fn main() -> i32 {
    xenwire_host::start::settle();
    // It flushes what was printed, which a return would not.
    std::process::exit(crate::run().into())
}
