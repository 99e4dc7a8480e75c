//! Arguments that nobody else is to see: what MONITOR and the slow log show in their place.

use super::registry::{self, Command};
use crate::resp::Request;

const REDACTED: &[u8] = b"(redacted)";

/// Directives whose values are passwords.
const SECRET_DIRECTIVES: [&[u8]; 4] = [
    b"requirepass",
    b"masterauth",
    b"tls-key-file-pass",
    b"tls-client-key-file-pass",
];

/// The arguments of a call of `command`, passwords and the user names beside them redacted, the command as clients call it.
pub fn hide<'a>(
    command: &Command,
    request: Request<'a>,
) -> impl ExactSizeIterator<Item = &'a [u8]> {
    (0..request.len()).map(move |index| match is_secret(command, request, index) {
        true => REDACTED,
        false if index == 0 => registry::called(command).map_or(request.arg(0), str::as_bytes),
        false => request.arg(index),
    })
}

fn is_secret(command: &Command, request: Request<'_>, index: usize) -> bool {
    let follows = |distance: usize, word: &[u8]| {
        index > distance && request.arg(index - distance).eq_ignore_ascii_case(word)
    };
    match command.full_name.as_str() {
        "auth" => index > 0,
        "acl|setuser" | "acl|deluser" | "acl|getuser" => index > 1,
        "hello" => index > 2 && (follows(1, b"auth") || follows(2, b"auth")),
        "config|set" => {
            index > 2 && index % 2 == 1 && SECRET_DIRECTIVES.iter().any(|name| follows(1, name))
        }
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::super::registry;
    use super::*;
    use crate::resp::OwnedRequest;

    fn shown(name: &str, words: &str) -> String {
        let command = registry::find(name.as_bytes()).expect("a known command");
        let request = OwnedRequest::from_args(words.split(' ').map(str::as_bytes));
        let shown: Vec<_> = hide(command, request.as_request())
            .map(|arg| String::from_utf8_lossy(arg).into_owned())
            .collect();
        shown.join(" ")
    }

    #[test]
    fn passwords_are_hidden() {
        assert_eq!(
            shown("auth", "auth me secret"),
            "auth (redacted) (redacted)"
        );
        assert_eq!(
            shown("hello", "hello 3 AUTH me secret setname auth"),
            "hello 3 AUTH (redacted) (redacted) setname auth"
        );
        assert_eq!(
            shown("config|set", "config set hz 10 RequirePass secret"),
            "config set hz 10 RequirePass (redacted)"
        );
        assert_eq!(shown("echo", "echo auth"), "echo auth");
    }
}
