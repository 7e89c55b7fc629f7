//! `make page`, `make side-by-side`: the article's listings and the port's files, aligned statement by statement.

pub mod align;
pub mod calls;
pub mod columns;
pub mod command;
pub mod document;
pub mod errata;
pub mod html;
pub mod lessons;
pub mod records;
pub mod rows;
pub mod source_map;
pub mod statement;
pub mod syntax;
pub mod tables;
pub mod which_build;

#[cfg(test)]
mod tests {
    mod browser;
    mod markup;
    mod page;
    mod side_by_side;
}
