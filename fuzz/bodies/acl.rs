//! Any bytes are rules or are refused; what is shown of rights makes the same rights again; a file of users is read or told to be wrong.

use millstream::command::acl::Users;

pub fn run(text: &[u8]) {
    let users = Users::default();
    for line in text.split(|byte| *byte == b'\n') {
        let words = line.split(|byte| *byte == b' ');
        let _ = users.change(b"fuzzed", words, line.len().is_multiple_of(2));
    }
    let mut file = users.describe().join(&b'\n');
    file.push(b'\n');
    let again = Users::default();
    again
        .replace(&file, true)
        .expect("what is shown is read again");
    assert_eq!(again.describe(), users.describe());
    let _ = again.replace(text, false);
}
