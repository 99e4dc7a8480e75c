//! Any text is a configuration or is refused with a line and a reason; what is written of one makes the same configuration again.

use millstream::config::{Config, Invocation, parse_arguments};
use std::ffi::OsString;

pub fn run(text: &[u8]) {
    // It would read whatever files there are.
    let lower = text.to_ascii_lowercase();
    if lower.windows(7).any(|word| word == b"include") {
        return;
    }
    let from_stdin = [OsString::from("-")];
    match parse_arguments(from_stdin, &mut &*text) {
        Ok(Invocation::Serve(config)) => {
            let written = config.hand_over();
            let again = Config::take_over(&written).expect("what is written is read again");
            assert_eq!(
                again.hand_over().escape_ascii().to_string(),
                written.escape_ascii().to_string()
            );
        }
        Ok(_) => panic!("only arguments ask for anything else"),
        Err(error) => assert!(!error.problem.is_empty()),
    }
}
