//! The article's C++ and the port in the same scenarios: what they do, and what explains where they differ.

pub mod conduct;
pub mod differences;
pub mod records;
pub mod scenarios;
pub mod scene;
