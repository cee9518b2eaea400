//! HTTP/2 frames as bytes (RFC 9113, section 6), for what a well-behaved implementation never sends.

/// `GOAWAY`'s and `RST_STREAM`'s code for an end without an error (RFC 9113, section 7).
pub const NO_ERROR: u32 = 0;
/// The code for a fault of the server.
pub const INTERNAL_ERROR: u32 = 2;
/// The code for a stream that was not processed at all.
pub const REFUSED_STREAM: u32 = 7;
/// The code for a stream that is no longer wanted.
pub const CANCEL: u32 = 8;

pub(super) const DATA: u8 = 0;
pub(super) const HEADERS: u8 = 1;
pub(super) const SETTINGS: u8 = 4;
pub(super) const PING: u8 = 6;

pub(super) const ACK: u8 = 1;
pub(super) const END_STREAM: u8 = 1;
const END_HEADERS: u8 = 4;

pub(super) const PREFACE: usize = 24;
pub(super) const HEAD: usize = 9;

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
    frame(3, 0, stream, &code.to_be_bytes())
}

/// The head of a response with status 200, more to follow.
#[must_use]
pub fn ok(stream: u32) -> Vec<u8> {
    // The index of `:status: 200` in HPACK's static table (RFC 7541, appendix A).
    frame(HEADERS, END_HEADERS, stream, &[0x88])
}

/// The last part of a body.
#[must_use]
pub fn end(stream: u32, body: &str) -> Vec<u8> {
    frame(DATA, END_STREAM, stream, body.as_bytes())
}

fn frame(kind: u8, flags: u8, stream: u32, payload: &[u8]) -> Vec<u8> {
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
}
