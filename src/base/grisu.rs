//! Grisu2 (Loitsch, "Printing Floating-Point Numbers Quickly and Accurately with Integers", 2010): decimal digits that
//! read back as the same double.
//!
//! Not always the fewest digits, and not always the nearest of the fewest: about one double in a thousand gets one digit
//! more or another last one than the best algorithms find. Redis prints by Grisu2, so its digits are ours.
//!
//! The number and the two midpoints to its neighbours are scaled by a power of ten that brings their binary exponent
//! into a narrow range; then digits of the upper midpoint are taken until what is left lies within the interval.

use super::longdouble::LongDouble;
use std::sync::OnceLock;

/// `significand * 2^exponent`
#[derive(Clone, Copy)]
struct Scaled {
    significand: u64,
    exponent: i32,
}

/// Digits of a number: `0.` is not among them; their value is `digits * 10^scale`.
pub(super) struct Decimal {
    pub(super) digits: Vec<u8>,
    pub(super) scale: i32,
}

const FRACTION_BITS: u32 = 52;
const HIDDEN_BIT: u64 = 1 << FRACTION_BITS;
/// The exponent of a double's lowest fraction bit is biased by this.
const EXPONENT_BIAS: i32 = 1023 + FRACTION_BITS as i32;

/// Powers of ten are kept for every eighth exponent from the first on.
const FIRST_POWER: i32 = -348;
const POWER_STEP: usize = 8;
const POWERS: usize = 87;
/// The range that the binary exponent of a scaled number has to end in.
const EXPONENT_RANGE: std::ops::RangeInclusive<i32> = -60..=-32;

impl Scaled {
    fn of(value: f64) -> Self {
        let bits = value.to_bits();
        let fraction = bits & (HIDDEN_BIT - 1);
        match (bits >> FRACTION_BITS) as i32 & 0x7ff {
            0 => Self {
                significand: fraction,
                exponent: 1 - EXPONENT_BIAS,
            },
            biased => Self {
                significand: fraction | HIDDEN_BIT,
                exponent: biased - EXPONENT_BIAS,
            },
        }
    }

    fn normalized(self) -> Self {
        let shift = self.significand.leading_zeros();
        Self {
            significand: self.significand << shift,
            exponent: self.exponent - shift as i32,
        }
    }

    /// The product, rounded to 64 bits.
    fn times(self, other: Self) -> Self {
        let product = u128::from(self.significand) * u128::from(other.significand) + (1 << 63);
        Self {
            significand: (product >> 64) as u64,
            exponent: self.exponent + other.exponent + 64,
        }
    }

    /// The midpoints to the next lower and higher double, with the exponent of the latter normalized.
    fn neighbourhood(self) -> (Self, Self) {
        let upper = Self {
            significand: (self.significand << 1) + 1,
            exponent: self.exponent - 1,
        }
        .normalized();
        // Below a power of two doubles lie twice as close.
        let shift = if self.significand == HIDDEN_BIT { 2 } else { 1 };
        let lower = (self.significand << shift) - 1;
        let significand = lower << (self.exponent - shift - upper.exponent);
        (
            Self {
                significand,
                exponent: upper.exponent,
            },
            upper,
        )
    }
}

/// The digits of a positive finite number.
pub(super) fn shortest(value: f64) -> Decimal {
    let number = Scaled::of(value);
    let (lower, upper) = number.neighbourhood();
    let (power, power_exponent) = power_for(upper.exponent);
    let number = number.normalized().times(power);
    let (lower, upper) = (lower.times(power), upper.times(power));
    // The products are inexact by less than one: stay inside.
    let high = upper.significand - 1;
    let interval = high - (lower.significand + 1);
    generate(
        high,
        upper.exponent.unsigned_abs(),
        interval,
        high - number.significand,
        -power_exponent,
    )
}

/// Takes digits of `high / 2^shift` until the rest is within `interval`, then moves towards the number, which lies
/// `distance` below `high`.
fn generate(high: u64, shift: u32, mut interval: u64, distance: u64, mut scale: i32) -> Decimal {
    let unit = 1u64 << shift;
    let (mut whole, mut fraction) = (high >> shift, high & (unit - 1));
    let mut digits = Vec::with_capacity(18);
    let push = |digit: u64, digits: &mut Vec<u8>| {
        if digit > 0 || !digits.is_empty() {
            digits.push(b'0' + digit as u8);
        }
    };
    for place in (0..10).rev() {
        let weight = 10u64.pow(place);
        push(whole / weight, &mut digits);
        whole %= weight;
        let rest = (whole << shift) + fraction;
        if rest <= interval {
            scale += place as i32;
            approach(&mut digits, interval, rest, weight << shift, distance);
            return Decimal { digits, scale };
        }
    }
    let mut tens = 1u64;
    loop {
        fraction *= 10;
        interval *= 10;
        tens = tens.wrapping_mul(10);
        scale -= 1;
        push(fraction >> shift, &mut digits);
        fraction &= unit - 1;
        if fraction < interval {
            approach(
                &mut digits,
                interval,
                fraction,
                unit,
                distance.wrapping_mul(tens),
            );
            return Decimal { digits, scale };
        }
    }
}

/// Lowers the last digit as long as that brings the digits nearer to the number and keeps them in the interval.
fn approach(digits: &mut [u8], interval: u64, mut rest: u64, weight: u64, distance: u64) {
    let last = digits
        .last_mut()
        .expect("digits are approached once there is one");
    while rest < distance
        && interval - rest >= weight
        && (rest + weight < distance || distance - rest > rest + weight - distance)
    {
        *last -= 1;
        rest += weight;
    }
}

/// The power of ten that brings a number of this binary exponent into range, and its decimal exponent.
fn power_for(exponent: i32) -> (Scaled, i32) {
    static TABLE: OnceLock<Vec<Scaled>> = OnceLock::new();
    let table = TABLE.get_or_init(powers);
    // log10(2), as near as it has to be: the search below puts it right.
    let estimate = (-f64::from(exponent + POWERS as i32) * std::f64::consts::LOG10_2) as i32;
    let mut index = ((estimate - FIRST_POWER) as usize / POWER_STEP).min(POWERS - 1);
    loop {
        let scaled = exponent + table[index].exponent + 64;
        if scaled < *EXPONENT_RANGE.start() {
            index += 1;
        } else if scaled > *EXPONENT_RANGE.end() {
            index -= 1;
        } else {
            return (table[index], FIRST_POWER + (index * POWER_STEP) as i32);
        }
    }
}

/// The powers of ten, each rounded to 64 bits: which is what an extended precision number has.
fn powers() -> Vec<Scaled> {
    (0..POWERS)
        .map(|index| {
            let text = format!("1e{}", FIRST_POWER + (index * POWER_STEP) as i32);
            let power =
                LongDouble::parse(text.as_bytes()).expect("in the range of extended precision");
            let (significand, exponent) = power.parts();
            Scaled {
                significand,
                exponent,
            }
        })
        .collect()
}
