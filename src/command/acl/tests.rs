//! Rules: what they make, what is shown of them, and that both agree.

use super::file::merge_selectors;
use super::users::ChangeError;
use super::*;
use crate::command::registry;
use proptest::prelude::*;

fn rights_of(rules: &str) -> Result<Rights, RuleError> {
    let mut rights = Rights::new(false);
    let rules = merge_selectors(rules.split(' ').map(str::as_bytes)).expect("balanced");
    rules
        .iter()
        .try_for_each(|rule| rights.apply(rule, false))?;
    Ok(rights)
}

fn shown(rules: &str) -> String {
    let rights = rights_of(rules).expect("rules");
    String::from_utf8(rights.describe()).expect("UTF-8")
}

/// What is denied of a call to a user with these rules.
fn denied(rules: &str, call: &str) -> Option<Denial> {
    let call: Vec<&str> = call.split(' ').collect();
    let command = registry::lookup(call[0].as_bytes()).expect("a command");
    let command = match command.is_container() {
        true => command
            .subcommand(call[1].as_bytes())
            .expect("a subcommand"),
        false => command,
    };
    let rights = rights_of(rules).expect("rules");
    rights.check(command, call.as_slice()).err()
}

#[test]
fn rules_are_shown_as_they_were_meant() {
    let nothing = "off sanitize-payload resetchannels -@all";
    assert_eq!(shown(""), nothing);
    assert_eq!(shown("on nopass ~* &* +@all reset"), nothing);
    for (rules, expected) in [
        ("+get +@read -set", "-@all +get +@read -set"),
        ("+@all -GET +get", "+@all +get"),
        ("+config|get +config|set -config", "-@all -config"),
        ("+config +config|get", "-@all +config +config|get"),
        ("+select|A", "-@all +select|a"),
        ("+get +@all", "+@all"),
    ] {
        let all = format!("off sanitize-payload resetchannels {expected}");
        assert_eq!(shown(rules), all, "{rules}");
    }
    assert_eq!(
        shown("on ~a %R~b %W~b %W~c &x (~d +get) ( %r~e )"),
        "on sanitize-payload ~a ~b %W~c resetchannels &x -@all (~d resetchannels -@all +get) (%R~e resetchannels -@all)"
    );
}

#[test]
fn what_is_no_rule_is_told() {
    for (rule, error) in [
        ("foo", RuleError::Syntax),
        ("+nosuch", RuleError::Unknown),
        ("+@nosuch", RuleError::Unknown),
        ("-get|x", RuleError::Unknown),
        ("+config|get|x", RuleError::FirstArgOfSubcommand),
        ("+get|", RuleError::Syntax),
        ("%~x", RuleError::Syntax),
        ("%RR~x", RuleError::Syntax),
        ("allkeys ~x", RuleError::KeysAllowedAlready),
        ("&* &x", RuleError::ChannelsAllowedAlready),
        ("<x", RuleError::NoSuchPassword),
        ("#12", RuleError::BadDigest),
        ("(on)", RuleError::Syntax),
        ("(~x +nosuch)", RuleError::Unknown),
    ] {
        assert_eq!(rights_of(rule).err(), Some(error), "{rule}");
    }
}

#[test]
fn commands_keys_and_channels_are_checked() {
    for (rules, call, expected) in [
        ("~* +get", "get k", None),
        ("~* +get", "set k v", Some(Denial::Command)),
        ("~* +@all -@write", "set k v", Some(Denial::Command)),
        ("~* +config|get", "config get x", None),
        ("~* +config|get", "config set x y", Some(Denial::Command)),
        ("~* +@all -config|set +config", "config set x y", None),
        ("+select|0", "select 0", None),
        ("+select|0", "select 1", Some(Denial::Command)),
        ("~a* +@all", "mset a1 v b1 v", Some(Denial::Key(3))),
        ("%R~a +@all", "get a", None),
        ("%R~a +@all", "append a x", Some(Denial::Key(1))),
        ("%W~a +@all", "append a x", None),
        ("%W~a +@all", "get a", Some(Denial::Key(1))),
        ("%R~a %W~b +@all", "copy a b", None),
        ("%R~a %W~b +@all", "copy b a", Some(Denial::Key(1))),
        ("&a* +@all", "subscribe a b", Some(Denial::Channel(2))),
        ("&a* +@all", "psubscribe a*", None),
        ("&a* +@all", "psubscribe ab*", Some(Denial::Channel(1))),
        ("&a* +@all", "publish abc x", None),
        ("&a* +@all", "unsubscribe b", None),
        ("-@all", "auth x", None),
        ("~a +get (~b +set)", "set b x", None),
        ("~a +get (~b +set)", "set a x", Some(Denial::Key(1))),
        ("~a +get (~b +set)", "get b", Some(Denial::Key(1))),
        ("~a +get (~b +set)", "del b", Some(Denial::Command)),
    ] {
        assert_eq!(denied(rules, call), expected, "{rules}: {call}");
    }
}

#[test]
fn only_who_may_everything_is_not_restricted() {
    for (rules, unrestricted) in [
        ("allkeys allchannels allcommands", true),
        ("(allkeys allchannels allcommands)", true),
        ("allkeys allcommands", false),
        ("~* &* +@all -get", false),
        ("~* &*", false),
    ] {
        let user = User::new(b"u", rights_of(rules).expect("rules"));
        assert_eq!(user.is_unrestricted(), unrestricted, "{rules}");
    }
}

fn change(users: &Users, name: &str, rules: &str) -> Result<(), ChangeError> {
    let rules = rules.split(' ').map(str::as_bytes);
    users.change(name.as_bytes(), rules, false).map(drop)
}

