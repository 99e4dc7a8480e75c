//! The decoders that scripts have. See the body.
#![no_main]

use libfuzzer_sys::fuzz_target;

#[path = "../bodies/script.rs"]
mod body;

fuzz_target!(|input: &[u8]| body::run(input));
