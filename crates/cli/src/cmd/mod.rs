//! One file a command.

pub mod lab;
pub mod show;
pub mod xenstored;
