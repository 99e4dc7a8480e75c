//! What streams and groups do by themselves from the moment at which clients make them: rules by the patterns that names match.
//!
//! All rules that match apply, in their order, each option of a later one in place of that of an earlier one. They apply where a client's
//! command makes a stream or a group, and at no other time: what a rule came to is a policy, which is logged and kept like every other.

use crate::base::glob;
use crate::data::stream::{
    GroupPolicy, GroupSetting, IdmpLimits, Setting, StreamPolicy, StreamSetting,
};

/// See the module's description.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Rules {
    /// For streams.
    pub streams: Vec<StreamRule>,
    /// For groups.
    pub groups: Vec<GroupRule>,
    /// What streams remember of messages, unless a rule says otherwise.
    pub idmp: IdmpLimits,
}

/// What streams get.
#[derive(Clone, Debug, PartialEq)]
pub struct StreamRule {
    /// What their keys match.
    pub key: String,
    /// At least one.
    pub settings: Vec<StreamSetting>,
}

/// What groups get.
#[derive(Clone, Debug, PartialEq)]
pub struct GroupRule {
    /// What the keys of their streams match.
    pub key: String,
    /// What their names match.
    pub group: String,
    /// At least one.
    pub settings: Vec<GroupSetting>,
}

impl Rules {
    /// The policy of a stream that is made at `key`.
    pub fn stream_policy(&self, key: &[u8]) -> StreamPolicy {
        let matching = |rule: &&StreamRule| glob::matches(rule.key.as_bytes(), key);
        let rules = self.streams.iter().filter(matching);
        let mut policy = StreamPolicy {
            idmp: self.idmp,
            ..StreamPolicy::default()
        };
        for setting in rules.flat_map(|rule| &rule.settings) {
            setting.apply(&mut policy);
        }
        policy
    }

    /// The policy of a group that is made at the stream at `key`. Dead letters that would go to this very stream go nowhere.
    pub fn group_policy(&self, key: &[u8], group: &[u8]) -> GroupPolicy {
        let matching = |rule: &&GroupRule| {
            glob::matches(rule.key.as_bytes(), key) && glob::matches(rule.group.as_bytes(), group)
        };
        let rules = self.groups.iter().filter(matching);
        let mut policy = GroupPolicy::default();
        for setting in rules.flat_map(|rule| &rule.settings) {
            setting.apply(&mut policy);
        }
        if *policy.dead_letter == *key {
            policy.dead_letter = Box::default();
        }
        policy
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_later_rule_overrules_an_earlier_one_option_by_option() {
        let stream_rule = |key: &str, settings: &[StreamSetting]| StreamRule {
            key: key.into(),
            settings: settings.to_vec(),
        };
        let rules = Rules {
            streams: vec![
                stream_rule("*", &[StreamSetting::MaxLen(10), StreamSetting::MaxAge(5)]),
                stream_rule("jobs:*", &[StreamSetting::MaxLen(20)]),
            ],
            groups: vec![GroupRule {
                key: "*".into(),
                group: "work*".into(),
                settings: vec![
                    GroupSetting::DeadLetter((*b"dead").into()),
                    GroupSetting::AckWait(7),
                ],
            }],
            idmp: IdmpLimits::default(),
        };
        let lengths = |key: &[u8]| {
            let policy = rules.stream_policy(key);
            (policy.max_len, policy.max_age_ms)
        };
        assert_eq!((lengths(b"jobs:a"), lengths(b"jobs")), ((20, 5), (10, 5)));
        let policy = rules.group_policy(b"jobs", b"workers");
        assert_eq!(
            (&*policy.dead_letter, policy.ack_wait_ms),
            (&b"dead"[..], 7)
        );
        let policy = rules.group_policy(b"dead", b"workers");
        assert_eq!((&*policy.dead_letter, policy.ack_wait_ms), (&b""[..], 7));
        assert!(rules.group_policy(b"jobs", b"others").is_off());
        assert!(Rules::default().stream_policy(b"jobs").is_off());
    }
}
