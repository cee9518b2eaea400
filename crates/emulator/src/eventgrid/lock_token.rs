//! Lock tokens in the observed form: 60 bytes of protobuf, `{1:{1:GUID}}, {2:{1:16 bytes}}`, in base64. The GUID
//! identifies the subscription, the 16 bytes identify one delivery.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;

const GUID_LENGTH: usize = 36;
const ID_LENGTH: usize = 16;
/// Field 1, 38 bytes long, whose field 1 is 36 bytes long.
const GUID_TAG: [u8; 4] = [0x0a, 38, 0x0a, 36];
/// Field 2, 18 bytes long, whose field 1 is 16 bytes long.
const ID_TAG: [u8; 4] = [0x12, 18, 0x0a, 16];
const LENGTH: usize = GUID_TAG.len() + GUID_LENGTH + ID_TAG.len() + ID_LENGTH;

/// The part of a lock token that identifies one delivery.
pub(super) type LockId = [u8; ID_LENGTH];

/// The GUID of a subscription.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Owner([u8; GUID_LENGTH]);

impl Owner {
    pub(super) fn fresh() -> Self {
        let mut bytes = [0; GUID_LENGTH];
        bytes.iter_mut().zip(guid().bytes()).for_each(|(to, from)| *to = from);
        Self(bytes)
    }
}

/// A decoded lock token.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct LockToken {
    /// The subscription that issued it.
    pub(super) owner: Owner,
    pub(super) id: LockId,
}

impl LockToken {
    /// Creates a token of that subscription for a new delivery.
    pub(super) fn fresh(owner: Owner) -> Self {
        Self { owner, id: random() }
    }

    /// Decodes a token. Returns `None` for a text that no subscription can have issued.
    pub(super) fn decode(text: &str) -> Option<Self> {
        let mut bytes = [0; LENGTH];
        // A longer text does not fit, and a shorter one leaves out a part.
        let length = STANDARD.decode_slice(text, &mut bytes).ok()?;
        let rest = bytes.get(..length)?.strip_prefix(&GUID_TAG)?;
        let (owner, rest) = rest.split_first_chunk()?;
        let id = rest.strip_prefix(&ID_TAG)?.try_into().ok()?;
        Some(Self { owner: Owner(*owner), id })
    }

    pub(super) fn encode(&self) -> String {
        let parts = GUID_TAG.iter().chain(&self.owner.0).chain(&ID_TAG).chain(&self.id);
        let mut bytes = [0; LENGTH];
        bytes.iter_mut().zip(parts).for_each(|(to, from)| *to = *from);
        STANDARD.encode(bytes)
    }
}

/// A random GUID in upper case, as the service writes it.
pub(super) fn guid() -> String {
    let mut bytes: [u8; 16] = random();
    bytes[6] = bytes[6] & 0x0f | 0x40;
    bytes[8] = bytes[8] & 0x3f | 0x80;
    let mut text = String::with_capacity(GUID_LENGTH);
    for (index, byte) in bytes.iter().enumerate() {
        if matches!(index, 4 | 6 | 8 | 10) {
            text.push('-');
        }
        text.push_str(&format!("{byte:02X}"));
    }
    text
}

fn random() -> [u8; 16] {
    let mut bytes = [0; 16];
    fastrand::fill(&mut bytes);
    bytes
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_token_of_the_service_is_read_and_written_alike() {
        // From the service's documentation.
        let text = "CiYKJDUwNjE4QTFFLUNDODQtNDZBQy1BN0Y4LUE5QkE3NjEwNzQxMxISChDXYS23Z+5Hq754VqQjxywE";
        let token = LockToken::decode(text).unwrap();
        assert_eq!(token.owner, Owner(*b"50618A1E-CC84-46AC-A7F8-A9BA76107413"));
        assert_eq!(token.encode(), text);
    }

    #[test]
    fn tokens_differ_and_have_80_characters() {
        let owner = Owner::fresh();
        let (one, two) = (LockToken::fresh(owner), LockToken::fresh(owner));
        assert_ne!(one, two);
        assert_eq!(one.encode().len(), 80);
        assert_eq!(LockToken::decode(&one.encode()), Some(one));
    }

    #[test]
    fn a_text_of_another_shape_is_no_token() {
        let token = LockToken::fresh(Owner::fresh()).encode();
        for junk in [
            "",
            "faketoken",
            "fake-lock-token",
            "CgMKATESCQoHdG9rZW4tMQ==",
            &token[..76],
            &format!("{token}AAAA"),
        ] {
            assert_eq!(LockToken::decode(junk), None, "{junk}");
        }
    }
}
