//! Randomness that nobody can foretell, from the kernel.

use rustix::rand::{GetRandomFlags, getrandom};
use std::io;

/// Fills `buffer` with random bytes.
pub fn fill(buffer: &mut [u8]) -> io::Result<()> {
    let mut filled = 0;
    while filled < buffer.len() {
        match getrandom(&mut buffer[filled..], GetRandomFlags::empty()) {
            Ok(n) => filled += n,
            Err(rustix::io::Errno::INTR) => {}
            Err(error) => return Err(error.into()),
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_drawn_differs() {
        let mut draws = [[0; 16]; 2];
        draws
            .iter_mut()
            .for_each(|draw| fill(draw).expect("the kernel has randomness"));
        assert_ne!(draws[0], draws[1]);
    }
}
