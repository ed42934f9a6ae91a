//! The binary, from the outside: what it writes, says and refuses.

mod advice;
mod animals;
mod backbones;
mod bad_input;
mod bad_tables;
mod bench;
mod calibration;
mod carried;
mod chain;
mod compare;
mod configuration;
mod curve;
mod data;
#[cfg(feature = "fetch")]
mod data_fetch;
mod ensemble;
mod export;
mod images;
mod models;
#[cfg(feature = "fetch")]
mod models_fetch;
mod novelty;
mod numbers;
mod pipes;
mod predict;
mod probe;
mod program;
mod progress;
mod rarity;
#[cfg(unix)]
mod resume;
mod scores;
mod semi;
mod tables;
mod tensorboard;
mod transfer;
mod tune;
mod unseen;
mod watch;
