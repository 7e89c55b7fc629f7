//! The article's listings, taken from the copy that a reader has of it, and recognised by their content.
//!
//! The copy is a saved web page, a Markdown file or a folder of the files as typed in. It is never
//! part of the project: `ARTICLE` says where it is.

pub mod build;
mod classify;
pub mod command;
mod copy;
mod decode;
mod edit;
mod extract;
#[cfg(test)]
mod fix_tests;
pub mod fixes;
mod html;
mod listings;
mod origin;
mod pattern;
#[cfg(test)]
mod tests;

pub use build::program;
pub use classify::LISTINGS;
pub use copy::{article, given};
pub use listings::{Listings, listings};
