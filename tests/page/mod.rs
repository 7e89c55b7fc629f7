//! `make page`, `make side-by-side`: the article's listings and the port's files, aligned statement by statement.

pub mod align;
pub mod columns;
pub mod command;
pub mod document;
pub mod rows;
pub mod source_map;
pub mod statement;
pub mod syntax;
pub mod which_build;

#[cfg(test)]
mod tests;
