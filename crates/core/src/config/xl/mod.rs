//! The grammar of xl's files, which domU files and `xl.conf` share (contract 6.5). It looks like
//! Python and is not:
//!
//! ```text
//!  file   = { [ key ( "=" | "+=" ) value ] ( newline | ";" ) }
//!  key    = lower-case letter, then lower-case letters, digits, "." and "_"
//!  value  = atom | "[" [ value { "," value } [ "," ] ] "]"       newlines are free inside [ ]
//!  atom   = 'text' | "text" | number
//! ```
//!
//! Invariant: every value knows its place, and the bytes of a text theirs, escapes or not.

mod lexer;
mod parser;

#[cfg(test)]
mod tests;

pub use parser::read;
