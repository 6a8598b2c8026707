//! One file a command.

pub mod boot;
pub mod check;
pub mod fmt;
pub mod gc;
pub mod install;
pub mod lab;
pub mod network;
pub mod show;
pub mod xenstored;