#[test]
fn a_change_is_made_whole_or_not_at_all() {
    let users = Users::default();
    assert_eq!(change(&users, "ann", "on >x ~a +get"), Ok(()));
    let before = users.describe();
    let wrong = ChangeError::Rule(b"+nosuch".to_vec(), RuleError::Unknown);
    assert_eq!(change(&users, "ann", "off +set +nosuch"), Err(wrong));
    let unmatched = ChangeError::Unmatched(b"(~x".to_vec());
    assert_eq!(change(&users, "bob", "on (~x +get"), Err(unmatched));
    assert_eq!(change(&users, "b b", "on"), Err(ChangeError::Name));
    assert_eq!(users.describe(), before);
}

#[test]
fn who_logs_in_is_known_and_has_the_password() {
    let users = Users::default();
    change(&users, "ann", "on >x >y").expect("rules");
    assert!(users.log_in(b"ann", b"x").is_some() && users.log_in(b"ann", b"y").is_some());
    assert!(users.log_in(b"ann", b"").is_none() && users.log_in(b"bob", b"x").is_none());
    change(&users, "ann", "off").expect("rules");
    assert!(users.log_in(b"ann", b"x").is_none());
}

#[test]
fn who_is_removed_has_no_rights_left() {
    let users = Users::default();
    change(&users, "ann", "on nopass ~* &* +@all").expect("rules");
    let ann = users.find(b"ann").expect("a user");
    assert!(ann.is_unrestricted() && !users.restrict_anybody());
    assert!(users.remove(b"ann").is_some());
    assert!(!ann.is_unrestricted() && users.restrict_anybody());
    assert!(users.find(b"ann").is_none());
}

#[test]
fn a_file_replaces_all_users_or_none() {
    let users = Users::default();
    change(&users, "ann", "on").expect("rules");
    let default = users.default_user().clone();
    let replaced = users
        .replace(b"user bob on ~x (~a  +get)\r\n\n", false)
        .expect("users");
    assert_eq!((replaced.removed.len(), replaced.changed.len()), (1, 2));
    assert!(users.find(b"ann").is_none() && users.find(b"bob").is_some());
    let before = users.describe();
    let errors = users.replace(
        b"user c on\nfoo\nuser c off\nuser d (~x\nuser e +x +y ~* ~x zz\n",
        false,
    );
    let errors: Vec<String> = errors.unwrap_err().iter().map(|e| e.show("f")).collect();
    assert_eq!(
        errors,
        [
            "f:2 should start with user keyword followed by the username. ",
            "WARNING: Duplicate user 'c' found on line 3. ",
            "f:4: Unmatched parenthesis in selector definition.",
            "f:5: Error in applying operation '+x': Unknown command or category name in ACL. ",
            "f:5: Error in applying operation '+y': Unknown command or category name in ACL. ",
            &format!("f:5: {}. ", RuleError::KeysAllowedAlready),
        ]
    );
    assert_eq!(users.describe(), before);
    assert!(std::sync::Arc::ptr_eq(users.default_user(), &default));
}

/// Rules as users write them, right and wrong.
fn any_rule() -> impl Strategy<Value = String> {
    let fixed = [
        "on",
        "off",
        "nopass",
        "resetpass",
        "reset",
        "allkeys",
        "resetkeys",
        "allchannels",
        "resetchannels",
        "allcommands",
        "nocommands",
        "clearselectors",
        "sanitize-payload",
        "skip-sanitize-payload",
        "+@all",
        "-@all",
        "+@read",
        "-@write",
        "+get",
        "-get",
        "+config",
        "-config|get",
        "+config|set",
        "+select|0",
        "-select",
        "+nosuch",
        ">x",
        "<x",
        "~*",
        "%WR~*",
        "&*",
    ];
    prop_oneof![
        4 => proptest::sample::select(fixed.to_vec()).prop_map(str::to_owned),
        1 => "[~&+<>#!%(-][RW]{0,2}[~|@]?[a-c*]{0,3}",
        1 => r"\([~&+-][a-c*]{0,2} [~+]?(get|x|@read)?\)",
        1 => "\\PC{0,8}",
    ]
}

proptest! {
    #[test]
    fn what_is_shown_makes_the_same_rights(rules in proptest::collection::vec(any_rule(), 0..12)) {
        let mut rights = Rights::new(false);
        for rule in &rules {
            let before = rights.clone();
            let rule: String = rule.split_whitespace().collect::<Vec<_>>().join(" ");
            if rights.apply(rule.as_bytes(), false).is_err() {
                rights = before;
            }
        }
        let text = rights.describe();
        let words = merge_selectors(text.split(|byte| *byte == b' ')).expect("balanced");
        let mut again = Rights::new(true);
        for word in &words {
            prop_assert_eq!(again.apply(word, true), Ok(()), "{}", String::from_utf8_lossy(word));
        }
        prop_assert_eq!(again.describe(), text);
        for call in [&["get", "a"][..], &["config", "set", "a"], &["select", "0"], &["publish", "a", "x"]] {
            let command = registry::lookup(call[0].as_bytes()).expect("a command");
            let command = command.subcommand(call[1].as_bytes()).unwrap_or(command);
            prop_assert_eq!(again.check(command, call), rights.check(command, call), "{:?}", call);
        }
    }

    #[test]
    fn no_word_is_too_strange(words in proptest::collection::vec(proptest::collection::vec(any::<u8>(), 0..12), 0..6)) {
        let users = Users::default();
        let _ = users.change(b"u", words.iter().map(Vec::as_slice), false);
        let _ = users.replace(&words.join(&b' '), true);
    }
}
