//! The tests of the crate, in one program: it links once. Tests that count allocations are alone in
//! theirs.

mod augmentation;
mod bad_files;
mod bad_images;
mod bad_stores;
mod changed_files;
mod cifar;
mod digits;
mod dividing;
mod exports;
#[cfg(feature = "fetch")]
mod fetch;
mod image_files;
mod images;
#[allow(dead_code, reason = "each user of it uses some")]
mod made_files;
mod messages;
#[cfg(feature = "fetch")]
mod mirror;
mod mnist;
mod mnist_files;
mod open;
mod passing;
mod reading;
mod splits;
mod store;
mod store_files;
mod stored_images;
mod table_cache;
