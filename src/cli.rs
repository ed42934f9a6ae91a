//! The command line: from words and files to options that are known to be right.

pub mod clap_errors;
pub mod config;
mod old_names;
pub mod options;
pub mod parse;
pub mod short_help;
#[cfg(test)]
mod tests;
