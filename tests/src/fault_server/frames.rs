//! HTTP/2 frames as bytes (RFC 9113, section 6), for what a well-behaved implementation never sends.

/// `GOAWAY`'s and `RST_STREAM`'s code for an end without an error (RFC 9113, section 7).
pub const NO_ERROR: u32 = 0;
/// The code for a fault of the server.
pub const INTERNAL_ERROR: u32 = 2;
/// The code for a stream that was not processed at all.
pub const REFUSED_STREAM: u32 = 7;
/// The code for a stream that is no longer wanted.
pub const CANCEL: u32 = 8;

/// The type of `DATA` frames (RFC 9113, section 6).
pub const DATA: u8 = 0;
/// The type of `HEADERS` frames.
pub const HEADERS: u8 = 1;
pub(super) const RST_STREAM: u8 = 3;
pub(super) const SETTINGS: u8 = 4;
pub(super) const PING: u8 = 6;
pub(super) const WINDOW_UPDATE: u8 = 8;
/// The type of `CONTINUATION` frames.
pub const CONTINUATION: u8 = 9;

pub(super) const ACK: u8 = 1;
/// The flag of the last `HEADERS` or `DATA` frame of a stream.
pub const END_STREAM: u8 = 1;
/// The flag of the last frame of a header block.
pub const END_HEADERS: u8 = 4;

/// `:status: 200`, the index in HPACK's static table (RFC 7541, appendix A).
pub const STATUS_200: &[u8] = &[0x88];
/// `:status: 500`.
pub const STATUS_500: &[u8] = &[0x8e];

pub(super) const PREFACE: usize = 24;
pub(super) const HEAD: usize = 9;
/// The largest payload that every client takes (RFC 9113, section 4.2).
pub(super) const MAX_PAYLOAD: usize = 16_384;

/// A frame.
pub(super) struct Frame {
    pub(super) kind: u8,
    pub(super) flags: u8,
    pub(super) stream: u32,
    pub(super) payload: Vec<u8>,
}

impl Frame {
    /// The payload's length, from a frame's head.
    pub(super) fn length(head: &[u8]) -> usize {
        head.iter().take(3).fold(0, |length, byte| length << 8 | usize::from(*byte))
    }

    /// Reads head and payload together.
    pub(super) fn read(bytes: &[u8]) -> Option<Self> {
        let (head, payload) = bytes.split_at_checked(HEAD)?;
        let [_, _, _, kind, flags, stream @ ..] = head else { return None };
        let stream = u32::from_be_bytes(stream.try_into().ok()?) & 0x7fff_ffff;
        Some(Self { kind: *kind, flags: *flags, stream, payload: payload.to_vec() })
    }

    /// The number of bytes by which a `WINDOW_UPDATE` enlarges the window.
    pub(super) fn increment(&self) -> usize {
        self.payload.iter().fold(0, |bytes, byte| bytes << 8 | usize::from(*byte)) & 0x7fff_ffff
    }
}

/// `SETTINGS` without any.
#[must_use]
pub fn settings() -> Vec<u8> {
    frame(SETTINGS, 0, 0, &[])
}

pub(super) fn settings_ack() -> Vec<u8> {
    frame(SETTINGS, ACK, 0, &[])
}

pub(super) fn pong(payload: &[u8]) -> Vec<u8> {
    frame(PING, ACK, 0, payload)
}

/// `GOAWAY`: streams above `last` were not processed.
#[must_use]
pub fn goaway(last: u32, code: u32) -> Vec<u8> {
    frame(7, 0, 0, &[last.to_be_bytes(), code.to_be_bytes()].concat())
}

/// `RST_STREAM`.
#[must_use]
pub fn reset(stream: u32, code: u32) -> Vec<u8> {
    frame(RST_STREAM, 0, stream, &code.to_be_bytes())
}

/// The head of a response with status 200, more to follow.
#[must_use]
pub fn ok(stream: u32) -> Vec<u8> {
    frame(HEADERS, END_HEADERS, stream, STATUS_200)
}

/// The last part of a body.
#[must_use]
pub fn end(stream: u32, body: &str) -> Vec<u8> {
    frame(DATA, END_STREAM, stream, body.as_bytes())
}

/// `PING`, which the client has to acknowledge.
#[must_use]
pub fn ping() -> Vec<u8> {
    frame(PING, 0, 0, &[0; 8])
}

/// `WINDOW_UPDATE` by one byte. Stream 0 is the connection.
#[must_use]
pub fn window_update(stream: u32) -> Vec<u8> {
    frame(WINDOW_UPDATE, 0, stream, &1_u32.to_be_bytes())
}

/// A `:status` that is not in HPACK's static table, or any other header, as a literal without indexing (RFC 7541, 6.2.2).
#[must_use]
pub fn literal(name: &str, value: &str) -> Vec<u8> {
    let text = |text: &str| [&length(text.len())[..], text.as_bytes()].concat();
    [&[0][..], &text(name), &text(value)].concat()
}

/// An integer with a prefix of 7 bits (RFC 7541, 5.1).
fn length(value: usize) -> Vec<u8> {
    let [low, _, _, _] = u32::try_from(value).unwrap_or(u32::MAX).to_le_bytes();
    if value < 127 {
        return vec![low];
    }
    let (mut bytes, mut rest) = (vec![127], value - 127);
    while rest >= 128 {
        bytes.push((rest % 128) as u8 | 128);
        rest /= 128;
    }
    bytes.push(rest as u8);
    bytes
}

/// The head of a response: one `HEADERS` frame, and `CONTINUATION` frames if it is longer than a frame.
#[must_use]
pub fn head(stream: u32, block: &[u8]) -> Vec<u8> {
    let last = block.len().div_ceil(MAX_PAYLOAD).saturating_sub(1);
    let parts = block.chunks(MAX_PAYLOAD).enumerate().map(|(number, part)| {
        let kind = if number == 0 { HEADERS } else { CONTINUATION };
        frame(kind, if number == last { END_HEADERS } else { 0 }, stream, part)
    });
    parts.collect::<Vec<_>>().concat()
}

/// A frame of any type.
#[must_use]
pub fn frame(kind: u8, flags: u8, stream: u32, payload: &[u8]) -> Vec<u8> {
    let [_, length @ ..] = u32::try_from(payload.len()).unwrap_or(u32::MAX).to_be_bytes();
    [&length[..], &[kind, flags], &stream.to_be_bytes(), payload].concat()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_goaway_is_laid_out_as_its_specification_draws_it() {
        let bytes = goaway(1, NO_ERROR);
        assert_eq!(bytes, [0, 0, 8, 7, 0, 0, 0, 0, 0, 0, 0, 0, 1, 0, 0, 0, 0]);
        let read = Frame::read(&bytes).unwrap();
        assert_eq!((read.kind, read.stream, read.payload.len()), (7, 0, 8));
        assert_eq!(Frame::length(&bytes), 8);
    }

    #[test]
    fn long_texts_have_a_length_of_several_bytes() {
        // The example of RFC 7541, C.1.2, with a prefix of 7 bits.
        assert_eq!(length(1337), [127, 0x80 | 58, 9]);
        assert_eq!((length(126), length(127)), (vec![126], vec![127, 0]));
        assert_eq!(literal("x", "yz"), [0, 1, b'x', 2, b'y', b'z']);
    }
}
