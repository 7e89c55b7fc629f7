//! `make side-by-side`: the article's listings and the port's files, aligned statement by statement.

pub mod align;
pub mod command;
pub mod source_map;

#[cfg(test)]
mod tests;
