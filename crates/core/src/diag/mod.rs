//! What is wrong with a text a person wrote, and where.
//!
//! A reader never stops at the first fault: it adds to a [`Diagnostics`] and goes on. Each fault
//! has a stable [`Code`], the place it is at, and where possible a hint one can act on. A [`Span`]
//! carries its source with it, so a diagnostic can always be shown, whoever holds it.

pub mod code;
mod diagnostic;
mod nearest;
mod render;
mod span;

pub use code::Code;
pub use diagnostic::{Diagnostic, Diagnostics, Severity};
pub use nearest::nearest;
pub use render::Style;
pub use span::{Source, Span, Spanned};
