//! A hash of lock tokens. The service makes them, so no attacker chooses them, and the hash can be faster than the default one.

use std::hash::{BuildHasherDefault, Hasher};

/// Builds the hashers of maps and sets whose keys are lock tokens.
pub(crate) type TokenHash = BuildHasherDefault<TokenHasher>;

/// Multiplies and rotates eight bytes at a time.
#[derive(Debug, Default)]
pub(crate) struct TokenHasher(u64);

const FACTOR: u64 = 0x9e37_79b9_7f4a_7c15;

impl TokenHasher {
    fn add(&mut self, word: u64) {
        self.0 = (self.0.rotate_left(5) ^ word).wrapping_mul(FACTOR);
    }
}

impl Hasher for TokenHasher {
    fn write(&mut self, bytes: &[u8]) {
        let (words, rest) = bytes.as_chunks::<8>();
        words.iter().for_each(|word| self.add(u64::from_le_bytes(*word)));
        let mut last = [0; 8];
        last.iter_mut().zip(rest).for_each(|(to, from)| *to = *from);
        self.add(u64::from_le_bytes(last) ^ bytes.len() as u64);
    }

    fn write_u8(&mut self, byte: u8) {
        self.add(byte.into());
    }

    /// The upper bits depend on all bytes, and tables use the lower ones.
    fn finish(&self) -> u64 {
        self.0.rotate_left(26)
    }
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;
    use std::hash::BuildHasher as _;

    use super::*;

    #[test]
    fn tokens_that_differ_in_one_place_have_different_hashes() {
        let hash = TokenHash::default();
        let mut hashes = HashSet::new();
        let base = "CiYKJDUwNjE4QTFFLUNDODQtNDZBQy1BN0Y4LUE5QkE3NjEwNzQxMxISChDXYS23Z+5Hq754VqQjxywE";
        for position in 0..base.len() {
            for letter in b'a'..=b'z' {
                let mut token = base.as_bytes().to_vec();
                token[position] = letter;
                hashes.insert((position, letter, hash.hash_one(String::from_utf8(token).unwrap())));
            }
        }
        let lower: HashSet<_> = hashes.iter().map(|(_, _, hash)| hash & 0xffff).collect();
        // 2,080 of 65,536 values: some of them meet by chance.
        assert!(lower.len() > 1_900, "{}", lower.len());
        assert_ne!(hash.hash_one("a"), hash.hash_one("a\0"));
    }
}
