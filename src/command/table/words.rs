//! The words that rows are written in: what a command is, what it does to a key, and who may call it.
//!
//! Each vocabulary is a set of bits under the names that COMMAND INFO uses, bits in the order in which COMMAND INFO
//! lists them. The three have different integer types, so that a word of one cannot slip into another.

/// Defines one vocabulary: its integer, a constant for each word, and the words as clients read them.
macro_rules! vocabulary {
    ($(#[$about:meta])* $module:ident: $int:ty { $($(#[$doc:meta])* $word:ident $text:literal)* }) => {
        $(#[$about])*
        pub mod $module {
            #[allow(clippy::upper_case_acronyms, non_camel_case_types)]
            enum Bit { $($word),* }
            $($(#[$doc])* pub const $word: $int = 1 << Bit::$word as $int;)*
            const TEXTS: &[&str] = &[$($text),*];

            /// The words in a set, as clients read them.
            pub fn texts(set: $int) -> impl Iterator<Item = &'static str> {
                TEXTS.iter().enumerate().filter(move |(bit, _)| set >> bit & 1 == 1).map(|(_, text)| *text)
            }

            /// The set of one word, given as clients write it, in any case.
            pub fn named(text: &[u8]) -> Option<$int> {
                let bit = TEXTS.iter().position(|known| known.as_bytes().eq_ignore_ascii_case(text))?;
                Some(1 << bit)
            }
        }
    };
}

/// A set of words of [`flag`].
pub type Flags = u32;
/// A set of words of [`access`].
pub type KeyFlags = u16;
/// A set of words of [`acl`].
pub type Categories = u64;

vocabulary! {
    /// What a command is: how it may be called and what the server must know before it runs.
    flag: u32 {
        /// May change data.
        WRITE "write"
        /// Reads data and changes none.
        READONLY "readonly"
        /// Is refused when memory is full.
        DENYOOM "denyoom"
        /// Is for whoever runs the server.
        ADMIN "admin"
        /// Belongs to publish and subscribe.
        PUBSUB "pubsub"
        /// Is not for scripts.
        NOSCRIPT "noscript"
        /// May make the client wait.
        BLOCKING "blocking"
        /// Is allowed while data is loading.
        LOADING "loading"
        /// Is allowed on a replica that has lost its primary.
        STALE "stale"
        /// Is not shown to MONITOR.
        SKIP_MONITOR "skip_monitor"
        /// Is not noted in the slow log.
        SKIP_SLOWLOG "skip_slowlog"
        /// Is allowed on a slot being imported.
        ASKING "asking"
        /// Takes constant or logarithmic time.
        FAST "fast"
        /// Is allowed before authentication.
        NO_AUTH "no_auth"
        /// May be called without any key although it has key specs.
        NO_MANDATORY_KEYS "no_mandatory_keys"
        /// Is refused while a replica swaps its data set for a new one.
        NO_ASYNC_LOADING "no_async_loading"
        /// Is refused inside a transaction.
        NO_MULTI "no_multi"
        /// Has keys that first, last and step cannot point at. Derived from the key specs, never written in a row.
        MOVABLEKEYS "movablekeys"
        /// Is allowed while a script keeps the server busy.
        ALLOW_BUSY "allow_busy"
    }
}

vocabulary! {
    /// What a command does to a key and to the value under it.
    access: u16 {
        /// Reads the value and changes nothing.
        RO "RO"
        /// Reads and changes the value.
        RW "RW"
        /// Overwrites the value whatever it was.
        OW "OW"
        /// Removes the key.
        RM "RM"
        /// Gives data of the value away, or uses it.
        ACCESS "access"
        /// Changes data of the value.
        UPDATE "update"
        /// Adds data to the value, changing none.
        INSERT "insert"
        /// Takes data from the value.
        DELETE "delete"
        /// The argument is placed like a key, for the sake of its slot, but names none.
        NOT_KEY "not_key"
        /// The spec may miss keys.
        INCOMPLETE "incomplete"
        /// The words depend on the other arguments.
        VARIABLE "variable_flags"
    }
}

vocabulary! {
    /// The categories by which commands are allowed and denied.
    acl: u64 {
        /// Keys whatever their type.
        KEYSPACE "keyspace"
        /// Reads data.
        READ "read"
        /// Changes data.
        WRITE "write"
        /// Sets.
        SET "set"
        /// Sorted sets.
        SORTEDSET "sortedset"
        /// Lists.
        LIST "list"
        /// Hashes.
        HASH "hash"
        /// Strings.
        STRING "string"
        /// Bitmaps.
        BITMAP "bitmap"
        /// HyperLogLogs.
        HYPERLOGLOG "hyperloglog"
        /// Places on the globe.
        GEO "geo"
        /// Streams.
        STREAM "stream"
        /// Publish and subscribe.
        PUBSUB "pubsub"
        /// For whoever runs the server.
        ADMIN "admin"
        /// Constant or logarithmic time.
        FAST "fast"
        /// All that is not fast.
        SLOW "slow"
        /// May make the client wait.
        BLOCKING "blocking"
        /// Able to do harm.
        DANGEROUS "dangerous"
        /// The connection itself.
        CONNECTION "connection"
        /// Transactions.
        TRANSACTION "transaction"
        /// Scripts and functions.
        SCRIPTING "scripting"
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_are_read_and_written_as_clients_know_them() {
        assert_eq!(
            flag::texts(flag::FAST | flag::WRITE).collect::<Vec<_>>(),
            ["write", "fast"]
        );
        assert_eq!(
            access::texts(access::VARIABLE).collect::<Vec<_>>(),
            ["variable_flags"]
        );
        assert_eq!(acl::named(b"SortedSet"), Some(acl::SORTEDSET));
        assert_eq!(acl::named(b"sorted-set"), None);
    }
}
