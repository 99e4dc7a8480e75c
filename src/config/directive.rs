//! A directive: one row of the table, and how its value gets into and out of a [`Config`].

use super::value::{Shape, Value};
use super::{BufferLimits, Config, SavePoint};
use crate::keyspace::rules::{GroupRule, StreamRule};

/// One row of the table.
#[derive(Debug)]
pub struct Directive {
    /// Its name, in lower case.
    pub name: &'static str,
    /// An older name that means the same.
    pub alias: Option<&'static str>,
    /// The text of its default value.
    pub default: &'static str,
    /// What it accepts.
    pub shape: Shape,
    /// When it may change.
    pub change: Change,
    /// What it is for, in one line.
    pub meaning: &'static str,
    place: Place,
}

/// When a directive may change.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Change {
    /// At any time, by CONFIG SET.
    Live,
    /// Only before the server starts.
    AtStart,
    /// Only before the server starts, because a client could do harm with it.
    Protected,
}

/// Where the value of a directive is kept.
#[derive(Debug)]
pub(super) enum Place {
    Field {
        get: fn(&Config) -> Value,
        set: fn(&mut Config, Value),
    },
    Inert,
}

/// The place of a directive that is kept in a field of [`Config`].
macro_rules! field {
    ($field:ident) => {
        Place::Field {
            get: |config| config.$field.value(),
            set: |config, value| config.$field.assign(value),
        }
    };
}
pub(super) use field;

/// A row, as the table writes it.
pub(super) const fn row(
    name: &'static str,
    default: &'static str,
    shape: Shape,
    place: Place,
    meaning: &'static str,
) -> Directive {
    Directive {
        name,
        alias: None,
        default,
        shape,
        change: Change::Live,
        meaning,
        place,
    }
}

impl Directive {
    pub(super) const fn at_start(mut self) -> Self {
        self.change = Change::AtStart;
        self
    }

    pub(super) const fn protected(mut self) -> Self {
        self.change = Change::Protected;
        self
    }

    pub(super) const fn alias(mut self, alias: &'static str) -> Self {
        self.alias = Some(alias);
        self
    }

    /// Whether this is the directive of that name, in any case.
    pub fn is_named(&self, name: &str) -> bool {
        self.name.eq_ignore_ascii_case(name)
            || self
                .alias
                .is_some_and(|alias| alias.eq_ignore_ascii_case(name))
    }

    /// Reads a value given as one text, and puts it in its place.
    pub fn assign_text(&self, config: &mut Config, text: &str) -> Result<(), String> {
        self.put(config, self.shape.parse_text(text)?);
        Ok(())
    }

    /// Reads a value and puts it in its place; the error is a sentence about the value.
    pub fn assign(&self, config: &mut Config, words: &[&str]) -> Result<(), String> {
        self.put(config, self.shape.parse(words)?);
        Ok(())
    }

    /// Puts a value, which is of the directive's shape, in its place.
    pub(super) fn put(&self, config: &mut Config, value: Value) {
        match self.place {
            Place::Field { set, .. } => set(config, value),
            Place::Inert => {
                config.inert.insert(self.name, value);
            }
        }
    }

    /// The value that a configuration holds.
    pub fn value(&self, config: &Config) -> Value {
        match self.place {
            Place::Field { get, .. } => get(config),
            Place::Inert => config
                .inert
                .get(self.name)
                .expect("a default was assigned to every directive")
                .clone(),
        }
    }

    /// The value that a configuration holds, as CONFIG GET prints it.
    pub fn show(&self, config: &Config) -> String {
        self.shape.show(&self.value(config))
    }
}

/// A type that a field of [`Config`] may have. A row's shape makes sure that only values fit for it arrive.
pub(super) trait Setting {
    fn value(&self) -> Value;
    fn assign(&mut self, value: Value);
}

/// Implements [`Setting`] for types that hold exactly what one variant of [`Value`] holds.
macro_rules! setting {
    ($($type:ty = $variant:ident),* $(,)?) => {$(
        impl Setting for $type {
            fn value(&self) -> Value {
                Value::$variant(self.clone())
            }

            fn assign(&mut self, value: Value) {
                let Value::$variant(inner) = value else { unreachable!("the shape fits the field") };
                *self = inner;
            }
        }
    )*};
}

setting! {
    bool = YesNo,
    String = Text,
    Vec<String> = Words,
    Vec<SavePoint> = SavePoints,
    Vec<StreamRule> = StreamRules,
    Vec<GroupRule> = GroupRules,
    Vec<f64> = Percentiles,
}

/// Implements [`Setting`] for whole numbers; the bounds of a row's shape lie within its field's type.
macro_rules! integer_setting {
    ($($type:ty),*) => {$(
        impl Setting for $type {
            fn value(&self) -> Value {
                Value::Integer(i64::try_from(*self).expect("assigned from an i64"))
            }

            fn assign(&mut self, value: Value) {
                let Value::Integer(number) = value else { unreachable!("the shape fits the field") };
                *self = <$type>::try_from(number).expect("the shape's bounds fit the field");
            }
        }
    )*};
}

integer_setting!(u16, u32, u64, i32, i64);

impl Setting for BufferLimits {
    fn value(&self) -> Value {
        use super::ClientClass;
        Value::BufferLimits(
            ClientClass::ALL
                .map(|class| (class, self.of(class)))
                .to_vec(),
        )
    }

    fn assign(&mut self, value: Value) {
        let Value::BufferLimits(limits) = value else {
            unreachable!("the shape fits the field")
        };
        for (class, limit) in limits {
            self.set(class, limit);
        }
    }
}

/// Defines an enum whose variants have names in the configuration; the first is its blank value.
macro_rules! choices {
    ($(#[$doc:meta])* pub enum $type:ident { $($(#[$variant_doc:meta])* $variant:ident = $name:literal,)* }) => {
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        pub enum $type {
            $($(#[$variant_doc])* $variant,)*
        }

        impl $type {
            /// The names of all variants, in order.
            pub const NAMES: &[&str] = &[$($name),*];
            const ALL: &[Self] = &[$(Self::$variant),*];
        }

        impl Default for $type {
            fn default() -> Self {
                Self::ALL[0]
            }
        }

        impl $crate::config::directive::Setting for $type {
            fn value(&self) -> Value {
                match self { $(Self::$variant => Value::Name($name),)* }
            }

            fn assign(&mut self, value: Value) {
                let position = Self::NAMES.iter().position(|name| value == Value::Name(name));
                *self = Self::ALL[position.expect("the shape lists the enum's names")];
            }
        }
    };
}
pub(super) use choices;
